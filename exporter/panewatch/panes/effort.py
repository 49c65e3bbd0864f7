"""Whether a silent pane's processes do something: slow is not stalled."""

from __future__ import annotations

from panewatch.panes.processes import Usage

_SPAN = 1.0
"""Seconds that have to lie between two measurements that are compared: CPU time comes in
hundredths, so that over less than this one of them would look like work."""

_COMPUTES = 0.1
"""Share of a core above which a process computes; what asks and draws stays far below it."""


class Effort:
    """Follows what the processes of one pane use. All times are monotonic seconds."""

    __slots__ = ("_at", "_before", "last")

    def __init__(self) -> None:
        self._before: Usage | None = None
        self._at = 0.0
        self.last = float("-inf")
        """When the processes were last seen to do something; never, where none are seen."""

    def take(self, usage: Usage | None, now: float, least: float) -> None:
        """Take in a measurement; None where the processes cannot be seen.

        They do something where they use more than the share ``least`` of a core, or storage,
        or start or end, or where one of them sleeps uninterruptibly: it waits for a device.
        """
        before, span = self._before, now - self._at
        if usage is None or before is None:
            self._before, self._at = usage, now
            return
        # What ended without being waited for takes its CPU time along: that is a change too.
        if (
            usage.blocked
            or usage.processes != before.processes
            or usage.read_bytes != before.read_bytes
            or usage.written_bytes != before.written_bytes
            or usage.cpu_seconds < before.cpu_seconds
            or (span >= _SPAN and usage.cpu_seconds - before.cpu_seconds > least * span)
        ):
            self.last = now
        elif span < _SPAN:
            return
        self._before, self._at = usage, now


class Exertion:
    """Whether the foreground process of one pane computes: then its prompt is an old one.

    All times are monotonic seconds.
    """

    __slots__ = ("_at", "_before", "computes")

    def __init__(self) -> None:
        self._before: float | None = None
        self._at = 0.0
        self.computes = False
        """Whether it used more than a little between the last two measurements."""

    def take(self, cpu_seconds: float | None, now: float) -> None:
        """Take in the CPU seconds that it used; None where nobody looked, or it is unseen."""
        before, span = self._before, now - self._at
        if cpu_seconds is None or before is None or cpu_seconds < before:
            self.computes = False
        elif span < _SPAN:
            return
        else:
            self.computes = cpu_seconds - before > _COMPUTES * span
        self._before, self._at = cpu_seconds, now
