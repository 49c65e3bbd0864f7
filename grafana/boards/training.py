"""How far, how fast and how good the trainings in the panes are."""

from grafana_foundation_sdk.builders import bargauge, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.events import events
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
                [
                    Shelf(9, [(12, _loss()), (12, _learning_rate())]),
                    Shelf(7, [(12, _nonfinite()), (12, _restarts())]),
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
                    Shelf(8, [(12, _batch_times()), (12, _data_wait())]),
                    Shelf(8, [(12, _samples()), (12, _memory())]),
                    Shelf(6, [(12, _dataset()), (12, _textfiles())]),
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


def _rate(metric: str) -> str:
    return f"sum by ({RUN_LABELS}) (rate({select(metric, RUN)}[$__rate_interval]))"


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


def _batch_times() -> timeseries.Panel:
    rate = f"rate({select('panewatch_training_batch_seconds_bucket', RUN)}[$__rate_interval])"
    return graph(
        "Time of a batch",
        "How long batches took, data included: half, 95 % and 99 % of them took no longer. Told by "
        "callbacks. A p99 far above p50 is something that happens now and then: files that are "
        "opened, workers that begin anew, a checkpoint.",
        [
            Query(
                f"histogram_quantile({share}, sum by ({RUN_LABELS}, le) ({rate})) >= 0",
                legend=f"{{{{run}}}} {name}",
            )
            for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
        ],
        units.Seconds,
    )


def _data_wait() -> timeseries.Panel:
    return graph(
        "Waiting for data",
        "The share of its time that each run waits for the data of its next batch. Told by "
        "callbacks; validations are left out. Above the dashed line for a quarter of an hour it "
        "alerts: more workers, data that is prepared ahead, a faster disk.",
        [
            Query(
                f"max by ({RUN_LABELS}) "
                f"({select('panewatch:training_data_wait:ratio_rate5m', RUN)})",
                legend="{{run}}",
            )
        ],
        units.PercentUnit,
        limit=(0.3, ORANGE),
    )


def _samples() -> timeseries.Panel:
    return graph(
        "Batches and samples, counted",
        "How many batches and samples each run was trained on per second, validations and "
        "checkpoints included. Told by callbacks: what is left of the speed over the whole time.",
        [
            Query(_rate("panewatch_training_batch_seconds_count"), legend="{{run}} batches"),
            Query(_rate("panewatch_training_samples_total"), legend="{{run}} samples"),
        ],
        PER_SECOND,
    )


def _memory() -> timeseries.Panel:
    return graph(
        "Memory",
        "The dataset of each run and what is cached of it, and the most that its process "
        "(peak_host) and the tensors on its devices (peak_device) have taken. Told by callbacks. "
        "A peak that goes on rising is a leak.",
        [
            Query(
                f"max by ({RUN_LABELS}, kind) ({select('panewatch_training_memory_bytes', RUN)})",
                legend="{{run}} {{kind}}",
            )
        ],
        units.BytesIEC,
        log=True,
    )


def _dataset() -> timeseries.Panel:
    waiting = _rate("panewatch_training_data_wait_seconds_total")
    return graph(
        "Seconds of work and of waiting per second",
        "How much of each second a run computes and waits for data. What is missing to one is "
        "validation, checkpoints and logging. A run whose dataset is small begins its epochs often.",
        [
            Query(_rate("panewatch_training_compute_seconds_total"), legend="{{run}} computes"),
            Query(waiting, legend="{{run}} waits"),
            Query(
                f"{_rate('panewatch_training_samples_total')}\n"
                f"/ {_value('panewatch_training_dataset_samples')} * 3600",
                legend="{{run}} epochs/h",
            ),
        ],
        units.Short,
    )


def _textfiles() -> timeseries.Panel:
    files = select("panewatch_training_textfiles", HOST)
    refused = select("panewatch_training_textfile_failures_total", HOST)
    return graph(
        "Files of callbacks",
        "How many trainings tell of themselves in files, how many files were refused and why, and "
        "how often a callback could not write: a full disk, or a directory that is read-only. "
        "`panewatch diagnose` tells which.",
        [
            Query(f"sum by (state) ({files})", legend="{{state}}"),
            Query(
                f"sum by (reason) (increase({refused}[$__rate_interval])) > 0",
                legend="refused: {{reason}}",
            ),
            Query(
                f"{_increase('panewatch_training_write_failures_total')} > 0",
                legend="{{run}} not written",
            ),
        ],
        units.Short,
    )
