"""What is expected of a search by now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from panewatch.experiments.settings import PlanStage

_HOUR: Final = 3600.0
_BIT: Final = 1e6
_CRUMB: Final = 1e-9
"""Floats miss whole numbers by less than this, and a count must not be one off for that."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should have come of a search by one time.

    Attributes:
        least: So many experiments have completed, at least.
        most: And usually at most so many.
        best: The best bitrate is below this, in bit/s; None where none is expected yet.
    """

    least: int
    most: int
    best: float | None


def expect(started: float, now: float, stages: Sequence[PlanStage]) -> Expectation | None:
    """Return what is expected at ``now`` of a search that began at ``started``, in Unix seconds.

    From nothing at its begin it rises evenly to the first stage, and from each to the next; after
    the last one it stays. Counts are whole, to the search's favour. A best bitrate is expected
    from the first stage on that names one, and moves evenly to the next that does. None where
    there is no stage.
    """
    if not stages:
        return None
    hours = max(0.0, now - started) / _HOUR
    best = [(stage.hours, stage.best_mbps * _BIT) for stage in stages if stage.best_mbps]
    return Expectation(
        least=math.floor(
            _find(hours, [(0.0, 0.0), *((s.hours, s.least) for s in stages)]) + _CRUMB
        ),
        most=math.ceil(_find(hours, [(0.0, 0.0), *((s.hours, s.most) for s in stages)]) - _CRUMB),
        best=_find(hours, best) if best and hours >= best[0][0] else None,
    )


def _find(hours: float, points: Sequence[tuple[float, float]]) -> float:
    """Return the height of the line through ``points``, which begin at ``hours`` or before."""
    for (begin, low), (end, high) in pairwise(points):
        if hours < end:
            return low + (high - low) * (hours - begin) / (end - begin)
    return points[-1][1]
