"""The thread of one tmux server: looks again and again, and rests in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress


class ServerThread:
    """Runs rounds until it is told to stop.

    Args:
        name: The thread's name.
        run: One round; must not raise.
        rest: Gives the seconds to rest, asked again after each rest; 0 begins a round.
    """

    def __init__(self, name: str, run: Callable[[], None], rest: Callable[[float], float]) -> None:
        self._run = run
        self._rest = rest
        # Held while nobody wakes the thread. It rests ten times a second, and an event costs
        # half as much again.
        self._gate = threading.Lock()
        self._gate.acquire()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._stop = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether the thread was told to stop."""
        return self._stop.is_set()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin.

        Raises:
            RuntimeError: the system has no thread left.
        """
        self._thread.start()

    def wake(self) -> None:
        """Begin another round as soon as the present one has ended. From any thread."""
        self._end_rest()

    def ask_to_stop(self) -> None:
        """Let the thread end after its round. From any thread."""
        self._stop.set()
        self._end_rest()

    def join(self, timeout: float) -> bool:
        """Wait for the end, and tell whether it came within ``timeout`` seconds."""
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _end_rest(self) -> None:
        with suppress(RuntimeError):  # it is woken already
            self._gate.release()

    def _loop(self) -> None:
        while not self.stopping:
            self._gate.acquire(blocking=False)
            self._run()
            self._pause()

    def _pause(self) -> None:
        while not self.stopping:
            seconds = self._rest(time.monotonic())
            if seconds <= 0 or self._gate.acquire(timeout=seconds):
                return
