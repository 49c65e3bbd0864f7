"""How long commands took, by program: a histogram for one tmux server."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import Metric

from panewatch.histogram import Histogram
from panewatch.panes.commands import contract as c
from panewatch.panes.commands.programs import label


class Durations:
    """The commands of one server that ended, counted by program and by how long they took."""

    def __init__(self) -> None:
        self._programs: dict[str, Histogram] = {}
        self._family: Metric | None = None
        self._server = ""

    def add(self, name: str, seconds: float, names: Collection[str]) -> None:
        """Count a command; programs that are not among ``names`` count together."""
        program = label(name, names)
        self._programs.setdefault(program, Histogram(c.DURATION_BUCKETS)).observe(seconds)
        self._family = None

    def collect(self, server: str) -> Metric:
        """Return the family; the same object as before while nothing changed."""
        if self._family is None or self._server != server:
            self._server = server
            self._family = self._build()
        return self._family

    def _build(self) -> Metric:
        family = c.COMMAND_DURATION.family()
        for program, durations in self._programs.items():
            labels = {"server": self._server, "command": program}
            family.samples.extend(durations.sample(c.COMMAND_DURATION.full_name, labels))
        return family
