"""What the ``gpu`` collector last knew, for other collectors to read."""

from __future__ import annotations

import time
from typing import Final

from panewatch.machine.gpu.model import Gpu

_STALE_SECONDS: Final = 60.0


class GpuBoard:
    """Holds the GPUs of the last reading. Any thread may post and read; none of them changes."""

    def __init__(self) -> None:
        self._notice: tuple[tuple[Gpu, ...], float] = ((), 0.0)

    def post(self, gpus: tuple[Gpu, ...]) -> None:
        """Put up the GPUs that could be read now; an empty tuple where there are none."""
        self._notice = gpus, time.monotonic()

    def read(self) -> tuple[Gpu, ...]:
        """Return the GPUs that were posted last, unless that was too long ago to be true."""
        gpus, at = self._notice
        return gpus if time.monotonic() - at <= _STALE_SECONDS else ()
