"""The metrics of the ``host`` collector."""

from __future__ import annotations

from typing import Final

from panewatch.contract import MetricSpec

MODES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""What a CPU's time goes to; together they are all of it."""

MEMORY_KINDS: Final = (
    "total", "available", "free", "buffers", "cached", "shared", "slab", "swap_total", "swap_free",
)  # fmt: skip
RESOURCES: Final = ("cpu", "memory", "io")
PRESSURE_KINDS: Final = ("some", "full")
OPERATIONS: Final = ("read", "write")

_DISK = ("device",)
_MOUNT = ("mountpoint",)
_UNANSWERED = "where the filesystem does not answer"

HOST_CPU = MetricSpec(
    "host_cpu_seconds_total", "counter",
    f"Time of all CPUs together since the machine started, by what they did ({', '.join(MODES)}).",
    ("mode",), "seconds", absent="where /proc is not there",
)  # fmt: skip
HOST_CPUS = MetricSpec(
    "host_cpus", "gauge", "CPUs that the machine has, or its container sees, and that are on.",
    absent="where the system does not tell",
)  # fmt: skip
HOST_LOAD1 = MetricSpec(
    "host_load1", "gauge",
    "Processes that ran or waited for a CPU or a disk, averaged over about a minute.",
    absent="where the system does not tell",
)  # fmt: skip
HOST_MEMORY = MetricSpec(
    "host_memory_bytes", "gauge",
    f"The machine's memory ({', '.join(MEMORY_KINDS)}); the kinds overlap. What programs can still "
    "have is the available one.", ("kind",), "bytes", absent="where the system does not tell",
)  # fmt: skip
HOST_PRESSURE = MetricSpec(
    "host_pressure_seconds_total", "counter",
    f"Time in which some processes, or all at once (full), waited for a resource "
    f"({', '.join(RESOURCES)}).",
    ("resource", "kind"), "seconds", absent="where the kernel does not measure it (PSI)",
)  # fmt: skip
HOST_DISK_READ = MetricSpec(
    "host_disk_read_bytes_total", "counter", "Bytes read from a disk.", _DISK, "bytes"
)
HOST_DISK_WRITTEN = MetricSpec(
    "host_disk_written_bytes_total", "counter", "Bytes written to a disk.", _DISK, "bytes"
)
HOST_DISK_OPERATIONS = MetricSpec(
    "host_disk_operations_total", "counter",
    f"Operations of a disk that were completed ({', '.join(OPERATIONS)}).",
    ("device", "operation"),
)  # fmt: skip
HOST_DISK_IO = MetricSpec(
    "host_disk_io_seconds_total", "counter", "Time in which a disk had anything to do.",
    _DISK, "seconds",
)  # fmt: skip
HOST_FILESYSTEM_SIZE = MetricSpec(
    "host_filesystem_size_bytes", "gauge", "Size of a filesystem.", _MOUNT, "bytes",
    absent=_UNANSWERED,
)  # fmt: skip
HOST_FILESYSTEM_AVAIL = MetricSpec(
    "host_filesystem_avail_bytes", "gauge",
    "Space of a filesystem that any user can still fill.", _MOUNT, "bytes", absent=_UNANSWERED,
)  # fmt: skip
HOST_FILESYSTEM_DAYS = MetricSpec(
    "host_filesystem_days_until_full", "gauge",
    "Days until a filesystem is full, if it grows on as it did in the last hours.", _MOUNT,
    absent="where it does not grow steadily, for the first hour, and above a year",
)  # fmt: skip
HOST_FILESYSTEM_READONLY = MetricSpec(
    "host_filesystem_readonly", "gauge",
    "Whether a filesystem can only be read (1) or be written to (0).", _MOUNT,
)  # fmt: skip
HOST_FILESYSTEM_ERROR = MetricSpec(
    "host_filesystem_device_error", "gauge",
    "Whether a filesystem did not answer in time, or with an error (1), or as it should (0).",
    _MOUNT,
)  # fmt: skip
HOST_FILESYSTEMS_DROPPED = MetricSpec(
    "host_filesystems_dropped", "gauge",
    "Filesystems beyond host.max_filesystems, and such as cannot be told apart by their label; "
    "they are not shown.",
)  # fmt: skip

METRICS: Final = (
    HOST_CPU, HOST_CPUS, HOST_LOAD1, HOST_MEMORY, HOST_PRESSURE, HOST_DISK_READ, HOST_DISK_WRITTEN,
    HOST_DISK_OPERATIONS, HOST_DISK_IO, HOST_FILESYSTEM_SIZE, HOST_FILESYSTEM_AVAIL,
    HOST_FILESYSTEM_DAYS, HOST_FILESYSTEM_READONLY, HOST_FILESYSTEM_ERROR,
    HOST_FILESYSTEMS_DROPPED,
)  # fmt: skip
"""Every family of the collector, in the order in which it is exported."""
