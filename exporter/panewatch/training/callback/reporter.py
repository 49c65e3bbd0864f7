"""Does something now and then, in a thread of its own, so that a training never waits for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable


class Reporter:
    """Calls a function at once, at every interval, and a last time when it is stopped.

    What the function raises is lost. A forked child has no such thread.

    Args:
        report: The function.
        interval: Seconds between two calls.
        name: What the thread is called.
    """

    def __init__(self, report: Callable[[], None], interval: float, name: str) -> None:
        self._report = report
        self._interval = interval
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> bool:
        """Start; False where the system has no thread left."""
        try:
            self._thread.start()
        except RuntimeError:
            return False
        return True

    def stop(self, timeout: float) -> None:
        """Have the function called a last time, and wait for it no longer than ``timeout``."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            last = self._stopping.is_set()
            with contextlib.suppress(Exception):  # it is nobody's training that failed
                self._report()
            if last:
                return
            self._stopping.wait(self._interval)
