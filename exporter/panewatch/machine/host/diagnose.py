"""What of this machine can be read, and which of its filesystems do not answer."""

from __future__ import annotations

from collections.abc import Iterator

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.machine.host.collector import HostCollector


def diagnose(config: Config) -> Iterator[Finding]:
    """Read the machine once."""
    collector = HostCollector(config)
    reading, failed = collector.read()
    collector.stop()
    for filesystem in reading.filesystems:
        if filesystem.failed:
            detail = f"{filesystem.mountpoint} does not answer, or with an error"
            yield Finding("host", ok=False, detail=detail)
    if failed:
        yield Finding("host", ok=False, detail=f"cannot be read: {', '.join(failed)}")
        return
    pressure = "pressure" if reading.pressure else "no pressure (the kernel does not measure it)"
    yield Finding(
        "host",
        ok=True,
        detail=f"CPUs: {reading.cpus}, memory, {pressure}, disks: {len(reading.disks)}, "
        f"filesystems: {len(reading.filesystems)}",
    )
