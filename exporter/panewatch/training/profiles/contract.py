"""The metrics of the ``profiles`` collector."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec
from panewatch.training.traces.profile import FINDINGS, PARTS
from panewatch.training.traces.source import TRACE_FAILURES

RUN: Final = ("run",)

STATES: Final = ("shown", "older", "waiting", "expired", "refused", "left_out")

FAILURES: Final = (*TRACE_FAILURES, "owner", "too_large", "timeout", "memory", "crashed")
"""Why a trace was refused."""

_NONE: Final = "where no trace of the run was read, or the last one has expired"

TIMESTAMP = MetricSpec(
    "profile_timestamp_seconds", "gauge",
    "When the trace was written that the other figures of a run are of, in Unix time.", RUN,
    unit="seconds", absent=_NONE,
)  # fmt: skip
STEPS = MetricSpec(
    "profile_steps", "gauge", "Steps that the last trace of a run has recorded.", RUN, absent=_NONE
)
STEP_SECONDS = MetricSpec(
    "profile_step_seconds", "gauge", "Median time of the steps in the last trace of a run.", RUN,
    unit="seconds", absent=f"{_NONE}; and where it has no step",
)  # fmt: skip
STEP_LONGEST = MetricSpec(
    "profile_step_longest_seconds", "gauge", "Time of the longest step in the last trace of a run.",
    RUN, unit="seconds", absent=f"{_NONE}; and where it has no step",
)  # fmt: skip
SHARE = MetricSpec(
    "profile_share_ratio", "gauge",
    f"How much of the time of the recorded steps went where ({', '.join(PARTS)}).",
    (*RUN, "part"), unit="ratio", absent=_NONE,
)  # fmt: skip
SELF_SECONDS = MetricSpec(
    "profile_operator_self_seconds", "gauge",
    "Time of an operator (device cpu) or kernel (device cuda) in the last trace of a run, all "
    "recorded steps together, without that of what it called. Beyond the 20 longest, and for "
    "names that are no plain identifiers, the operator is other.",
    (*RUN, "operator", "device"), unit="seconds", absent=_NONE,
)  # fmt: skip
CALLS = MetricSpec(
    "profile_operator_calls", "gauge", "Calls of an operator or kernel, counted in the same way.",
    (*RUN, "operator", "device"), absent=_NONE,
)  # fmt: skip
FINDING = MetricSpec(
    "profile_finding", "gauge",
    f"Whether the last trace of a run shows a reason for slow steps ({', '.join(FINDINGS)}).",
    (*RUN, "finding"), absent=_NONE,
)  # fmt: skip
FINDING_SHARE = MetricSpec(
    "profile_finding_share_ratio", "gauge",
    "How much of the time of the recorded steps a reason is about; 0 where it is none.",
    (*RUN, "finding"), unit="ratio", absent=_NONE,
)  # fmt: skip
FINDING_INFO = MetricSpec(
    "profile_finding_info", "info", "A reason for slow steps, and what to do about it.",
    ("finding", "advice"),
)  # fmt: skip
TRUNCATED = MetricSpec(
    "profile_truncated", "gauge",
    "Whether the last trace of a run ends in the middle: what was whole is shown.", RUN,
    absent=_NONE,
)  # fmt: skip
TRACES = MetricSpec(
    "profile_traces", "gauge", f"Files of traces, by what they are ({', '.join(STATES)}).",
    ("state",),
)  # fmt: skip
TRACES_READ = MetricSpec(
    "profile_traces_read_total", "counter", "Traces that were read; those refused are not counted."
)
TRACE_FAILURES_TOTAL = MetricSpec(
    "profile_trace_failures_total", "counter",
    "Traces that were refused, each once for as long as it stays as it is, by reason "
    f"({', '.join(FAILURES)}).", ("reason",),
)  # fmt: skip

OF_RUNS: Final = (
    TIMESTAMP,
    STEPS,
    STEP_SECONDS,
    STEP_LONGEST,
    SHARE,
    SELF_SECONDS,
    CALLS,
    FINDING,
    FINDING_SHARE,
    TRUNCATED,
)
METRICS: Final = (*OF_RUNS, FINDING_INFO, TRACES, TRACES_READ, TRACE_FAILURES_TOTAL)
"""Every family of the collector, in the order in which it is exported."""
