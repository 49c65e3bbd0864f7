"""How far, how fast and how good the trainings in the panes are."""

from grafana_foundation_sdk.builders import bargauge, common, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import ScaleDistribution
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.batches import (
    batch_times,
    data_wait,
    epochs_rate,
    memory,
    samples,
    seconds,
    textfiles,
)
from boards.events import events
from boards.layout import Row, Shelf, Variable, assemble, host_variables
from boards.panels import graph, ranking, thresholds
from boards.queries import HOST, Query, select
from boards.runs import PER_SECOND, RUN, RUN_LABELS, value_of
from boards.states import BLUE, GREEN, ORANGE, RED
from boards.tables import Column, listing


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
                [
                    Shelf(9, [(12, _loss()), (12, _metrics())]),
                    Shelf(7, [(8, _learning_rate()), (8, _nonfinite()), (8, _restarts())]),
                ],
            ),
            Row(
                "How fast",
                [
                    Shelf(8, [(12, _steps_rate()), (12, _against_itself())]),
                    Shelf(8, [(12, _items_rate()), (12, _since_progress())]),
                ],
            ),
            Row(
                "Where the time goes",
                [
                    Shelf(8, [(12, batch_times()), (12, data_wait())]),
                    Shelf(8, [(12, samples()), (12, memory())]),
                    Shelf(7, [(8, seconds()), (8, epochs_rate()), (8, textfiles())]),
                ],
            ),
            Row("How far", [Shelf(8, [(12, _steps()), (12, _eta())])]),
        ],
        since="now-6h",
    )


def _runs() -> table.Panel:
    return listing(
        "Runs",
        "Every training that is seen, where it is, and what its loss was last. A run that has "
        "ended stays here while its pane counts as finished.",
        [
            value_of("panewatch_training_progress_ratio"),
            value_of("panewatch_training_epoch"),
            value_of("panewatch_training_step"),
            value_of("panewatch_training_steps"),
            value_of("panewatch_training_loss", split="train"),
            value_of("panewatch_training_loss", split="val"),
            value_of("panewatch_training_eta_seconds"),
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
            f"sort_desc({value_of('panewatch_training_progress_ratio')})",
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


def _metrics() -> timeseries.Panel:
    others = select("panewatch_training_metric", f'{RUN}, metric!="learning_rate"')
    return graph(
        "Metrics",
        "What else each run tells of how good it is: accuracy, the norm of its gradients and the "
        "like, as it prints them; with a percent sign as ratios. The axis is logarithmic, because "
        "they differ by powers of ten. A click in the legend shows one alone.",
        [Query(f"max by ({RUN_LABELS}, metric) ({others})", legend="{{run}} {{metric}}")],
        units.Short,
        beside=True,
        log=True,
    ).scale_distribution(
        # Unlike a plain logarithm it has room for a reward below 0.
        common.ScaleDistributionConfig()
        .type(ScaleDistribution.SYMLOG)
        .log(10)
        .linear_threshold(0.01)
    )


def _learning_rate() -> timeseries.Panel:
    rate = select("panewatch_training_metric", f'{RUN}, metric="learning_rate"')
    return graph(
        "Learning rate",
        "The learning rate of each run, where it prints one. A loss that leaps at a step of the "
        "schedule is explained here.",
        [
            Query(
                f"max by ({RUN_LABELS}) ({rate})",
                legend="{{run}}",
            )
        ],
        "sci",
    )


def _nonfinite() -> timeseries.Panel:
    return events(
        "Losses that are no numbers",
        "Losses that were NaN or infinite: the steps behind the first one train nothing.",
        "panewatch_training_nonfinite_total",
        RUN,
        by=RUN_LABELS,
        legend="{{run}}",
    )


def _restarts() -> timeseries.Panel:
    return events(
        "Runs that went back",
        "Times that a run's epoch fell, or its step without another epoch: it began again, from "
        "a checkpoint or from nothing.",
        "panewatch_training_restarts_total",
        RUN,
        by=RUN_LABELS,
        legend="{{run}}",
    )


def _steps_rate() -> timeseries.Panel:
    return graph(
        "Steps per second",
        "How fast each run's step grows. The line ends while a run stands: a last value that is "
        "no longer true is not shown.",
        [Query(value_of("panewatch_training_steps_per_second"), legend="{{run}}")],
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
                f"{value_of('panewatch_training_steps_per_second')}\n"
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
            Query(value_of("panewatch_training_samples_per_second"), legend="{{run}} samples"),
            Query(value_of("panewatch_training_tokens_per_second"), legend="{{run}} tokens"),
        ],
        PER_SECOND,
    )


def _since_progress() -> timeseries.Panel:
    last = value_of("panewatch_training_last_progress_timestamp_seconds")
    return graph(
        "Time since it last moved on",
        "How long ago each run that has not ended last told something new. Saving and validating "
        "make teeth of one height; a line that goes on rising is a run that hangs.",
        [
            Query(f"time() - {last}", legend="{{run}}"),
            Query(
                f"(time() - {last})\nand on ({RUN_LABELS}) "
                f"{value_of('panewatch_training_stalled')} == 1",
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
            Query(value_of("panewatch_training_step"), legend="{{run}} step"),
            Query(value_of("panewatch_training_epoch"), legend="{{run}} epoch"),
            Query(value_of("panewatch_training_epochs"), legend="{{run}} epochs"),
        ],
        units.Short,
    )


def _eta() -> timeseries.Panel:
    return graph(
        "Time left",
        "How long each run will take at the speed that it has, or as it prints it. It should "
        "fall by a minute each minute.",
        [Query(value_of("panewatch_training_eta_seconds"), legend="{{run}}")],
        units.Seconds,
    )
