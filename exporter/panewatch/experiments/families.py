"""Figures, verdict, plan and source as metric families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import Metric

from panewatch.contract import MetricSpec
from panewatch.experiments import contract as c
from panewatch.experiments.figures import Figures
from panewatch.experiments.labels import name_id
from panewatch.experiments.plan import Expectation
from panewatch.experiments.settings import VerdictSettings
from panewatch.experiments.source import FAILURES, SKIPPED
from panewatch.experiments.verdict import Verdict

_MBPS = 1e6

_Sample = tuple[MetricSpec, float | None, dict[str, str]]


@dataclass
class SourceState:
    """How reading a source fares.

    Attributes:
        up: Whether the last reading went well; None until the first has ended.
        last_read: When the source was last read whole, in Unix time.
        items: Items that were read.
        capacity_units: What DynamoDB charged.
        failures: Readings that failed, by reason.
    """

    up: bool | None = None
    last_read: float | None = None
    items: int = 0
    capacity_units: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)


def build_found(
    figures: Figures, verdict: Verdict, skipped: Counter[str], completed: int
) -> list[Metric]:
    """Return the families of what was found in the source, those without a value left out."""
    return _build(_tell_found(figures, verdict, skipped, completed))


def build_state(
    source: SourceState, limits: VerdictSettings | None, expectation: Expectation | None
) -> list[Metric]:
    """Return the families of the rest: the source, the limits where one is set, the plan."""
    return _build(_tell_state(source, limits, expectation))


def _build(samples: Iterable[_Sample]) -> list[Metric]:
    families: dict[str, Metric] = {}
    for spec, value, labels in samples:
        if value is not None:
            family = families.setdefault(spec.name, spec.family())
            family.add_sample(spec.full_name, labels, float(value))
    return list(families.values())


def _tell_found(
    figures: Figures, verdict: Verdict, skipped: Counter[str], completed: int
) -> Iterator[_Sample]:
    for status, count in figures.statuses.items():
        yield c.EXPERIMENTS, count, {"status": status}
    # Of two with one label, which is one id twice or a freak of digests, the newer is shown.
    for label, newest in {name_id(each.id): each for each in figures.newest}.items():
        experiment = {"experiment": label}
        yield c.BITRATE, newest.bitrate, experiment
        yield c.TIMESTAMP, newest.time, experiment
        yield c.QUALITY, newest.psnr, {**experiment, "measure": "psnr"}
        yield c.QUALITY, newest.ssim, {**experiment, "measure": "ssim"}
    yield c.BEST, figures.best, {}
    yield c.MEAN, figures.mean, {}
    yield c.LATEST, figures.latest, {}
    yield c.UNIQUE, figures.unique, {}
    yield c.TREND, figures.trend, {}
    yield c.SINCE_BEST, figures.since_best, {}
    yield c.COMPLETED, completed, {}
    yield c.LAST_COMPLETED, figures.last_completed, {}
    yield c.STARTED, figures.started, {}
    yield c.TIMEOUT_RATIO, figures.timeout_ratio, {}
    yield c.VALIDATION_FAILURES, figures.validation_failures, {}
    yield c.INTERVENTIONS, figures.interventions, {}
    yield c.REPEATED_ERROR, figures.repeated_error, {}
    for reason, leads_to in c.REASONS.items():
        labels = {"verdict": leads_to, "reason": reason}
        yield c.VERDICT, reason == verdict.reason, labels
    for reason in SKIPPED:
        yield c.ITEMS_SKIPPED, skipped[reason], {"reason": reason}


def _tell_state(
    source: SourceState, limits: VerdictSettings | None, expectation: Expectation | None
) -> Iterator[_Sample]:
    if limits is not None:
        yield c.GOAL, limits.goal_mbps * _MBPS, {}
        yield c.BASELINE, limits.baseline_mbps * _MBPS, {}
    if expectation is not None:
        yield c.PLAN, expectation.least, {"bound": "least"}
        yield c.PLAN, expectation.most, {"bound": "most"}
        yield c.PLAN_BEST, expectation.best, {}
    yield c.SOURCE_UP, source.up, {}
    yield c.SOURCE_LAST_READ, source.last_read, {}
    yield c.ITEMS_READ, source.items, {}
    yield c.CAPACITY_UNITS, source.capacity_units, {}
    for reason in FAILURES:
        yield c.FAILED_READS, source.failures[reason], {"reason": reason}
