"""What one reading tells of the machine. A value that is not known is None or left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from panewatch.machine.host.counters import Disk


@dataclass(frozen=True, slots=True)
class Filesystem:
    """One filesystem; bytes.

    Attributes:
        mountpoint: As a label value.
        readonly: Whether it can only be read.
        failed: Whether it did not answer in time, or with an error.
        size: All of it.
        available: What any user can still fill.
        days_until_full: If it grows on as it does.
    """

    mountpoint: str
    readonly: bool
    failed: bool
    size: float | None = None
    available: float | None = None
    days_until_full: float | None = None


@dataclass
class Reading:
    """The machine at one time.

    Attributes:
        cpu: Seconds by mode.
        cpus: How many are on.
        load: Of the last minute.
        memory: Bytes by kind.
        pressure: Seconds by resource and kind.
        disks: What each did, by name.
        filesystems: Those that are shown.
        filesystems_dropped: How many are not; None where the table cannot be read.
    """

    cpu: Mapping[str, float] = field(default_factory=dict)
    cpus: int | None = None
    load: float | None = None
    memory: Mapping[str, float] = field(default_factory=dict)
    pressure: Mapping[tuple[str, str], float] = field(default_factory=dict)
    disks: Mapping[str, Disk] = field(default_factory=dict)
    filesystems: tuple[Filesystem, ...] = ()
    filesystems_dropped: int | None = None
