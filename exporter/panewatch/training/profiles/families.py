"""Profiles as metric families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import Metric

from panewatch.contract import MetricSpec
from panewatch.training.profiles import contract as c
from panewatch.training.profiles.facts import Facts
from panewatch.training.profiles.shelf import Trace
from panewatch.training.traces.findings import ADVICE


def build_families(
    shown: Iterable[tuple[str, Trace]],
    states: Counter[str],
    read: int,
    failures: Counter[str],
) -> Sequence[Metric]:
    """Return the families of all runs.

    Args:
        shown: Each run with the trace that it is shown by.
        states: How many files are what.
        read: Traces that were read.
        failures: Traces that were refused, by reason.
    """
    families = {spec.name: spec.family() for spec in c.METRICS}

    def add(spec: MetricSpec, value: float | None, **labels: str) -> None:
        if value is not None:
            # To the nanosecond: traces know no less.
            families[spec.name].add_sample(spec.full_name, labels, round(float(value), 9))

    for run, trace in shown:
        facts = trace.facts
        if facts is not None:
            add(c.TIMESTAMP, trace.written, run=run)
            _add_facts(add, run, facts)
    for finding, advice in ADVICE.items():
        add(c.FINDING_INFO, 1, finding=finding, advice=advice)
    for state in c.STATES:
        add(c.TRACES, states[state], state=state)
    add(c.TRACES_READ, read)
    for reason in c.FAILURES:
        add(c.TRACE_FAILURES_TOTAL, failures[reason], reason=reason)
    return list(families.values())


def _add_facts(add: Callable[..., None], run: str, facts: Facts) -> None:
    add(c.STEPS, facts.steps, run=run)
    add(c.STEP_SECONDS, facts.step_seconds, run=run)
    add(c.STEP_LONGEST, facts.step_longest_seconds, run=run)
    for part, ratio in facts.shares.items():
        add(c.SHARE, ratio, run=run, part=part)
    for row in facts.operators:
        labels = {"run": run, "operator": row.operator, "device": row.device}
        add(c.SELF_SECONDS, row.self_seconds, **labels)
        add(c.CALLS, row.calls, **labels)
    for finding, ratio in facts.findings.items():
        add(c.FINDING, ratio > 0, run=run, finding=finding)
        add(c.FINDING_SHARE, ratio, run=run, finding=finding)
    add(c.TRUNCATED, facts.truncated, run=run)
