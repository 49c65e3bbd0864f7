"""Which GPUs can be read here, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.machine.gpu.collector import REASONS
from panewatch.machine.gpu.contract import ABSENT
from panewatch.machine.gpu.nvml import Nvml
from panewatch.machine.gpu.reader import Reader
from panewatch.panes.text import clean_label
from panewatch.worker import OverdueError, Worker

_END_SECONDS: Final = 2.0
_NOTHING: Final = {
    "no_library": "no NVIDIA driver is installed here",
    "no_driver": "the driver's library is here, the driver is not loaded",
    "no_gpu": "the driver finds no GPU",
}


def diagnose(config: Config) -> Iterator[Finding]:
    """Read the GPUs once."""
    reader = Reader(Nvml())
    worker = Worker(reader.read, reader.close, "panewatch-gpu")
    try:
        reading = worker.ask(config.gpu.timeout)
    except OverdueError:
        yield Finding("gpu", ok=False, detail=f"timeout: {REASONS['timeout']}")
        return
    worker.end(_END_SECONDS)
    if reading.state in ABSENT:
        yield Finding("gpu", ok=True, detail=f"{reading.state}: {_NOTHING[reading.state]}")
        return
    for gpu in reading.gpus:
        yield Finding(f"gpu {gpu.index}", ok=True, detail=clean_label(f"{gpu.name}, {gpu.uuid}"))
    if reading.state != "up":
        detail = f"{reading.state}: {REASONS[reading.state]}"
        yield Finding("gpu", ok=False, detail=detail)
    elif reading.unreadable:
        yield Finding("gpu", ok=False, detail=f"{reading.unreadable} of the GPUs cannot be read")
