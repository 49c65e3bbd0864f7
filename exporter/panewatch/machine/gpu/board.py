"""What the ``gpu`` collector last knew, for other collectors to read."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from panewatch.machine.gpu.model import Gpu

_STALE_SECONDS: Final = 60.0


class Notice(NamedTuple):
    """The GPUs of a reading, and when it was posted in seconds since the machine's start.

    That is the clock by which the kernel tells when processes began.
    """

    gpus: tuple[Gpu, ...] = ()
    posted: float = 0.0


class GpuBoard:
    """Holds the GPUs of the last reading. Any thread may post and read; none of them changes."""

    def __init__(self) -> None:
        self._notice = Notice()

    def post(self, gpus: tuple[Gpu, ...]) -> None:
        """Put up the GPUs that could be read now; an empty tuple where there are none."""
        self._notice = Notice(gpus, read_clock())

    def read(self) -> Notice:
        """Return what was posted last, unless that was too long ago to be true."""
        notice = self._notice
        return notice if read_clock() - notice.posted <= _STALE_SECONDS else Notice()


def read_clock() -> float:
    """Return the seconds since the machine's start, those too in which it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
