"""How often a pane is read: soon while it floods, rarely while it is quiet."""

from __future__ import annotations

from panewatch.config import PanesSettings

_SHARE = 0.4
"""Share of its history that a pane may print between two reads."""

_UNWATCHED = 5.0
"""Seconds over which no interval is stretched because nobody looks."""

_CALM = 0.5
"""Weight of the latest pace when a pane slows down."""


class Pace:
    """The interval of one pane, in seconds, and when its next read is due.

    A pane that woke is due at once: the caller reads it as soon as the list shows
    that it changed, whatever the interval says. While nobody looks at what is found, panes
    that are not in danger of losing lines are read half as often.
    """

    __slots__ = ("_last", "_rows_per_second", "_settings", "due", "interval")

    def __init__(self, settings: PanesSettings, now: float) -> None:
        self._settings = settings
        self._last = now
        self._rows_per_second = 0.0
        self.interval = settings.busy_interval
        self.due = now

    def note(
        self, now: float, *, rows: int, limit: int, changed: bool, watched: bool = True
    ) -> None:
        """Take in a read at monotonic time ``now`` that brought ``rows`` new rows."""
        settings = self._settings
        usual = find_usual(settings, watched=watched)
        elapsed = max(now - self._last, 0.001)
        latest = rows / elapsed
        calmer = _CALM * latest + (1 - _CALM) * self._rows_per_second
        # Faster counts at once, slower has to prove itself.
        self._rows_per_second = max(latest, calmer)
        self._last = now
        if not changed:
            self.interval = min(max(self.interval, usual) * 2, settings.max_interval)
        else:
            needed = _SHARE * max(limit, 1) / max(self._rows_per_second, 0.001)
            self.interval = min(max(needed, settings.min_interval), usual)
        self.due = now + self.interval

    def hasten(self) -> None:
        """Be read as often as is usual: somebody will look."""
        usual = self._settings.busy_interval
        if usual < self.interval <= find_usual(self._settings, watched=False):
            self.interval = usual
            self.due = min(self.due, self._last + usual)

    def count_expected(self, now: float) -> int:
        """Return how many rows the pane may have printed since its last read, at most."""
        return int(2 * self._rows_per_second * max(now - self._last, 0.0))


def find_usual(settings: PanesSettings, *, watched: bool) -> float:
    """Return the seconds between two reads of a pane that changes and does not flood."""
    usual = settings.busy_interval
    return usual if watched else max(usual, min(2 * usual, _UNWATCHED, settings.max_interval))
