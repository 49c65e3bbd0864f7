"""Whether a silent pane's processes do something: slow is not stalled."""

from __future__ import annotations

from panewatch.panes.processes import Usage

_SPAN = 1.0
"""Seconds that have to lie between two measurements that are compared: CPU time comes in
hundredths, so that over less than this one of them would look like work."""


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
