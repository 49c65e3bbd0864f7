"""Which process wrote a file, known by more than its number: numbers are used again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

_START_FIELD: Final = 19
"""Where a process's start stands in ``/proc/PID/stat``, counted behind its name."""


class Origin(NamedTuple):
    """A process.

    ``start`` is in ticks since the machine's start. ``boot`` and ``space`` tell the start of
    the machine and the space of process numbers in which ``pid`` is one; empty where the system
    does not say.
    """

    pid: int
    start: int
    boot: str
    space: str


def read_origin() -> Origin:
    """Return this process."""
    pid = os.getpid()
    return Origin(pid, _read_start(pid) or 0, _read_boot(), _read_space())


def is_gone(origin: Origin) -> bool | None:
    """Tell whether a process has ended; None where that cannot be seen from here."""
    here = (_read_boot(), _read_space())
    if not all(here) or (origin.boot, origin.space) != here or not origin.start:
        return None
    return _read_start(origin.pid) != origin.start


def is_elsewhere(origin: Origin) -> bool:
    """Tell whether a process is one of another machine, or of before this one's last start."""
    return bool(origin.boot) and origin.boot != _read_boot()


def _read_start(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        fields = stat.rpartition(b")")[2].split()
        return None if fields[0] in {b"Z", b"X"} else int(fields[_START_FIELD])
    except (OSError, ValueError, IndexError):
        return None


def _read_boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _read_space() -> str:
    try:
        return "".join(filter(str.isdigit, str(Path("/proc/self/ns/pid").readlink())))
    except OSError:
        return ""
