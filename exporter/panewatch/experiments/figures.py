"""What many experiments come to: counts, best, spread, trend, trouble."""

from __future__ import annotations

import re
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from panewatch.experiments.model import OPEN_STATUSES, STATUSES, Experiment
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.trend import find_direction, find_slope, is_same, number_groups

_NUMBER: Final = re.compile("([0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a search at one time; bitrates in bit/s, times in Unix seconds.

    A result is the bitrate of a completed experiment. "Recent" are the newest `recent` of the
    settings: of all experiments, of those that have ended, or of the results.

    Attributes:
        statuses: How many experiments have each of `STATUSES`.
        results: How many results there are; what is None below is so where there are none.
        best: The lowest result.
        mean: The mean of all results.
        latest: The newest result.
        unique: Different results: the fewest groups none of which is wider than the tolerance.
        same: How many of the newest results, one after the other up to the last, are one value
            within the tolerance.
        since_best: How many results came after the last one that was lower than all before it, by
            more than the tolerance.
        trend: By how much recent results rise from one to the next; None of fewer than three.
        direction: 1 where recent results rise beyond chance, -1 where they fall, 0 otherwise.
        judged: How many recent experiments have ended.
        timeouts: How many of those in a timeout.
        repeated_error: How many of those by the error that is most frequent among them.
        validation_failures: Refusals of code in the newest experiments, one after the other up to
            the last. An experiment that has completed ends that row, as it was overcome, and so
            does one that ended without a refusal; one that is still running does not.
        interventions: How often a person stepped in, in recent experiments.
        started: When the oldest experiment was stored; None where there is none.
        last_completed: When the newest completed one was; None where none has completed.
        newest: The newest `newest` of the settings that have a result, the oldest of them first.
        left_out: How many items beside all these make no experiment.
    """

    statuses: Mapping[str, int]
    results: int
    best: float | None
    mean: float | None
    latest: float | None
    unique: int
    same: int
    since_best: int | None
    trend: float | None
    direction: int
    judged: int
    timeouts: int
    repeated_error: int
    validation_failures: int
    interventions: int
    started: float | None
    last_completed: float | None
    newest: tuple[Experiment, ...]
    left_out: int = 0

    @property
    def total(self) -> int:
        """How many experiments there are."""
        return sum(self.statuses.values())

    @property
    def ended(self) -> int:
        """How many of them have ended, well or not."""
        return sum(n for status, n in self.statuses.items() if status not in OPEN_STATUSES)

    @property
    def timeout_ratio(self) -> float | None:
        """The share of timeouts among the recent experiments that ended; None of none."""
        return self.timeouts / self.judged if self.judged else None


def compute(
    experiments: Iterable[Experiment], settings: ExperimentsSettings, left_out: int = 0
) -> Figures:
    """Return the figures of ``experiments``, which are walked through once.

    They come in the order of their times; those of one time are taken in the order of their ids.
    Besides 8 bytes for each result only the newest are kept.
    """
    recent = settings.verdict.recent
    statuses = dict.fromkeys(STATUSES, 0)
    results = array("d")
    ended: deque[Experiment] = deque(maxlen=recent)
    interventions: deque[int] = deque(maxlen=recent)
    newest: deque[Experiment] = deque(maxlen=settings.newest)
    refusals = 0
    started = last_completed = None
    for experiment in _order(experiments):
        statuses[experiment.status] += 1
        started = experiment.time if started is None else started
        interventions.append(experiment.interventions)
        refusals = _count_refusals(refusals, experiment)
        if experiment.status not in OPEN_STATUSES:
            ended.append(experiment)
        if experiment.status == "completed":
            last_completed = experiment.time
        if experiment.result is not None:
            results.append(experiment.result)
            newest.append(experiment)
    tolerance = settings.verdict.tolerance_ratio
    errors = Counter(experiment.error for experiment in ended if experiment.error)
    return Figures(
        statuses=statuses,
        results=len(results),
        best=min(results, default=None),
        mean=_average(results),
        latest=results[-1] if results else None,
        unique=max(number_groups(sorted(results), tolerance), default=-1) + 1,
        same=_count_same(results, tolerance),
        since_best=_count_since_best(results, tolerance),
        trend=find_slope(results[-recent:]),
        direction=find_direction(results[-recent:], tolerance),
        judged=len(ended),
        timeouts=sum(experiment.status == "timeout" for experiment in ended),
        repeated_error=max(errors.values(), default=0),
        validation_failures=refusals,
        interventions=sum(interventions),
        started=started,
        last_completed=last_completed,
        newest=tuple(newest),
        left_out=left_out,
    )


def _order(experiments: Iterable[Experiment]) -> Iterator[Experiment]:
    at_once: list[Experiment] = []
    for experiment in experiments:
        if at_once and at_once[0].time != experiment.time:
            yield from _sort(at_once)
            at_once.clear()
        at_once.append(experiment)
    yield from _sort(at_once)


def _sort(at_once: list[Experiment]) -> list[Experiment]:
    # Nearly always it is one alone, and there may be very many of those.
    return sorted(at_once, key=_split_id) if len(at_once) > 1 else at_once


def _split_id(experiment: Experiment) -> tuple[list[str | int], str]:
    """Return by what ids are sorted as people do: ``run-9`` comes before ``run-10``."""
    parts = _NUMBER.split(experiment.id)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], experiment.id


def _count_refusals(before: int, experiment: Experiment) -> int:
    if experiment.status == "completed":
        return 0
    if experiment.validation_failures:
        return before + experiment.validation_failures
    return before if experiment.status in OPEN_STATUSES else 0


def _average(values: array[float]) -> float | None:
    # A sum could be too large for a float; and the mean of equal values is just that value.
    mean = 0.0
    for number, value in enumerate(values, 1):
        mean += (value - mean) / number
    return mean if values else None


def _count_same(values: array[float], tolerance: float) -> int:
    lowest = highest = values[-1] if values else 0.0
    for found, value in enumerate(reversed(values)):
        lowest, highest = min(lowest, value), max(highest, value)
        if not is_same(lowest, highest, tolerance):
            return found
    return len(values)


def _count_since_best(values: array[float], tolerance: float) -> int | None:
    place, mark = None, 0.0
    for number, value in enumerate(values):
        if place is None or not is_same(value, mark, tolerance):
            place, mark = number, value
    return None if place is None else len(values) - 1 - place
