"""Where the time of trainings goes, operator by operator, as the traces of their profilers tell."""

from grafana_foundation_sdk.builders import bargauge, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.layout import Row, Shelf, Variable, assemble, host_variables
from boards.panels import graph, ranking
from boards.queries import HOST, Query, select
from boards.runs import RUN, RUN_LABELS, value_of
from boards.states import ORANGE
from boards.tables import Column, listing

SHOWN_OPERATORS = 10


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "profiles",
        "Where the time of a step goes in the last trace of each training: waiting for data, "
        "computing, copying, nothing; which operators and kernels; and what to change.",
        [
            *host_variables(every_host=True),
            Variable("run", f"panewatch_profile_timestamp_seconds{{{HOST}}}"),
        ],
        [
            Row("What to change", [Shelf(9, [(24, _findings())])]),
            Row(
                "Where the time goes",
                [
                    Shelf(9, [(12, _runs()), (12, _shares())]),
                    Shelf(8, [(12, _step_seconds()), (12, _shares_since())]),
                ],
            ),
            Row(
                "Operators",
                [
                    Shelf(16, [(12, _longest("cpu")), (12, _longest("cuda"))]),
                    Shelf(10, [(24, _operators())]),
                ],
            ),
            Row("Traces", [Shelf(7, [(24, _traces())])]),
        ],
        since="now-24h",
    )


def _findings() -> table.Panel:
    share = (
        f"max by ({RUN_LABELS}, finding) ({select('panewatch_profile_finding_share_ratio', RUN)})"
    )
    found = f"max by ({RUN_LABELS}, finding) ({select('panewatch_profile_finding', RUN)}) == 1"
    info = select("panewatch_profile_finding_info", HOST)
    return listing(
        "Findings",
        "What makes the steps of each training slow, the costliest first, how much of their time "
        "it is about, and what helps. The shares of several may be of the same time. `panewatch "
        "trace FILE` tells the figures behind each.",
        [
            (
                f"(\n  {share}\n  and on ({RUN_LABELS}, finding) {found}\n)\n"
                f"* on (instance, finding) group_left (advice)\n"
                f"  max by (instance, finding, advice) ({info})"
            )
        ],
        [
            Column("instance", "Host", 150),
            Column("run", "Run", 150),
            Column("finding", "Finding", 170),
            Column("Value #A", "Of the time", 100, unit=units.PercentUnit),
            Column("advice", "What helps", wrap=True),
        ],
        sort=("Of the time", True),
        none="No trace shows a reason for slow steps.",
    )


def _runs() -> table.Panel:
    return listing(
        "Traces that are shown",
        "The last trace of each training: when it was written, how many steps it has, how long "
        "they took, and whether its file ends in the middle. Where the longest step is far "
        "above the median, something happens now and then: look at that step in the trace.",
        [
            f"1000 * {value_of('panewatch_profile_timestamp_seconds')}",
            value_of("panewatch_profile_steps"),
            value_of("panewatch_profile_step_seconds"),
            value_of("panewatch_profile_step_longest_seconds"),
            value_of("panewatch_profile_truncated"),
        ],
        [
            Column("instance", "Host", 150),
            Column("run", "Run"),
            Column("Value #A", "Written", 130, unit=units.DateTimeFromNow),
            Column("Value #B", "Steps", 70),
            Column("Value #C", "Median", 90, unit=units.Seconds),
            Column("Value #D", "Longest", 90, unit=units.Seconds),
            Column("Value #E", "Cut off", 80, color=ORANGE),
        ],
        none="No trace was read.",
    )


def _shares() -> bargauge.Panel:
    share = f"max by ({RUN_LABELS}, part) ({select('panewatch_profile_share_ratio', RUN)})"
    return ranking(
        "Share of the steps",
        "What each instant of the recorded steps was: waiting for data, computing (on the device "
        "where there is one), copying, idle, or other. Parts below half a percent are left out.",
        Query(f"sort_desc({share} > 0.005)", legend="{{run}} {{part}}", instant=True),
        units.PercentUnit,
    )


def _step_seconds() -> timeseries.Panel:
    return graph(
        "Time of a step",
        "Median and longest step of each training's traces, one after the other. A new trace "
        "after a change tells what it brought. Recorded steps are a little slower than others.",
        [
            Query(value_of("panewatch_profile_step_seconds"), legend="{{run}} median"),
            Query(value_of("panewatch_profile_step_longest_seconds"), legend="{{run}} longest"),
        ],
        units.Seconds,
    )


def _shares_since() -> timeseries.Panel:
    share = f"max by ({RUN_LABELS}, part) ({select('panewatch_profile_share_ratio', RUN)})"
    return graph(
        "Share of the steps, trace by trace",
        "The same shares over time. Each new trace of a training is a step in its lines.",
        [Query(f"{share} > 0.005", legend="{{run}} {{part}}")],
        units.PercentUnit,
        beside=True,
    )


def _per_step(metric: str, **labels: str) -> str:
    """Ask for a figure of operators, for one step of the trace that it is of."""
    by = f"{RUN_LABELS}, operator, device"
    return (
        f"max by ({by}) ({select(metric, RUN, **labels)})\n"
        f"/ on ({RUN_LABELS}) group_left () {value_of('panewatch_profile_steps')}"
    )


def _longest(device: str) -> bargauge.Panel:
    what = "operators on the host" if device == "cpu" else "kernels and copies on the device"
    title = "Operators, by their own time" if device == "cpu" else "Kernels, by their own time"
    seconds = _per_step("panewatch_profile_operator_self_seconds", device=device)
    return ranking(
        title,
        f"The {what} that took the longest in a step, without the time of what they called. Where "
        "streams or threads overlap, these times add up to more than the step.",
        Query(
            f"topk({SHOWN_OPERATORS},\n{seconds}\n)", legend="{{run}} {{operator}}", instant=True
        ),
        units.Seconds,
    )


def _operators() -> table.Panel:
    return listing(
        "Operators and kernels, per step",
        "Own time and calls of each in one step. Many calls of little time each are launches to "
        "save; ProfilerStep is time in no operator at all, Python's own for the most part.",
        [
            _per_step("panewatch_profile_operator_self_seconds"),
            _per_step("panewatch_profile_operator_calls"),
        ],
        [
            Column("instance", "Host", 150),
            Column("run", "Run", 180),
            Column("device", "Device", 90),
            Column("operator", "Operator"),
            Column("Value #A", "Own time", 110, unit=units.Seconds),
            Column("Value #B", "Calls", 110),
        ],
        sort=("Own time", True),
        none="No trace was read.",
    )


def _traces() -> timeseries.Panel:
    files = select("panewatch_profile_traces", HOST)
    read = select("panewatch_profile_traces_read_total", HOST)
    refused = select("panewatch_profile_trace_failures_total", HOST)
    return graph(
        "Files of traces",
        "How many files there are and what they are, and how many were read or refused and why. "
        "Owner: others may write it. Timeout and memory: it is too large for what reading it may "
        "cost. Profilers keep a few traces of each run; the exporter deletes none.",
        [
            Query(f"sum by (state) ({files}) > 0", legend="{{state}}"),
            Query(f"sum(increase({read}[$__rate_interval])) > 0", legend="read"),
            Query(
                f"sum by (reason) (increase({refused}[$__rate_interval])) > 0",
                legend="refused: {{reason}}",
            ),
        ],
        units.Short,
    )
