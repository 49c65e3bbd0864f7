"""A histogram that is counted by hand, and its samples."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.samples import Sample


class Histogram:
    """Counts values by buckets.

    Args:
        bounds: The upper bounds of the buckets, in order, without infinity.
    """

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def sample(self, name: str, labels: dict[str, str]) -> Iterator[Sample]:
        """Yield the samples of one series, called ``name`` and labelled so."""
        bounds = (*map(str, self._bounds), "+Inf")
        for bound, count in zip(bounds, accumulate(self._counts), strict=True):
            yield Sample(f"{name}_bucket", labels | {"le": bound}, float(count))
        yield Sample(f"{name}_count", labels, float(sum(self._counts)))
        yield Sample(f"{name}_sum", labels, self._total)
