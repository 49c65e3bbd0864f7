"""Where a short series of numbers moves, whatever single ones of them do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from statistics import median
from typing import Final

_SIGNIFICANT: Final = 2.33
"""Standard deviations: chance alone moves one series in a hundred that far up. A search is judged
again after each experiment, so that the usual one in twenty would be wrong every day."""


def number_groups(ascending: Iterable[float], tolerance: float) -> Iterator[int]:
    """Yield for each of the positive values, which come sorted, the number of its group.

    A group begins at the lowest value that is in none, and takes each above it that differs from
    it by no more than the part ``tolerance`` of the larger of the two. So there are as few groups
    as can be, none is wider than the tolerance, and neither the order in which the values were
    found nor their unit matters.
    """
    number, lowest = -1, -math.inf
    for value in ascending:
        if not is_same(lowest, value, tolerance):
            number, lowest = number + 1, value
        yield number


def is_same(lower: float, higher: float, tolerance: float) -> bool:
    """Tell whether two values count as one."""
    return higher - lower <= tolerance * higher


def find_slope(values: Sequence[float]) -> float | None:
    """Return by how much the values rise from one to the next; None of fewer than three.

    It is the median of the slopes between any two of them (Theil and Sen): more than a quarter
    of the values have to be outliers before it follows them.
    """
    if len(values) < 3:  # noqa: PLR2004 - two values have a line and no trend
        return None
    return median((b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(values), 2))


def find_direction(values: Sequence[float], tolerance: float) -> int:
    """Return 1 where the values rise beyond chance, -1 where they fall, and 0 otherwise.

    By the test of Mann and Kendall: how many more pairs rise than fall, beside how far that
    strays in a series without any trend. Values that count as one neither rise nor fall. Six
    values are the fewest that can be told from chance.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    numbers = number_groups(map(values.__getitem__, order), tolerance)
    groups = [number for _, number in sorted(zip(order, numbers, strict=True))]
    rises = sum((b > a) - (b < a) for a, b in combinations(groups, 2))
    sizes = [groups.count(number) for number in set(groups)]
    variance = (_spread(len(groups)) - sum(map(_spread, sizes))) / 18
    if abs(rises) - 1 <= _SIGNIFICANT * math.sqrt(variance):
        return 0
    return 1 if rises > 0 else -1


def _spread(count: int) -> int:
    return count * (count - 1) * (2 * count + 5)
