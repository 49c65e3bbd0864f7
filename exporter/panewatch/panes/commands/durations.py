"""How long commands took, by program: a histogram for one tmux server."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from itertools import accumulate

from prometheus_client import Metric

from panewatch.panes.commands import contract as c
from panewatch.panes.commands.programs import label


class Durations:
    """The commands of one server that ended, counted by program and by how long they took."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[list[int], float]] = {}
        self._family: Metric | None = None
        self._server = ""

    def add(self, name: str, seconds: float, names: Collection[str]) -> None:
        """Count a command; programs that are not among ``names`` count together."""
        program = label(name, names)
        counts, total = self._counts.get(program, ([0] * (len(c.DURATION_BUCKETS) + 1), 0.0))
        counts[bisect_left(c.DURATION_BUCKETS, seconds)] += 1
        self._counts[program] = counts, total + seconds
        self._family = None

    def collect(self, server: str) -> Metric:
        """Return the family; the same object as before while nothing changed."""
        if self._family is None or self._server != server:
            self._server = server
            self._family = self._build()
        return self._family

    def _build(self) -> Metric:
        family = c.COMMAND_DURATION.family()
        name = c.COMMAND_DURATION.full_name
        bounds = (*map(str, c.DURATION_BUCKETS), "+Inf")
        for program, (counts, total) in self._counts.items():
            labels = {"server": self._server, "command": program}
            for bound, number in zip(bounds, accumulate(counts), strict=True):
                family.add_sample(f"{name}_bucket", labels | {"le": bound}, float(number))
            family.add_sample(f"{name}_count", labels, float(sum(counts)))
            family.add_sample(f"{name}_sum", labels, total)
        return family
