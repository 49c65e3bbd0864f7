"""A reading of the machine as metric families."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric

from panewatch.contract import MetricSpec
from panewatch.machine.host import contract as c
from panewatch.machine.host.model import Reading


def build_families(reading: Reading) -> Iterable[Metric]:
    """Build the families of all that is known, in the order of the contract."""
    families = {spec: spec.family() for spec in c.METRICS}
    for spec, value, labels in _tell(reading):
        if value is not None:
            families[spec].add_sample(spec.full_name, labels, float(value))
    return [family for family in families.values() if family.samples]


def _tell(reading: Reading) -> Iterable[tuple[MetricSpec, float | None, dict[str, str]]]:
    for mode, seconds in reading.cpu.items():
        yield c.HOST_CPU, seconds, {"mode": mode}
    yield c.HOST_CPUS, reading.cpus, {}
    yield c.HOST_LOAD1, reading.load, {}
    for kind, size in reading.memory.items():
        yield c.HOST_MEMORY, size, {"kind": kind}
    for (resource, kind), seconds in reading.pressure.items():
        yield c.HOST_PRESSURE, seconds, {"resource": resource, "kind": kind}
    for name, disk in reading.disks.items():
        device = {"device": name}
        yield c.HOST_DISK_READ, disk.read_bytes, device
        yield c.HOST_DISK_WRITTEN, disk.written_bytes, device
        for operation, count in zip(c.OPERATIONS, (disk.reads, disk.writes), strict=True):
            yield c.HOST_DISK_OPERATIONS, count, {**device, "operation": operation}
        yield c.HOST_DISK_IO, disk.busy_seconds, device
    for filesystem in reading.filesystems:
        mountpoint = {"mountpoint": filesystem.mountpoint}
        yield c.HOST_FILESYSTEM_SIZE, filesystem.size, mountpoint
        yield c.HOST_FILESYSTEM_AVAIL, filesystem.available, mountpoint
        yield c.HOST_FILESYSTEM_DAYS, filesystem.days_until_full, mountpoint
        yield c.HOST_FILESYSTEM_READONLY, filesystem.readonly, mountpoint
        yield c.HOST_FILESYSTEM_ERROR, filesystem.failed, mountpoint
    yield c.HOST_FILESYSTEMS_DROPPED, reading.filesystems_dropped, {}
