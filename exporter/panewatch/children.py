"""Processes that panewatch starts: none of them outlives it."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import weakref
from contextlib import suppress

_running: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()


def remember(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, with its whole group, when panewatch ends in the middle of it."""
    _running.add(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its group, unless it has been waited for already."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


@atexit.register
def _kill_all() -> None:
    for process in list(_running):
        kill(process)
