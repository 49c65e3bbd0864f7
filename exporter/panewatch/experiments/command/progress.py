"""How far something has got, for a person who waits at a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, Self, TextIO

_EVERY: Final = 0.2


class Progress:
    """Writes over one line of standard error, some times a second, where that is a terminal.

    The line is gone after the ``with`` block.

    Args:
        what: What is counted, such as ``items deleted``.
        stream: Where to; standard error where nothing else is said.
    """

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        self._what = what
        self._stream = sys.stderr if stream is None else stream
        self._shows = self._stream.isatty()
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        if self._shows and self._next:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def note(self, count: int) -> None:
        """Show that ``count`` are done."""
        if not self._shows or (now := time.monotonic()) < self._next:
            return
        self._next = now + _EVERY
        self._stream.write(f"\r\x1b[K{self._what}: {count:,}")
        self._stream.flush()
