"""What the ``panes`` collector last knew of every server, for other collectors to read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from panewatch.panes.published import Published

_STALE_SECONDS = 60.0


class Noticeboard:
    """Holds what was published last. Any thread may post and read; nothing posted changes."""

    def __init__(self) -> None:
        self._notice: tuple[tuple[Published, ...], float] = ((), 0.0)
        self._posted = threading.Event()

    def post(self, published: Iterable[Published]) -> None:
        """Put up what is known now in place of what was known before."""
        self._notice = tuple(published), time.monotonic()
        self._posted.set()

    def read(self) -> tuple[Published, ...]:
        """Return what was posted last; nothing where that was too long ago to be true."""
        published, at = self._notice
        return published if time.monotonic() - at <= _STALE_SECONDS else ()

    def wait(self, timeout: float) -> None:
        """Wait for the first notice, at most ``timeout`` seconds."""
        self._posted.wait(timeout)
