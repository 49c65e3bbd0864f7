"""What was found in one line, by name; a name or a value that comes again is weighed."""

from __future__ import annotations

import math


class LineValues:
    """What the pairs of one line tell."""

    __slots__ = ("_metrics", "ranks", "signs", "values")

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.ranks: dict[str, int] = {}
        self.signs = 0
        """How many other figures of a training were there."""
        self._metrics: dict[tuple[str, str], float] = {}

    def put(self, name: str, value: float, rank: int = 0) -> None:
        """Keep a value unless a better one is known."""
        if rank < self.ranks.get(name, 1000):
            self.values[name] = value
            self.ranks[name] = rank

    def put_metric(self, name: str, split: str, value: float) -> None:
        """Keep the first value of a metric of a split, which is empty where nothing tells it."""
        if math.isfinite(value):
            self._metrics.setdefault((name, split), value)

    def name_metrics(self, split: str) -> dict[str, float]:
        """Return the metrics of a line about ``split``, by the names that they are told with."""
        if not self._metrics:
            return {}
        named = {
            f"val_{name}" if of == "val" else name: value
            for (name, of), value in self._metrics.items()
            if of
        }
        for (name, of), value in self._metrics.items():
            if not of:
                validated = f"val_{name}"
                is_validated = split == "val" and validated not in named
                named.setdefault(validated if is_validated else name, value)
        return named
