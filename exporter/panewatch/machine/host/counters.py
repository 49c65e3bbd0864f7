"""What the kernel counts of CPUs, memory and disks, read through psutil where it knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from panewatch.machine.host import contract as c
from panewatch.machine.host.rising import Rising
from panewatch.panes.text import clean_label

_PRESSURE: Final = Path("/proc/pressure")
_NO_DISK: Final = re.compile(
    r"(z?ram|loop|fd|sr|nbd)\d+|(h|s|v|xv)d[a-z]+\d+|nvme\d+n\d+p\d+|mmcblk\d+(p|boot)\d+"
)
"""Devices that are no disks, parts of disks, and such as only exist to be mounted."""

_MOST_DISKS: Final = 128
_STEP_BACK_SECONDS: Final = 3.0
"""So far the kernel takes CPU time back, mostly such as nothing was done in."""

_BUSY_WRAPS: Final = 2.0**32
"""The milliseconds in which a disk was busy are counted in 32 bits: 50 days."""


class Disk(NamedTuple):
    """What one disk did so far; bytes, operations and seconds."""

    read_bytes: float
    written_bytes: float
    reads: float
    writes: float
    busy_seconds: float


class Counters:
    """Reads them again and again; none of them ever falls. A value that is not known is left out.

    Each method raises OSError or ValueError where its source cannot be read.
    """

    def __init__(self) -> None:
        self._rising = Rising()

    def read_cpu(self) -> Mapping[str, float]:
        """Return the seconds of all CPUs, by mode. Those of virtual machines are in `user`."""
        times = psutil.cpu_times()
        return {
            mode: self._rising.follow(("cpu", mode), seconds, slack=_STEP_BACK_SECONDS)
            for mode in c.MODES
            if (seconds := getattr(times, mode, None)) is not None
        }

    def read_pressure(self) -> Mapping[tuple[str, str], float]:
        """Return the seconds of waiting, by resource and kind; nothing where PSI is off."""
        found = {}
        for resource in c.RESOURCES:
            try:
                text = (_PRESSURE / resource).read_text(encoding="ascii")
            except OSError:  # this kernel does not measure it, or was told not to
                continue
            for line in text.splitlines():
                kind, _, rest = line.partition(" ")
                # Of the CPU, the machine as a whole has no "full": the line is always 0.
                if kind in c.PRESSURE_KINDS and (resource, kind) != ("cpu", "full"):
                    micros = float(rest.rpartition("total=")[2])
                    key = (resource, kind)
                    found[key] = self._rising.follow(("pressure", key), micros / 1e6)
        return found

    def read_disks(self) -> Mapping[str, Disk]:
        """Return what each disk did, by its name; parts of disks are left out."""
        found: dict[str, Disk] = {}
        counted = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        for device, io in sorted(counted.items()):
            label = clean_label(device, 64)
            if _NO_DISK.fullmatch(device) or label in found or len(found) == _MOST_DISKS:
                continue
            follow, name = self._rising.follow, ("disk", device)
            busy = follow((name, "busy"), getattr(io, "busy_time", 0), wraps_at=_BUSY_WRAPS)
            found[label] = Disk(
                follow((name, "read bytes"), io.read_bytes),
                follow((name, "written bytes"), io.write_bytes),
                follow((name, "reads"), io.read_count),
                follow((name, "writes"), io.write_count),
                busy / 1000,
            )
        return found


def read_cpus() -> int | None:
    """Return how many CPUs are on."""
    return psutil.cpu_count()


def read_load() -> float:
    """Return the load of the last minute."""
    return psutil.getloadavg()[0]


def read_memory() -> Iterator[tuple[str, float]]:
    """Yield the bytes of memory, by kind; those that the system knows."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    for kind in c.MEMORY_KINDS:
        source, name = (swap, kind[5:]) if kind.startswith("swap_") else (memory, kind)
        value = getattr(source, name, None)
        if value is not None:
            yield kind, float(value)
