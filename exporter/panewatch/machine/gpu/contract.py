"""The metrics of the ``gpu`` collector."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec

STATES: Final = (
    "up",
    "no_library",
    "no_driver",
    "no_gpu",
    "driver_mismatch",
    "missing_symbol",
    "timeout",
    "lost",
    "error",
)
"""Every state of the source; exactly one is 1 at a time."""

ABSENT: Final = frozenset({"no_library", "no_driver", "no_gpu"})
"""The states of a machine that simply has no GPU: nothing is wrong with it."""

FAILURES: Final = ("lost", "timeout", "permission", "unknown")
"""Why a value that the GPU has could not be read; one that it does not have is no failure."""

CLOCKS: Final = ("graphics", "sm", "memory", "video")
DIRECTIONS: Final = ("transmit", "receive")
ECC_KINDS: Final = ("corrected", "uncorrected")

THROTTLES: Final = {
    "gpu_idle": 0x001,
    "applications_clocks_setting": 0x002,
    "sw_power_cap": 0x004,
    "hw_slowdown": 0x008,
    "sync_boost": 0x010,
    "sw_thermal_slowdown": 0x020,
    "hw_thermal_slowdown": 0x040,
    "hw_power_brake_slowdown": 0x080,
    "display_clock_setting": 0x100,
}
"""Why a GPU's clocks are below their maximum, with the driver's bit for each."""

XIDS: Final = (
    13, 31, 32, 43, 45, 48, 61, 62, 63, 64, 69, 74, 79, 92, 94, 95, 109, 119, 120, 140, 154,
)  # fmt: skip
"""The errors of the driver that are counted by their number; all others are ``other``."""

_UNSUPPORTED = "where the GPU or its driver does not tell it, and while the GPU is lost"
_GPU = ("gpu",)
_MIG = ("gpu", "mig")

GPU_UP = MetricSpec("gpu_up", "gauge", "Whether GPUs can be read.")
GPU_STATE = MetricSpec(
    "gpu_state", "gauge",
    f"Whether the source of GPUs is in a state ({', '.join(STATES)}): 1 for the one it is in.",
    ("state",),
)  # fmt: skip
GPU_READ_FAILURES = MetricSpec(
    "gpu_read_failures_total", "counter",
    f"Values of GPUs that could not be read, by reason ({', '.join(FAILURES)}).", ("reason",),
)  # fmt: skip
GPUS_UNREADABLE = MetricSpec(
    "gpus_unreadable", "gauge",
    "GPUs that the driver counts and that tell nothing, also those whose UUID was never known.",
    absent="where the driver does not answer",
)  # fmt: skip
GPU_LOST = MetricSpec(
    "gpu_lost", "gauge",
    "Whether a GPU that was read before is gone or tells nothing (1) or can be read (0).",
    _GPU, absent="until the GPU was read once, and while the driver does not answer",
)  # fmt: skip
GPU_INFO = MetricSpec(
    "gpu_info", "info", "Always 1; the labels tell a GPU's name, driver and index.",
    ("gpu", "name", "driver", "index"), absent="while the GPU is lost",
)  # fmt: skip
GPU_UTILIZATION = MetricSpec(
    "gpu_utilization_ratio", "gauge",
    "Share of the driver's last sample period in which something ran on a GPU.",
    _GPU, "ratio", absent=f"{_UNSUPPORTED}, and where MIG is on",
)  # fmt: skip
GPU_MEMORY_USED = MetricSpec(
    "gpu_memory_used_bytes", "gauge",
    "Memory of a GPU that is in use; what the driver keeps for itself is left out where it is "
    "told apart.", _GPU, "bytes", absent=_UNSUPPORTED,
)  # fmt: skip
GPU_MEMORY_TOTAL = MetricSpec(
    "gpu_memory_total_bytes", "gauge", "Memory that a GPU has.", _GPU, "bytes",
    absent=_UNSUPPORTED,
)  # fmt: skip
GPU_TEMPERATURE = MetricSpec(
    "gpu_temperature_celsius", "gauge", "Temperature of a GPU.", _GPU, "celsius",
    absent=_UNSUPPORTED,
)  # fmt: skip
GPU_TEMPERATURE_SLOWDOWN = MetricSpec(
    "gpu_slowdown_temperature_celsius", "gauge",
    "Temperature from which a GPU slows itself down.", _GPU, "celsius", absent=_UNSUPPORTED,
)  # fmt: skip
GPU_POWER = MetricSpec(
    "gpu_power_watts", "gauge", "Power that a GPU draws.", _GPU, absent=_UNSUPPORTED
)
GPU_POWER_LIMIT = MetricSpec(
    "gpu_power_limit_watts", "gauge", "Power at which a GPU is held.", _GPU, absent=_UNSUPPORTED
)
GPU_ENERGY = MetricSpec(
    "gpu_energy_joules_total", "counter", "Energy that a GPU has used since its driver was loaded.",
    _GPU, "joules", absent=_UNSUPPORTED,
)  # fmt: skip
GPU_CLOCK = MetricSpec(
    "gpu_clock_hertz", "gauge", f"Clock of a part of a GPU ({', '.join(CLOCKS)}).",
    ("gpu", "clock"), absent=_UNSUPPORTED,
)  # fmt: skip
GPU_THROTTLE = MetricSpec(
    "gpu_throttle", "gauge",
    "Whether a reason keeps a GPU's clocks below their maximum (1) or not (0).",
    ("gpu", "reason"), absent=_UNSUPPORTED,
)  # fmt: skip
GPU_PCIE = MetricSpec(
    "gpu_pcie_bytes_per_second", "gauge",
    "Traffic between a GPU and the machine, in the driver's last 20 ms, as the GPU sees it.",
    ("gpu", "direction"), absent=_UNSUPPORTED,
)  # fmt: skip
GPU_ECC = MetricSpec(
    "gpu_ecc_errors_total", "counter",
    f"Errors in a GPU's memory since its driver was loaded ({', '.join(ECC_KINDS)}).",
    ("gpu", "kind"), absent=f"{_UNSUPPORTED}, and where ECC is off",
)  # fmt: skip
GPU_XID = MetricSpec(
    "gpu_xid_errors_total", "counter",
    "Errors (XID) that the driver has reported of a GPU since panewatch started, by number.",
    ("gpu", "xid"), absent="where the driver offers no events, and until the GPU was read once",
)  # fmt: skip
MIG_INFO = MetricSpec(
    "gpu_mig_info", "info",
    "Always 1; the labels tell the instances and the profile of a part of a GPU that MIG divides.",
    ("gpu", "mig", "gpu_instance", "compute_instance", "profile"), absent="where MIG is off",
)  # fmt: skip
MIG_MEMORY_USED = MetricSpec(
    "gpu_mig_memory_used_bytes", "gauge", "Memory of a MIG device that is in use.", _MIG, "bytes",
    absent="where MIG is off",
)  # fmt: skip
MIG_MEMORY_TOTAL = MetricSpec(
    "gpu_mig_memory_total_bytes", "gauge", "Memory that a MIG device has.", _MIG, "bytes",
    absent="where MIG is off",
)  # fmt: skip

METRICS: Final = (
    GPU_UP, GPU_STATE, GPU_READ_FAILURES, GPUS_UNREADABLE, GPU_LOST, GPU_INFO, GPU_UTILIZATION,
    GPU_MEMORY_USED, GPU_MEMORY_TOTAL, GPU_TEMPERATURE, GPU_TEMPERATURE_SLOWDOWN, GPU_POWER,
    GPU_POWER_LIMIT, GPU_ENERGY, GPU_CLOCK, GPU_THROTTLE, GPU_PCIE, GPU_ECC, GPU_XID, MIG_INFO,
    MIG_MEMORY_USED, MIG_MEMORY_TOTAL,
)  # fmt: skip
"""Every family of the collector, in the order in which it is exported."""
