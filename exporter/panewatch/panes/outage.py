"""Whether one tmux server can be read: why not, since when, and when to try again."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import suppress

import psutil
import structlog

from panewatch.panes.tmux import TmuxError

_BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
MOST_BACKOFF_SECONDS = _BACKOFF_SECONDS[-1]
"""The longest pause between two tries to reach a server that fails."""

_log = structlog.get_logger(__name__)


class Outages:
    """Tells, and counts, what became of the tries to read a server.

    ``failures`` counts by reason those that failed.
    """

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        self._in_a_row = 0
        self._found = False

    def end(self, server: str, panes: int) -> None:
        """Note that the server was read; log it where it is there for the first time, or again."""
        if self._in_a_row or not self._found:
            told = "tmux server can be read again" if self._found else "tmux server found"
            _log.info(told, server=server, panes=panes)
        self._found, self._in_a_row = True, 0

    def begin(self, server: str, error: TmuxError, *, lives: bool) -> tuple[str, float]:
        """Note that the server could not be read.

        Args:
            server: Its name, for the log.
            error: What went wrong.
            lives: Whether its process runs.

        Returns:
            The reason, and the seconds until the next try.
        """
        # Without a server there is no socket either; missing is one of a server that runs.
        gone = error.reason == "missing" and not lives
        reason = "no_server" if gone else error.reason
        self.failures[reason] += 1
        _log.log(
            logging.INFO if reason == "no_server" else logging.WARNING,
            "tmux server cannot be read",
            server=server, reason=reason, detail=error.detail,
        )  # fmt: skip
        pause = _BACKOFF_SECONDS[min(self._in_a_row, len(_BACKOFF_SECONDS) - 1)]
        self._in_a_row += 1
        if reason == "no_server":
            self._found = False
        return reason, pause


def runs(server_pid: int | None) -> bool:
    """Tell whether the tmux server with this process id runs on this machine."""
    if server_pid is None:
        return False
    with suppress(psutil.Error):
        process = psutil.Process(server_pid)
        # One that was killed has its name until somebody asks how it ended.
        ended = process.status() == psutil.STATUS_ZOMBIE
        return process.name().startswith("tmux") and not ended
    return False
