"""One thread that does what may hang for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OverdueError(Exception):
    """There is no answer in time."""


class Worker(Generic[T]):
    """Does one thing again and again, when asked, in a thread of its own.

    Where it hangs there is never a second thread, and whoever asks is not held up. An
    answer that came too late is thrown away: it is not true any more.

    Args:
        work: What is done; should not raise.
        end: What is done in the same thread at the end.
        name: The thread's.
    """

    def __init__(self, work: Callable[[], T], end: Callable[[], None], name: str) -> None:
        self._work = work
        self._end = end
        self._name = name
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._ending = False
        self._answer: tuple[T] | None = None
        self._error: BaseException | None = None

    def ask(self, timeout: float) -> T:
        """Have it done now, and return what came of it.

        Raises:
            OverdueError: it took longer than `timeout` seconds, or an earlier one still does.
            RuntimeError: the system has no thread left.
        """
        with self._changed:
            if self._busy:
                raise OverdueError
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                self._thread = thread
            self._busy, self._answer, self._error = True, None, None
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: not self._busy, timeout):
                raise OverdueError
            return self._take()

    def end(self, timeout: float) -> None:
        """End the thread; one that hangs is left behind after `timeout` seconds."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)

    def _take(self) -> T:
        if self._error is not None:
            raise self._error
        if self._answer is None:
            raise OverdueError
        return self._answer[0]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._busy or self._ending)
                if self._ending:
                    break
            answer: tuple[T] | None = None
            error: BaseException | None = None
            try:
                answer = (self._work(),)
            except BaseException as raised:  # noqa: BLE001 - raised again where it was asked for
                error = raised
            with self._changed:
                self._busy, self._answer, self._error = False, answer, error
                self._changed.notify_all()
        self._end()
