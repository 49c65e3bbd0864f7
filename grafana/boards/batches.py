"""Where the time of trainings goes, as their callbacks tell it."""

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import units

from boards.panels import graph
from boards.queries import HOST, Query, select
from boards.runs import PER_SECOND, RUN, RUN_LABELS, increase_of, rate_of, value_of
from boards.states import ORANGE

EPOCHS_PER_HOUR = "suffix: epochs/h"


def batch_times() -> timeseries.Panel:
    """Build the graph of how long batches take."""
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


def data_wait() -> timeseries.Panel:
    """Build the graph of the share of time that is waited for data."""
    waits = rate_of("panewatch_training_data_wait_seconds_total")
    return graph(
        "Waiting for data",
        "The share of its time that each run waits for the data of its next batch. Told by "
        "callbacks; validations are left out. Above the dashed line for a quarter of an hour it "
        "alerts: more workers, data that is prepared ahead, a faster disk.",
        [
            Query(
                f"{waits} / ({waits} + {rate_of('panewatch_training_compute_seconds_total')})",
                legend="{{run}}",
            )
        ],
        units.PercentUnit,
        limit=(0.3, ORANGE),
    )


def samples() -> timeseries.Panel:
    """Build the graph of what is counted per second."""
    return graph(
        "Batches and samples, counted",
        "How many batches and samples each run was trained on per second, validations and "
        "checkpoints included. Told by callbacks: what is left of the speed over the whole time.",
        [
            Query(rate_of("panewatch_training_batch_seconds_count"), legend="{{run}} batches"),
            Query(rate_of("panewatch_training_samples_total"), legend="{{run}} samples"),
        ],
        PER_SECOND,
    )


def memory() -> timeseries.Panel:
    """Build the graph of what memory is taken."""
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


def seconds() -> timeseries.Panel:
    """Build the graph of what is made of each second."""
    return graph(
        "What each second is spent on",
        "How much of each second a run computes, and waits for data. What is missing to one is "
        "validation, checkpoints and logging. Told by callbacks.",
        [
            Query(rate_of("panewatch_training_compute_seconds_total"), legend="{{run}} computes"),
            Query(rate_of("panewatch_training_data_wait_seconds_total"), legend="{{run}} waits"),
        ],
        units.PercentUnit,
    )


def epochs_rate() -> timeseries.Panel:
    """Build the graph of how often a dataset is gone through."""
    return graph(
        "Epochs per hour, counted",
        "How often each run goes through its whole dataset: samples it was trained on, as a share "
        "of those that there are. Told by callbacks.",
        [
            Query(
                f"3600 * {rate_of('panewatch_training_samples_total')}\n"
                f"/ {value_of('panewatch_training_dataset_samples')}",
                legend="{{run}}",
            )
        ],
        EPOCHS_PER_HOUR,
    )


def textfiles() -> timeseries.Panel:
    """Build the graph of the files that callbacks write."""
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
                f"{increase_of('panewatch_training_write_failures_total')} > 0",
                legend="{{run}} not written",
            ),
        ],
        units.Short,
    )
