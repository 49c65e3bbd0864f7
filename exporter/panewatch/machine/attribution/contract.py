"""The metrics of the ``attribution`` collector."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec
from panewatch.panes.contract import PANE

REASONS: Final = ("other", "container", "unseen")
"""Why a process on a GPU belongs to no pane: it runs elsewhere; it is in a container that names
no pane; its number means nothing here, as where it is in a process namespace out of sight."""

_GPU = (*PANE, "gpu")
_NOBODY = "while no process of the pane is on the GPU, and where the driver tells no processes"

PANE_GPU_PROCESSES = MetricSpec(
    "pane_gpu_processes", "gauge", "Processes of a pane that have something on a GPU.",
    _GPU, absent=_NOBODY,
)  # fmt: skip
PANE_GPU_MEMORY = MetricSpec(
    "pane_gpu_memory_bytes", "gauge", "Memory of a GPU that the processes of a pane have.",
    _GPU, "bytes", absent=f"{_NOBODY} or not their memory",
)  # fmt: skip
PANE_GPU_UTILIZATION = MetricSpec(
    "pane_gpu_utilization_ratio", "gauge",
    "Share of a GPU's time that the processes of a pane had lately.",
    _GPU, "ratio", absent=f"{_NOBODY} or not their share",
)  # fmt: skip
OUTSIDE_PROCESSES = MetricSpec(
    "gpu_outside_panes_processes", "gauge",
    f"Processes on a GPU that belong to no pane, by the reason ({', '.join(REASONS)}).",
    ("gpu", "reason"), absent="where the driver tells no processes, and while the GPU is lost",
)  # fmt: skip
OUTSIDE_MEMORY = MetricSpec(
    "gpu_outside_panes_memory_bytes", "gauge",
    "Memory of a GPU that processes have which belong to no pane, by the reason.",
    ("gpu", "reason"), "bytes",
    absent="where the driver tells no processes or not their memory, and while the GPU is lost",
)  # fmt: skip
PANE_CONTAINER = MetricSpec(
    "pane_container_info", "info",
    "A container that processes of a pane are in, and who runs it; at most ten of a pane.",
    (*PANE, "container", "runtime"),
    absent="where the pane's own first process is in the same one, and for containers whose "
    "processes do not belong to the pane",
)  # fmt: skip

METRICS: Final = (
    PANE_GPU_PROCESSES, PANE_GPU_MEMORY, PANE_GPU_UTILIZATION, OUTSIDE_PROCESSES, OUTSIDE_MEMORY,
    PANE_CONTAINER,
)  # fmt: skip
"""Every family of the collector, in the order in which it is exported."""
