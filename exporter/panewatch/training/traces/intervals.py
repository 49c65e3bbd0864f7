"""Sets of instants: intervals in order that do not touch each other."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import sub


def _build_array() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Intervals:
    """A set of instants, as intervals from one of ``starts`` to that of ``ends``.

    Intervals may be added in any order; ``merge`` has to bring them into order before anything
    else is asked, unless they were added in the order of their starts.
    """

    starts: array[float] = field(default_factory=_build_array)
    ends: array[float] = field(default_factory=_build_array)

    def add(self, start: float, end: float) -> None:
        """Add an interval, to the last one where they touch."""
        if self.ends and self.starts[-1] <= start <= self.ends[-1]:
            self.ends[-1] = max(self.ends[-1], end)
        elif end > start:
            self.starts.append(start)
            self.ends.append(end)

    def measure(self) -> float:
        """Return how long the set is."""
        # Not the difference of two sums: times since 1970 leave no digits for microseconds.
        return math.fsum(map(sub, self.ends, self.starts))

    def __bool__(self) -> bool:
        return bool(self.starts)


def merge(sets: Iterable[Intervals]) -> Intervals:
    """Return the instants that are in any of the sets, each once."""
    pairs: list[tuple[float, float]] = []
    for part in sets:
        pairs += zip(part.starts, part.ends, strict=True)
    pairs.sort()
    merged = Intervals()
    for start, end in pairs:
        merged.add(start, end)
    return merged


def divide(whole: Intervals, part: Intervals) -> tuple[Intervals, Intervals]:
    """Return the instants of ``whole`` that are in ``part``, and those that are not."""
    within, without = Intervals(), Intervals()
    index = 0
    count = len(part.starts)
    for start, end in zip(whole.starts, whole.ends, strict=True):
        at = start
        while index < count and part.ends[index] <= at:
            index += 1
        scout = index
        while scout < count and part.starts[scout] < end:
            without.add(at, part.starts[scout])
            stop = min(part.ends[scout], end)
            within.add(max(at, part.starts[scout]), stop)
            at = stop
            scout += 1
        without.add(at, end)
    return within, without
