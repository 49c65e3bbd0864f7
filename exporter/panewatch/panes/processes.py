"""The process trees of panes: CPU, memory, storage bytes, count."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a pane's processes use together.

    ``cpu_seconds``, ``read_bytes`` and ``written_bytes`` include ended children that
    a living process has waited for, so they do not fall when a child ends. Bytes are
    None where the kernel does not let us see them. ``processes`` counts living ones.
    """

    cpu_seconds: float
    memory_bytes: int
    read_bytes: int | None
    written_bytes: int | None
    processes: int


def measure_trees(roots: Iterable[int]) -> dict[int, Usage]:
    """Measure the process tree below each of ``roots``; those that are gone are left out."""
    children: dict[int, list[psutil.Process]] = defaultdict(list)
    known: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(*_GONE):
            children[process.ppid()].append(process)
            known[process.pid] = process
    usages: dict[int, Usage] = {}
    for root in roots:
        if root in known:
            usage = _sum_tree(known[root], children)
            if usage.processes:
                usages[root] = usage
    return usages


def read_exit(pid: int) -> tuple[int | None, int | None]:
    """Return exit status and signal of a process that ended and was not waited for.

    tmux 3.3a now and then forgets to ask how a pane's command ended until another one
    ends; the kernel knows. Both are None where it does not tell.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        code = os.waitstatus_to_exitcode(int(fields[-1])) if fields[0] == b"Z" else None
    except (OSError, ValueError, IndexError):
        return None, None
    if code is None:
        return None, None
    return (code, None) if code >= 0 else (None, -code)


def _sum_tree(root: psutil.Process, children: dict[int, list[psutil.Process]]) -> Usage:
    cpu, memory, read, written, count = 0.0, 0, 0, 0, 0
    visible = False
    stack, seen = [root], {root.pid}
    while stack:
        process = stack.pop()
        below = [child for child in children.get(process.pid, ()) if child.pid not in seen]
        seen.update(child.pid for child in below)
        stack.extend(below)
        with contextlib.suppress(*_GONE), process.oneshot():
            times = process.cpu_times()
            cpu += times.user + times.system + times.children_user + times.children_system
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            count += 1
            memory += process.memory_info().rss
            io = process.io_counters()
            read, written, visible = read + io.read_bytes, written + io.write_bytes, True
    return Usage(cpu, memory, read if visible else None, written if visible else None, count)
