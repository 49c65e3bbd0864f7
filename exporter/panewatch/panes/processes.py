"""The process trees of panes: CPU, memory, storage bytes, count, and how one ended.

Read from ``/proc`` directly: a general library asks more of each process than is
needed here, several times over, for every process of the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from panewatch.panes.census import Census, Table
from panewatch.panes.containers import Container
from panewatch.panes.proc import read_proc

# Fields of /proc/PID/stat behind the command's name, see proc(5).
_STATE, _EXIT_CODE = 0, -1

_READ, _WRITTEN = 9, 11
"""Words of /proc/PID/io: the values of read_bytes and write_bytes."""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a pane's processes use together.

    ``cpu_seconds``, ``read_bytes`` and ``written_bytes`` include ended children that
    a living process has waited for, so they do not fall when a child ends. Bytes are
    None where the kernel does not let us see them. ``processes`` counts living ones,
    ``blocked`` those of them in uninterruptible sleep. ``strays`` are those that left the tree,
    each with its start, ``containers`` those that some of the processes are in.
    """

    cpu_seconds: float
    memory_bytes: int
    read_bytes: int | None
    written_bytes: int | None
    processes: int
    blocked: int = 0
    strays: tuple[tuple[int, bytes], ...] = ()
    containers: tuple[Container, ...] = ()


class Sums(NamedTuple):
    """What processes use together; ``ticks`` are the kernel's clock ticks of CPU time.

    ``storage`` are the bytes read and written, None where the kernel shows those of none.
    """

    ticks: int
    memory: int
    storage: tuple[int, int] | None
    processes: int
    blocked: int

    def tell(self) -> Usage:
        """Return the same in seconds and bytes."""
        read, written = self.storage or (None, None)
        return Usage(self.ticks / _TICKS, self.memory, read, written, self.processes, self.blocked)


class Ascent:
    """Follows a sum of what processes used so far. What it gives never falls.

    Processes are read one after the other: a child that ends meanwhile may be in neither its own
    number nor, yet, in its parent's. So what falls is believed when it is seen twice. To begin
    again from the lower one at once would count all that the child has used a second time.
    """

    __slots__ = ("_fallen", "_high", "_total")

    def __init__(self) -> None:
        self._high = self._total = 0
        self._fallen: int | None = None

    def follow(self, used: int) -> int:
        """Take in the sum as it is now; return what was used up to now."""
        before, self._fallen = self._fallen, None
        if used >= self._high:
            self._total += used - self._high
        elif before is None:
            self._fallen = used
            return self._total
        else:
            self._total += max(0, used - before)
        self._high = used
        return self._total


def measure_trees(roots: Iterable[int]) -> dict[int, Usage]:
    """Measure the process tree below each of ``roots``; those that ended are left out."""
    table = Census().read()
    usages: dict[int, Usage] = {}
    for root in roots:
        if root in table.processes:
            sums = add_up(list_tree(root, table), table)
            if sums.processes:
                usages[root] = sums.tell()
    return usages


def read_exit(pid: int) -> tuple[int | None, int | None]:
    """Return exit status and signal of a process that ended and was not waited for.

    tmux 3.3a now and then forgets to ask how a pane's command ended until another one
    ends; the kernel knows. Both are None where it does not tell.
    """
    fields = (read_proc(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()
    if not fields or fields[_STATE] != b"Z":
        return None, None
    code = os.waitstatus_to_exitcode(int(fields[_EXIT_CODE]))
    return (code, None) if code >= 0 else (None, -code)


def list_tree(root: int, table: Table) -> list[int]:
    """Return the pids of a process and of all below it, but for tmux servers and their panes.

    A server leaves the tree that it was begun in, but where one of that tree adopts what does.
    """
    found, seen = [root], {root}
    for pid in found:  # which grows
        # A pid that was used again while we read must not be below itself.
        below = [
            child
            for child in table.children.get(pid, ())
            if child not in seen and not table.processes[child].is_tmux_server
        ]
        seen.update(below)
        found += below
    return found


def add_up(pids: Iterable[int], table: Table) -> Sums:
    """Sum what processes of the table use, and what their ended children have used."""
    ticks, memory, read, written, count, blocked = 0, 0, 0, 0, 0, 0
    visible = False
    for pid in pids:
        process = table.processes[pid]
        ticks += process.ticks
        if process.ended:
            continue
        count += 1
        blocked += process.blocked
        memory += process.read_resident(pid)
        storage = _read_storage(pid)
        if storage is not None:
            read, written, visible = read + storage[0], written + storage[1], True
    return Sums(ticks, memory, (read, written) if visible else None, count, blocked)


def _read_storage(pid: int) -> tuple[int, int] | None:
    """Return the bytes that a process fetched from and sent to storage."""
    words = (read_proc(f"/proc/{pid}/io") or b"").split()
    if len(words) <= _WRITTEN:
        return None
    return int(words[_READ]), int(words[_WRITTEN])
