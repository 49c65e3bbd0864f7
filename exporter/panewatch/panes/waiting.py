"""Who waited for a person, with what, and for how long."""

from __future__ import annotations

from typing import NamedTuple

from prometheus_client.samples import Sample

from panewatch.histogram import Histogram
from panewatch.panes import contract as c


class Wait(NamedTuple):
    """A wait for a person that goes on.

    ``kind`` is what the person is waited for with, ``since`` a monotonic time and
    ``since_time`` the same in Unix time.
    """

    kind: str
    since: float
    since_time: float


class Waits:
    """The waits of one server's panes that ended, by kind.

    They belong to the server: panes may move and go.
    """

    def __init__(self) -> None:
        self._kinds = {kind: Histogram(c.WAIT_BUCKETS) for kind in c.WAITS}
        self._told: tuple[str, tuple[Sample, ...]] | None = None

    def end(self, wait: Wait, now: float) -> None:
        """Count a wait that ended at monotonic time ``now``."""
        self._kinds[wait.kind].observe(max(0.0, now - wait.since))
        self._told = None

    def sample(self, server: str) -> tuple[Sample, ...]:
        """Return the samples of all kinds; the same objects while no wait ends."""
        if self._told is None or self._told[0] != server:
            name = c.PANE_WAIT.full_name
            samples = tuple(
                sample
                for kind, histogram in self._kinds.items()
                for sample in histogram.sample(name, {"server": server, "kind": kind})
            )
            self._told = server, samples
        return self._told[1]
