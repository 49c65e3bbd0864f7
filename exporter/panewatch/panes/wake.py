"""Noticing at once that a quiet server's panes began to flood.

Listing panes starts a process; one file under ``/proc`` tells for a fraction of the
cost how much a local tmux server has read from its panes. Where it grows faster than
usual, the panes are listed before their time.
"""

from __future__ import annotations

from panewatch.panes.proc import ProcFile

_BURST_BYTES = 4096
"""Even lines of a few characters do not push a default history out with fewer bytes."""

_MOST_USUAL = 16_384
"""Bytes a second beside which the flood of a single pane shows before it is too late."""

_USUAL = 1.5
_WEIGHT = 0.3


class WakeWatch:
    """Watches what one local tmux server reads.

    Without ``/proc`` (another system, another user, a server behind a prefix) it never
    reports a burst, and panes are seen when they are listed.
    """

    def __init__(self, server_pid: int | None) -> None:
        self._file = None if server_pid is None else ProcFile(f"/proc/{server_pid}/io")
        self._mark: int | None = None
        self._since = 0.0
        self._usual = 0.0

    @property
    def watches(self) -> bool:
        """Whether there is anything to watch: if not, only listings show what changed."""
        return self._file is not None

    @property
    def tells(self) -> bool:
        """Whether a pane that begins to flood would show, beside what the others print."""
        return self._mark is not None and self._usual <= _MOST_USUAL

    def restart(self, now: float) -> None:
        """Begin anew at a listing at monotonic time ``now``; learn the usual pace."""
        count = self._read()
        if count is not None and self._mark is not None and now > self._since:
            latest = max(0, count - self._mark) / (now - self._since)
            self._usual += _WEIGHT * (latest - self._usual)
        self._mark = count
        self._since = now

    def bursts(self, now: float) -> bool:
        """Tell whether the server has read unusually much since the last listing."""
        if self._mark is None:
            return False
        count = self._read()
        if count is None:
            return False
        usual = _USUAL * self._usual * (now - self._since)
        return count - self._mark > _BURST_BYTES + usual

    def _read(self) -> int | None:
        text = None if self._file is None else self._file.read(64)
        if text is None:
            return None
        # The first line is "rchar: N", the bytes that read calls returned.
        word = text.split(b"\n", 1)[0].rpartition(b" ")[2]
        return int(word) if word.isdigit() else None
