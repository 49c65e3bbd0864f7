"""Every process that there is, read again and again: one that does nothing costs little.

A look opens one file for each process, and none for a thread of the kernel that it knows.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Final, NamedTuple

from panewatch.panes.proc import read_proc

# Fields of /proc/PID/stat behind the command's name, see proc(5).
_STATE, _PARENT, _FLAGS, _CPU_TIMES, _START = 0, 1, 6, slice(11, 15), 19

_ENDED: Final = (b"Z", b"X")
_BLOCKED: Final = b"D"
_KERNEL_THREAD: Final = 0x00200000
_FORKED: Final = 0x00000040
"""It was forked, and has not begun a program of its own."""

_TMUX_SERVER: Final = b"tmux: server"

_STAT_BYTES: Final = 512
"""More than what stands before any of these fields."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

_BELIEVED: Final = 12
"""For how many looks the memory of a process that does nothing is taken to be what it was.

What the kernel takes from it shows in the size that ``stat`` has. That one is too coarse to be
told, since each CPU counts some dozens of pages for itself, and so coarse is what may be missed.
"""


class Process:
    """What the kernel told of one process.

    ``start`` is in clock ticks after the machine's and tells it from another one that has its
    number later. ``ticks`` are clock ticks of CPU time, with those of ended children that it
    has waited for. ``blocked`` is whether it is in uninterruptible sleep.

    Args:
        raw: The beginning of its ``stat``.

    Raises:
        ValueError: That is something else.
    """

    __slots__ = (
        "_flags", "_raw", "_resident", "_sign",
        "blocked", "ended", "kernel", "parent", "start", "ticks",
    )  # fmt: skip

    def __init__(self, raw: bytes) -> None:
        fields = raw.rpartition(b")")[2].split(None, _START + 1)
        if len(fields) <= _START:
            message = "no stat of a process"
            raise ValueError(message)
        self._raw = raw
        self._resident: int | None = None
        self._sign: bytes | None = None
        self.parent = int(fields[_PARENT])
        self.start = fields[_START]
        self.ticks = sum(map(int, fields[_CPU_TIMES]))
        self.ended = fields[_STATE] in _ENDED
        self.blocked = fields[_STATE] == _BLOCKED
        self._flags = int(fields[_FLAGS])
        self.kernel = bool(self._flags & _KERNEL_THREAD)

    @property
    def name(self) -> bytes:
        """The name of its command, as the kernel cuts it."""
        return self._raw.rpartition(b")")[0].partition(b"(")[2]

    @property
    def is_tmux_server(self) -> bool:
        """Whether it is a tmux server, or was forked by one and has no program of its own yet."""
        return self.name.startswith(_TMUX_SERVER)

    @property
    def sign(self) -> bytes:
        """What tells it from any other process, and from what it ran before, mostly."""
        if self._sign is None:
            self._sign = b"%b %b %d" % (self.start, self.name, self._flags & _FORKED)
        return self._sign

    def stands(self, raw: bytes) -> bool:
        """Tell whether this tells the same: no tick of CPU time, no page, no other state."""
        return raw == self._raw

    def read_resident(self, pid: int) -> int:
        """Return the bytes that it has in memory."""
        if self._resident is None:
            fields = (read_proc(f"/proc/{pid}/statm") or b"").split()
            self._resident = int(fields[1]) * _PAGE if fields else 0
        return self._resident

    def doubt(self) -> None:
        """Have its memory read again when it is asked for."""
        self._resident = None


class Table(NamedTuple):
    """Every process by its pid, and the children of each."""

    processes: dict[int, Process]
    children: dict[int, list[int]]


def read_process(pid: int | str) -> Process | None:
    """Return what the kernel tells of a process, None where it is gone or cannot be seen."""
    raw = read_proc(f"/proc/{pid}/stat", _STAT_BYTES)
    return Process(raw) if raw else None


class Census:
    """Looks at every process that can be seen, and remembers the last look."""

    def __init__(self) -> None:
        self._known: dict[int, Process] = {}
        self._kernel: dict[int, int] = {}
        """The threads of the kernel, by the inodes that they have under ``/proc``."""
        self._looks = 0

    def read(self) -> Table:
        """Return how the processes are now.

        A process object is the same one as before where the process did nothing since.
        """
        self._looks += 1
        before, kernel = self._known, self._kernel
        self._known, self._kernel = {}, {}
        children: dict[int, list[int]] = defaultdict(list)
        with os.scandir("/proc") as entries:
            for entry in entries:
                if not entry.name.isdigit():
                    continue
                pid, inode = int(entry.name), entry.inode()
                known = before.get(pid)
                # The next process of that number has another inode. Theirs change for no
                # other reason but that the kernel needs the room, and cost a look then.
                if known is None or not known.kernel or kernel.get(pid) != inode:
                    known = self._look(pid, known)
                    if known is None:
                        continue
                if known.kernel:
                    self._kernel[pid] = inode
                self._known[pid] = known
                children[known.parent].append(pid)
        return Table(self._known, children)

    def _look(self, pid: int, known: Process | None) -> Process | None:
        raw = read_proc(f"/proc/{pid}/stat", _STAT_BYTES)
        if not raw:
            return None
        if known is None or not known.stands(raw):
            return Process(raw)
        # Not of all at once.
        if (pid + self._looks) % _BELIEVED == 0:
            known.doubt()
        return known
