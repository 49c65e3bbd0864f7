"""The ``attribution`` collector: which pane has what of each GPU, and which containers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from prometheus_client import Metric

from panewatch.machine.attribution.families import build_families
from panewatch.machine.attribution.ownership import Ownership, is_first_namespace
from panewatch.machine.gpu.board import GpuBoard
from panewatch.panes.noticeboard import Noticeboard


class AttributionCollector:
    """Joins what the ``panes`` and the ``gpu`` collector know of processes.

    ::

        panewatch_pane_gpu_memory_bytes{server="default",session="work",...,gpu="GPU-8f6d..."} 4e9
        panewatch_gpu_outside_panes_processes{gpu="GPU-8f6d...",reason="other"} 1

    Of panes and GPUs that are not known now, it tells nothing.

    Args:
        board: Where the ``panes`` collector posts which panes there are.
        gpus: Where the ``gpu`` collector posts the GPUs.
    """

    name: ClassVar[str] = "attribution"

    def __init__(self, board: Noticeboard, gpus: GpuBoard) -> None:
        self._board = board
        self._gpus = gpus
        self._first = is_first_namespace()

    def collect(self) -> Iterable[Metric]:
        """Yield what belongs to whom."""
        panes = [
            view
            for server in self._board.read()
            if server.local and server.state == "up"
            for view in server.panes
        ]
        gpus, posted = self._gpus.read()
        return build_families(panes, gpus, Ownership(panes, first=self._first, known_at=posted))
