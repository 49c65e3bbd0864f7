"""How often a pane is read: soon while it floods, rarely while it is quiet."""

from __future__ import annotations

from panewatch.config import PanesSettings

_SHARE = 0.4
"""Share of its history that a pane may print between two reads."""

_CALM = 0.5
"""Weight of the latest pace when a pane slows down."""


class Pace:
    """The interval of one pane, in seconds, and when its next read is due.

    A pane that woke is due at once: the caller reads it as soon as the list shows
    that it changed, whatever the interval says.
    """

    __slots__ = ("_last", "_rows_per_second", "_settings", "due", "interval")

    def __init__(self, settings: PanesSettings, now: float) -> None:
        self._settings = settings
        self._last = now
        self._rows_per_second = 0.0
        self.interval = settings.busy_interval
        self.due = now

    def note(self, now: float, *, rows: int, limit: int, changed: bool) -> None:
        """Take in a read at monotonic time ``now`` that brought ``rows`` new rows."""
        settings = self._settings
        elapsed = max(now - self._last, 0.001)
        latest = rows / elapsed
        calmer = _CALM * latest + (1 - _CALM) * self._rows_per_second
        # Faster counts at once, slower has to prove itself.
        self._rows_per_second = max(latest, calmer)
        self._last = now
        if not changed:
            self.interval = min(max(self.interval, settings.busy_interval) * 2,
                                settings.max_interval)  # fmt: skip
        else:
            needed = _SHARE * max(limit, 1) / max(self._rows_per_second, 0.001)
            self.interval = min(max(needed, settings.min_interval), settings.busy_interval)
        self.due = now + self.interval

    def count_expected(self, now: float) -> int:
        """Return how many rows the pane may have printed since its last read, at most."""
        return int(2 * self._rows_per_second * max(now - self._last, 0.0))
