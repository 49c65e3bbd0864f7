"""Exact quantiles of the last values of a series, in a bounded space."""

from __future__ import annotations

from array import array
from collections.abc import Sequence


class Window:
    """The last values that were added.

    Args:
        most: How many are kept; each takes eight bytes.
    """

    __slots__ = ("_most", "_place", "_values")

    def __init__(self, most: int) -> None:
        self._most = most
        self._place = 0
        self._values = array("d")

    def add(self, value: float) -> None:
        """Add a value in place of the oldest, where there are so many."""
        if len(self._values) < self._most:
            self._values.append(value)
        else:
            self._values[self._place] = value
            self._place = (self._place + 1) % self._most

    def copy(self) -> Sequence[float]:
        """Return the values, in no order."""
        return self._values[:]


def find_quantiles(values: Sequence[float], shares: Sequence[float]) -> list[float]:
    """Return the least values that so large a share of all is not above; nothing of nothing."""
    ordered = sorted(values)
    if not ordered:
        return []
    last = len(ordered) - 1
    return [ordered[min(last, max(0, _ceil(share * len(ordered)) - 1))] for share in shares]


def _ceil(value: float) -> int:
    # 0.95 * 20 is a little above 19 in floating point, and means 19.
    return -int(-(value - 1e-9) // 1)
