"""The signals that steer the exporter.

Python runs a signal's handler only once the main thread runs Python again, and a
main thread that is just about to wait misses it. So the bytes that the interpreter
writes for each signal are read in a thread, and the main thread waits for that.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

_RELOAD: Final = signal.SIGHUP
_END: Final = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Turns SIGHUP into a request to reload, SIGTERM and SIGINT into one to end.

    Whoever asks twice to end does not want to wait: the process exits at once, with 0.
    """

    def __init__(self) -> None:
        self._ending = False
        self._requests: queue.SimpleQueue[int] = queue.SimpleQueue()

    def install(self) -> None:
        """Begin to take signals. Only for the main thread.

        Raises:
            RuntimeError: the system has no thread left.
        """
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        threading.Thread(target=self._read, args=(reader,), name="signals", daemon=True).start()
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (_RELOAD, *_END):
            signal.signal(number, _leave_to_reader)

    def ignore(self) -> None:
        """Take no more signals, up to the very end of the interpreter."""
        for number in (_RELOAD, *_END):
            signal.signal(number, signal.SIG_IGN)

    def is_ending(self) -> bool:
        """Tell whether the end was asked for; may be called from any thread."""
        return self._ending

    def wait(self) -> bool:
        """Wait for the next request; True is to reload, False to end."""
        return self._requests.get() == _RELOAD

    def _read(self, reader: int) -> None:
        while numbers := os.read(reader, 64):
            for number in numbers:
                if number in _END:
                    if self._ending:
                        os._exit(0)
                    self._ending = True
                self._requests.put(number)


def _leave_to_reader(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; with a handler, however, the interpreter writes its byte."""
