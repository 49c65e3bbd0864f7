"""The metrics of the ``experiments`` collector."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec
from panewatch.experiments.model import STATUSES
from panewatch.experiments.source import FAILURES, SKIPPED

VERDICTS: Final = ("continue", "fix", "restart", "reached")

REASONS: Final = {
    "waiting": "continue",
    "early": "continue",
    "improving": "continue",
    "varied": "continue",
    "goal": "reached",
    "identical": "restart",
    "only_timeouts": "restart",
    "worse_than_worst": "restart",
    "left_out": "fix",
    "identical_early": "fix",
    "validation_failures": "fix",
    "repeated_error": "fix",
    "interventions": "fix",
    "timeouts": "fix",
    "no_progress": "fix",
    "rising": "fix",
}
"""Every reason of a verdict, with the verdict that it leads to."""

_UNREAD: Final = (
    "where no source is set, until it was read whole, and once what was read has expired"
)
_NONE: Final = f"{_UNREAD}; and where no experiment has completed with a bitrate"
_BPS: Final = "bits_per_second"

EXPERIMENTS = MetricSpec(
    "experiments", "gauge",
    f"Experiments in the source, by status ({', '.join(STATUSES)}).", ("status",), absent=_UNREAD,
)  # fmt: skip
BITRATE = MetricSpec(
    "experiment_bitrate_bits_per_second", "gauge",
    "Result of one of the newest completed experiments.", ("experiment",), unit=_BPS, absent=_NONE,
)  # fmt: skip
TIMESTAMP = MetricSpec(
    "experiment_timestamp_seconds", "gauge",
    "When one of the newest completed experiments was stored, in Unix time.", ("experiment",),
    unit="seconds", absent=_NONE,
)  # fmt: skip
QUALITY = MetricSpec(
    "experiment_quality", "gauge",
    "Quality of the video of one of the newest completed experiments, by measure: psnr in "
    "decibels, ssim from 0 to 1.", ("experiment", "measure"),
    absent=f"{_NONE}; and where it was not measured",
)  # fmt: skip
BEST = MetricSpec(
    "experiments_bitrate_best_bits_per_second", "gauge",
    "Lowest bitrate of all completed experiments.", unit=_BPS, absent=_NONE,
)  # fmt: skip
MEAN = MetricSpec(
    "experiments_bitrate_mean_bits_per_second", "gauge",
    "Mean bitrate of all completed experiments.", unit=_BPS, absent=_NONE,
)  # fmt: skip
LATEST = MetricSpec(
    "experiments_bitrate_latest_bits_per_second", "gauge",
    "Bitrate of the experiment that completed last.", unit=_BPS, absent=_NONE,
)  # fmt: skip
UNIQUE = MetricSpec(
    "experiments_bitrate_unique", "gauge",
    "Different bitrates of all completed experiments: groups that are no wider than the tolerance.",
    absent=_UNREAD,
)  # fmt: skip
TREND = MetricSpec(
    "experiments_bitrate_trend_bits_per_second", "gauge",
    "By how much the bitrate rises from one completed experiment to the next, the newest "
    "together, by the median of all slopes; it falls where this is negative.", unit=_BPS,
    absent=f"{_UNREAD}; and where fewer than three have completed",
)  # fmt: skip
GOAL = MetricSpec(
    "experiments_bitrate_goal_bits_per_second", "gauge", "A best bitrate below this is the goal.",
    unit=_BPS, absent="where no source is set",
)  # fmt: skip
BASELINE = MetricSpec(
    "experiments_bitrate_baseline_bits_per_second", "gauge",
    "The bitrate that a search has to get below.", unit=_BPS, absent="where no source is set",
)  # fmt: skip
SINCE_BEST = MetricSpec(
    "experiments_since_best", "gauge",
    "Completed experiments since the best bitrate last fell, by more than the tolerance.",
    absent=_NONE,
)  # fmt: skip
COMPLETED = MetricSpec(
    "experiments_completed_total", "counter",
    "Experiments that were seen to be completed, each once; what is deleted later stays counted.",
    absent=_UNREAD,
)  # fmt: skip
LAST_COMPLETED = MetricSpec(
    "experiments_last_completed_timestamp_seconds", "gauge",
    "When the newest completed experiment was stored, in Unix time.", unit="seconds",
    absent=f"{_UNREAD}; and where none has completed",
)  # fmt: skip
STARTED = MetricSpec(
    "experiments_started_timestamp_seconds", "gauge",
    "When the oldest experiment was stored, in Unix time: the search's begin.", unit="seconds",
    absent=f"{_UNREAD}; and where there is none",
)  # fmt: skip
TIMEOUT_RATIO = MetricSpec(
    "experiments_timeout_ratio", "gauge",
    "Share of timeouts among the newest experiments that have ended.", unit="ratio",
    absent=f"{_UNREAD}; and where none has ended",
)  # fmt: skip
VALIDATION_FAILURES = MetricSpec(
    "experiments_validation_failures", "gauge",
    "Refusals of code in the newest experiments, one after the other up to the last; one that "
    "completes ends the row.",
    absent=_UNREAD,
)  # fmt: skip
INTERVENTIONS = MetricSpec(
    "experiments_human_interventions", "gauge",
    "How often a person stepped in, in the newest experiments.", absent=_UNREAD,
)  # fmt: skip
REPEATED_ERROR = MetricSpec(
    "experiments_repeated_error", "gauge",
    "How many of the newest experiments the most frequent error has ended.", absent=_UNREAD,
)  # fmt: skip
VERDICT = MetricSpec(
    "experiments_verdict", "gauge",
    f"The verdict ({', '.join(VERDICTS)}) and its reason, 1 for the one that holds: "
    f"{', '.join(f'{reason} ({verdict})' for reason, verdict in REASONS.items())}.",
    ("verdict", "reason"), absent=_UNREAD,
)  # fmt: skip
PLAN = MetricSpec(
    "experiments_plan", "gauge",
    "How many experiments should have completed by now, at least and usually at most "
    "(bound least, most).", ("bound",), absent=f"{_UNREAD}; and where there is no experiment",
)  # fmt: skip
PLAN_BEST = MetricSpec(
    "experiments_plan_bitrate_best_bits_per_second", "gauge",
    "The best bitrate should be below this by now.", unit=_BPS,
    absent=f"{_UNREAD}; and before the first stage of the plan that expects one",
)  # fmt: skip
SOURCE_UP = MetricSpec(
    "experiments_source_up", "gauge",
    "Whether the last reading of the source went well (1) or not (0).",
    absent="where no source is set, and until the first reading has ended",
)  # fmt: skip
SOURCE_LAST_READ = MetricSpec(
    "experiments_source_last_read_timestamp_seconds", "gauge",
    "When the source was last read whole, in Unix time.", unit="seconds",
    absent="until it was read whole",
)  # fmt: skip
ITEMS_READ = MetricSpec(
    "experiments_source_items_read_total", "counter",
    "Items that were read from the source, also those that were left out.",
)  # fmt: skip
CAPACITY_UNITS = MetricSpec(
    "experiments_source_capacity_units_total", "counter",
    "Read capacity units that DynamoDB charged.",
)  # fmt: skip
ITEMS_SKIPPED = MetricSpec(
    "experiments_source_items_skipped", "gauge",
    f"Items of the source that are left out, by reason ({', '.join(SKIPPED)}).", ("reason",),
    absent=_UNREAD,
)  # fmt: skip
FAILED_READS = MetricSpec(
    "experiments_source_failures_total", "counter",
    f"Readings that failed, by reason ({', '.join(FAILURES)}).", ("reason",),
)  # fmt: skip

METRICS: Final = (
    EXPERIMENTS, BITRATE, TIMESTAMP, QUALITY, BEST, MEAN, LATEST, UNIQUE, TREND, SINCE_BEST,
    COMPLETED, LAST_COMPLETED, STARTED, TIMEOUT_RATIO, VALIDATION_FAILURES, INTERVENTIONS,
    REPEATED_ERROR, VERDICT, ITEMS_SKIPPED, GOAL, BASELINE, PLAN, PLAN_BEST, SOURCE_UP,
    SOURCE_LAST_READ, ITEMS_READ, CAPACITY_UNITS, FAILED_READS,
)  # fmt: skip
"""Every family of the collector, in the order in which it is exported."""
