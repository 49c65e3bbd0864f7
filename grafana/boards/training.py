"""How far, how fast and how good the trainings in the panes are."""

from grafana_foundation_sdk.builders import bargauge, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.layout import Row, Shelf, Variable, assemble, host_variables
from boards.panels import graph, ranking, thresholds
from boards.queries import HOST, Query, select
from boards.states import BLUE, GREEN, ORANGE, RED
from boards.tables import Column, listing

RUN = f'{HOST}, run=~"$run"'
"""Matchers of what is told about the chosen runs."""

RUN_LABELS = "instance, run"
"""The labels that name a run."""

PER_SECOND = "suffix: /s"


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "training",
        "How far each training is, how fast it goes against itself, whether its loss falls, and "
        "which of them stand.",
        [*host_variables(every_host=True), Variable("run", f"panewatch_training_info{{{HOST}}}")],
        [
            Row("Now", [Shelf(9, [(15, _runs()), (9, _progress())])]),
            Row(
                "How good",
                [Shelf(9, [(12, _loss()), (12, _learning_rate())]), Shelf(7, [(24, _nonfinite())])],
            ),
            Row(
                "How fast",
                [
                    Shelf(8, [(12, _steps_rate()), (12, _against_itself())]),
                    Shelf(8, [(12, _items_rate()), (12, _since_progress())]),
                ],
            ),
            Row("How far", [Shelf(8, [(12, _steps()), (12, _eta())])]),
        ],
        since="now-6h",
    )


def _value(metric: str, **labels: str) -> str:
    return f"max by ({RUN_LABELS}) ({select(metric, RUN, **labels)})"


def _increase(metric: str) -> str:
    return f"sum by ({RUN_LABELS}) (increase({select(metric, RUN)}[$__rate_interval]))"


def _runs() -> table.Panel:
    return listing(
        "Runs",
        "Every training that is seen, where it is, and what its loss was last. A run that has "
        "ended stays here while its pane counts as finished.",
        [
            _value("panewatch_training_progress_ratio"),
            _value("panewatch_training_epoch"),
            _value("panewatch_training_step"),
            _value("panewatch_training_steps"),
            _value("panewatch_training_loss", split="train"),
            _value("panewatch_training_loss", split="val"),
            _value("panewatch_training_eta_seconds"),
        ],
        [
            Column("instance", "Host", 150),
            Column("run", "Run"),
            Column("Value #A", "Done", 70, unit=units.PercentUnit),
            Column("Value #B", "Epoch", 70),
            Column("Value #C", "Step", 80),
            Column("Value #D", "Of", 80),
            Column("Value #E", "Loss", 90),
            Column("Value #F", "Validation loss", 110),
            Column("Value #G", "Left", 90, unit=units.Seconds),
        ],
        none="No training is seen.",
    )


def _progress() -> bargauge.Panel:
    return ranking(
        "How much is done",
        "The share of each run that is done; of its epoch, where nothing tells how many epochs "
        "there will be.",
        Query(
            f"sort_desc({_value('panewatch_training_progress_ratio')})",
            legend="{{run}}",
            instant=True,
        ),
        units.PercentUnit,
        color=thresholds(BLUE, (1, GREEN)),
    )


def _loss() -> timeseries.Panel:
    return graph(
        "Loss",
        "The loss of each run as it prints it, for training and validation. A validation loss "
        "that rises while the other falls is overfitting; both rising is a diverging run.",
        [
            Query(
                f"max by ({RUN_LABELS}, split) ({select('panewatch_training_loss', RUN)})",
                legend="{{run}} {{split}}",
            )
        ],
        units.Short,
        calcs=("lastNotNull", "min"),
    )


def _learning_rate() -> timeseries.Panel:
    return graph(
        "Learning rate",
        "The learning rate of each run, where it prints one. A loss that leaps at a step of the "
        "schedule is explained here.",
        [
            Query(
                f"max by ({RUN_LABELS}, metric) ({select('panewatch_training_metric', RUN)})",
                legend="{{run}} {{metric}}",
            )
        ],
        "sci",
    )


def _nonfinite() -> timeseries.Panel:
    return graph(
        "Losses that are no numbers, and runs that went back",
        "Losses that were NaN or infinite: the steps behind the first one train nothing. A run "
        "that went back began again, from a checkpoint or from nothing.",
        [
            Query(_increase("panewatch_training_nonfinite_total"), legend="{{run}} no number"),
            Query(_increase("panewatch_training_restarts_total"), legend="{{run}} went back"),
        ],
        units.Short,
        bars=True,
    )


def _steps_rate() -> timeseries.Panel:
    return graph(
        "Steps per second",
        "How fast each run's step grows. The line ends while a run stands: a last value that is "
        "no longer true is not shown.",
        [Query(_value("panewatch_training_steps_per_second"), legend="{{run}}")],
        PER_SECOND,
    )


def _against_itself() -> timeseries.Panel:
    median = select("panewatch:training_steps_per_second:median1h", RUN)
    return graph(
        "Speed against its own last hour",
        "Steps per second as a share of the run's own median of the last hour. Below the dashed "
        "line for ten minutes it alerts: look for another process on the machine, a slow disk, "
        "or a GPU that lowers its clocks.",
        [
            Query(
                f"{_value('panewatch_training_steps_per_second')}\n"
                f"/ max by ({RUN_LABELS}) ({median})",
                legend="{{run}}",
            )
        ],
        units.PercentUnit,
        limit=(0.5, ORANGE),
    )


def _items_rate() -> timeseries.Panel:
    return graph(
        "Samples and tokens per second",
        "What each run prints of its throughput, in samples or tokens.",
        [
            Query(_value("panewatch_training_samples_per_second"), legend="{{run}} samples"),
            Query(_value("panewatch_training_tokens_per_second"), legend="{{run}} tokens"),
        ],
        PER_SECOND,
    )


def _since_progress() -> timeseries.Panel:
    last = _value("panewatch_training_last_progress_timestamp_seconds")
    return graph(
        "Time since it last moved on",
        "How long ago each run that has not ended last told something new. Saving and validating "
        "make teeth of one height; a line that goes on rising is a run that hangs.",
        [
            Query(f"time() - {last}", legend="{{run}}"),
            Query(
                f"(time() - {last})\nand on ({RUN_LABELS}) "
                f"{_value('panewatch_training_stalled')} == 1",
                legend="{{run}} stalled",
            ),
        ],
        units.Seconds,
        limit=(600, RED),
    )


def _steps() -> timeseries.Panel:
    return graph(
        "Step and epoch",
        "Where each run is, as it prints it. A fall without a new epoch is a restart.",
        [
            Query(_value("panewatch_training_step"), legend="{{run}} step"),
            Query(_value("panewatch_training_epoch"), legend="{{run}} epoch"),
            Query(_value("panewatch_training_epochs"), legend="{{run}} epochs"),
        ],
        units.Short,
    )


def _eta() -> timeseries.Panel:
    return graph(
        "Time left",
        "How long each run will take at the speed that it has, or as it prints it. It should "
        "fall by a minute each minute.",
        [Query(_value("panewatch_training_eta_seconds"), legend="{{run}}")],
        units.Seconds,
    )
