"""The ``gpu`` collector: what the GPUs of this machine do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.machine.gpu.board import GpuBoard
from panewatch.machine.gpu.contract import ABSENT
from panewatch.machine.gpu.families import build_families
from panewatch.machine.gpu.model import Reading
from panewatch.machine.gpu.nvml import Nvml
from panewatch.machine.gpu.reader import Reader
from panewatch.worker import OverdueError, Worker

_END_SECONDS: Final = 2.0
_TIMEOUT: Final = Reading("timeout")

REASONS: Final = {
    "driver_mismatch": "the driver and its library are of different versions",
    "missing_symbol": "the driver's library is too old",
    "timeout": "the driver does not answer",
    "lost": "every GPU is lost",
    "error": "the driver answers with an error",
}
"""What a state in which GPUs are there and cannot be read means."""


class GpuCollector:
    """The GPUs of this machine, as the driver's library (NVML) tells of them.

    ::

        panewatch_gpu_up 1
        panewatch_gpu_info{gpu="GPU-8f6d...",name="NVIDIA H100",driver="570.86",index="0"} 1
        panewatch_gpu_utilization_ratio{gpu="GPU-8f6d..."} 0.93

    A machine without GPUs is no failure. The library is called in a thread of its own, so
    that what is known is told also while it hangs.

    Args:
        config: The whole configuration.
        board: Where others find the GPUs, with their processes.
        nvml: The library.
    """

    name: ClassVar[str] = "gpu"

    def __init__(self, config: Config, board: GpuBoard, nvml: Nvml | None = None) -> None:
        self._timeout = config.gpu.timeout
        self._board = board
        self._reader = Reader(nvml or Nvml())
        self._worker = Worker(self._reader.read, self._reader.close, "panewatch-gpu")

    def start(self) -> None:
        """Do nothing: the first sample opens the library."""

    def stop(self) -> None:
        """Leave the driver alone, as soon as it lets us."""
        self._board.post(())
        self._worker.end(_END_SECONDS)

    def reconfigure(self, config: Config) -> None:
        """Go by ``config`` from the next sample on."""
        self._timeout = config.gpu.timeout

    def collect(self) -> Iterable[Metric]:
        """Yield what the GPUs tell.

        Raises:
            SourceUnavailable: there are GPUs, and none can be read; its state was yielded.
        """
        try:
            reading = self._worker.ask(self._timeout)
        except OverdueError:
            reading = _TIMEOUT
        self._board.post(reading.gpus)
        yield from build_families(reading, self._reader.failures, self._reader.xids.read())
        if reading.state != "up" and reading.state not in ABSENT:
            raise SourceUnavailable(REASONS[reading.state])
