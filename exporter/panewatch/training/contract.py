"""The metrics of the ``training`` domain."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec
from panewatch.panes.contract import PANE

RUN: Final = ("run",)

SPLITS: Final = ("train", "val")

MEMORY: Final = ("dataset", "cache", "peak_host", "peak_device")

TEXTFILE_STATES: Final = ("running", "finished", "failed", "refused")

TEXTFILE_FAILURES: Final = (
    "unreadable", "not_plain", "owner", "too_large", "garbage", "name", "type", "label", "value",
    "duplicate", "too_many",
)  # fmt: skip

_CALLBACK: Final = "where no callback tells it"
_UNTOLD: Final = "while the run does not tell it"
_STALE: Final = "while the run does not move on, and where nothing tells it"

TRAINING_INFO = MetricSpec(
    "training_info", "info",
    "A training run: its framework (empty where its output does not tell), where its facts come "
    "from (pane, callback), and the pane that it runs in (empty where that is not known).",
    (*RUN, "framework", "source", *PANE),
)  # fmt: skip
TRAINING_EPOCH = MetricSpec(
    "training_epoch", "gauge", "Epoch that a run is in, as it prints it: some count from 0.", RUN,
    absent=_UNTOLD,
)  # fmt: skip
TRAINING_EPOCHS = MetricSpec(
    "training_epochs", "gauge", "Epochs that a run will have.", RUN, absent=_UNTOLD
)
TRAINING_STEP = MetricSpec(
    "training_step", "gauge", "Step that a run is at, as it prints it: of all, or of its epoch.",
    RUN, absent=_UNTOLD,
)  # fmt: skip
TRAINING_STEPS = MetricSpec(
    "training_steps", "gauge", "Steps that a run, or each of its epochs, will have.", RUN,
    absent=_UNTOLD,
)  # fmt: skip
TRAINING_PROGRESS = MetricSpec(
    "training_progress_ratio", "gauge",
    "How much of a run is done; of its epoch, where nothing tells how many there will be.", RUN,
    unit="ratio", absent=_UNTOLD,
)  # fmt: skip
TRAINING_LOSS = MetricSpec(
    "training_loss", "gauge", "Loss of a run; the last that was finite.", (*RUN, "split"),
    absent=_UNTOLD,
)  # fmt: skip
TRAINING_METRIC = MetricSpec(
    "training_metric", "gauge",
    "Other figures of a run as it prints them, those with a percent sign as ratios: the learning "
    "rate, the metrics of a closed list (docs/formats.md), and what its callback is told.",
    (*RUN, "metric"),
    absent=_UNTOLD,
)  # fmt: skip
TRAINING_SAMPLES_RATE = MetricSpec(
    "training_samples_per_second", "gauge", "Samples that a run trains on.", RUN, absent=_STALE
)
TRAINING_TOKENS_RATE = MetricSpec(
    "training_tokens_per_second", "gauge", "Tokens that a run trains on.", RUN, absent=_STALE
)
TRAINING_STEPS_RATE = MetricSpec(
    "training_steps_per_second", "gauge",
    "Steps of a run, from how its step grows; as it prints it until that is known.", RUN,
    absent=_STALE,
)  # fmt: skip
TRAINING_ETA = MetricSpec(
    "training_eta_seconds", "gauge",
    "Time until a run ends, or its epoch where nothing tells how many there will be.", RUN,
    unit="seconds", absent=_STALE,
)  # fmt: skip
TRAINING_NONFINITE = MetricSpec(
    "training_nonfinite_total", "counter", "Losses of a run that were NaN or infinite.", RUN
)
TRAINING_RESTARTS = MetricSpec(
    "training_restarts_total", "counter",
    "Times that a run went back: its epoch fell, or its step did without another epoch.", RUN,
)  # fmt: skip
TRAINING_LAST_PROGRESS = MetricSpec(
    "training_last_progress_timestamp_seconds", "gauge",
    "When a run last moved on, in Unix time.", RUN, unit="seconds",
    absent="once the run has ended",
)  # fmt: skip
TRAINING_STALLED = MetricSpec(
    "training_stalled", "gauge",
    "Whether a run has not moved on for `training.stalled_after` and for five of its usual pauses.",
    RUN, absent="once the run has ended",
)  # fmt: skip
TRAINING_BATCH_SECONDS = MetricSpec(
    "training_batch_seconds", "histogram",
    "Time that batches of a run took, from asking for the data to the end of computing.", RUN,
    unit="seconds", absent=_CALLBACK,
)  # fmt: skip
TRAINING_SAMPLES = MetricSpec(
    "training_samples_total", "counter", "Samples that a run was trained on.", RUN,
    absent=f"{_CALLBACK}, and while its batches cannot be counted",
)  # fmt: skip
TRAINING_DATA_WAIT = MetricSpec(
    "training_data_wait_seconds_total", "counter",
    "Time that a run waited for the data of its batches.", RUN, unit="seconds", absent=_CALLBACK,
)  # fmt: skip
TRAINING_COMPUTE = MetricSpec(
    "training_compute_seconds_total", "counter",
    "Time that a run computed its batches, as its own program sees it.", RUN, unit="seconds",
    absent=_CALLBACK,
)  # fmt: skip
TRAINING_MEMORY = MetricSpec(
    "training_memory_bytes", "gauge",
    "Memory of a run: its dataset and what is cached of it, and the most that its process and "
    f"the tensors on its devices have taken ({', '.join(MEMORY)}).", (*RUN, "kind"), unit="bytes",
    absent="where no callback tells it, each kind for itself",
)  # fmt: skip
TRAINING_DATASET_SAMPLES = MetricSpec(
    "training_dataset_samples", "gauge", "Samples in the dataset of a run.", RUN,
    absent="where no callback tells it, or the dataset has no length",
)  # fmt: skip
TRAINING_WRITE_FAILURES = MetricSpec(
    "training_write_failures_total", "counter",
    "Times that the callback of a run could not write its file.", RUN, absent=_CALLBACK,
)  # fmt: skip
TRAINING_TEXTFILES = MetricSpec(
    "training_textfiles", "gauge",
    f"Files of callbacks, by what they are ({', '.join(TEXTFILE_STATES)}).", ("state",),
)  # fmt: skip
TRAINING_TEXTFILE_FAILURES = MetricSpec(
    "training_textfile_failures_total", "counter",
    "Files of callbacks that were refused, each once for as long as it stays as it is, by reason "
    f"({', '.join(TEXTFILE_FAILURES)}).", ("reason",),
)  # fmt: skip

RUNS: Final = (
    TRAINING_INFO,
    TRAINING_EPOCH,
    TRAINING_EPOCHS,
    TRAINING_STEP,
    TRAINING_STEPS,
    TRAINING_PROGRESS,
    TRAINING_LOSS,
    TRAINING_METRIC,
    TRAINING_SAMPLES_RATE,
    TRAINING_TOKENS_RATE,
    TRAINING_STEPS_RATE,
    TRAINING_ETA,
    TRAINING_NONFINITE,
    TRAINING_RESTARTS,
    TRAINING_LAST_PROGRESS,
    TRAINING_STALLED,
)
"""What panes and callbacks tell."""

CALLBACKS: Final = (
    TRAINING_BATCH_SECONDS,
    TRAINING_SAMPLES,
    TRAINING_DATA_WAIT,
    TRAINING_COMPUTE,
    TRAINING_MEMORY,
    TRAINING_DATASET_SAMPLES,
    TRAINING_WRITE_FAILURES,
)
"""What only callbacks tell."""

METRICS: Final = (*RUNS, *CALLBACKS, TRAINING_TEXTFILES, TRAINING_TEXTFILE_FAILURES)
"""Every family of the domain, in the order in which it is exported."""
