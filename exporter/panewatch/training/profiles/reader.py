"""Reads traces one after the other, each in a process of its own: the one place that starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import panewatch
from panewatch import children
from panewatch.training.plain_files import RefusedError
from panewatch.training.profiles import contract as c
from panewatch.training.profiles.facts import Facts, decode

MOST_SECONDS: Final = 300.0
"""A process that takes longer is ended; it comes last wherever the machine is busy."""

_MOST_BYTES: Final = 1 << 16
_REAPED_SECONDS: Final = 0.5
_PACKAGES: Final = str(Path(panewatch.__file__).parents[1])
_INHERITED: Final = ("PATH", "HOME", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class TraceReader:
    """At most one process that reads a trace."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = 0.0

    @property
    def busy(self) -> bool:
        """Whether a trace is being read, or its answer was not asked for yet."""
        return self._process is not None

    def start(self, descriptor: int) -> None:
        """Begin to read an open file.

        Raises:
            OSError: the system starts no process now, which says nothing of the file.
            MemoryError: the same.
        """
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603  # no shell; words of ours
            # -P: not what happens to lie in the current folder.
            [sys.executable, "-P", "-m", "panewatch.training.profiles.child", str(descriptor)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | {"PYTHONPATH": _PACKAGES, "LC_ALL": "C.UTF-8"},
            pass_fds=(descriptor,),
            start_new_session=True,
        )
        children.remember(self._process)
        self._deadline = time.monotonic() + MOST_SECONDS

    def wait(self, seconds: float) -> Facts | None:
        """Return what the trace tells, or None while that is not known, at most so long.

        Raises:
            RefusedError: the file is no trace, or reading it took too much.
        """
        process = self._process
        if process is None:
            return None
        try:
            process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            if time.monotonic() < self._deadline:
                return None
            self.stop()
            raise RefusedError("timeout") from None
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        printed = process.stdout.read(_MOST_BYTES)
        code = process.returncode
        self.stop()
        if code:
            raise RefusedError("timeout" if code == -signal.SIGXCPU else "crashed")
        return _understand(printed)

    def stop(self) -> None:
        """Leave what is being read."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdout is not None:
            process.stdout.close()
        children.kill(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_REAPED_SECONDS)


def _understand(printed: bytes) -> Facts:
    try:
        told = json.loads(printed)
        if isinstance(told, dict) and "refused" in told:
            reason = str(told["refused"])
            raise RefusedError(reason if reason in c.FAILURES else "crashed")
        return decode(printed)
    except ValueError:
        raise RefusedError("crashed") from None
