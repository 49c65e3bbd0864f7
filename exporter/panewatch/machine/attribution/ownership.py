"""Which pane a process belongs to, found from the process upwards: few are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from panewatch.panes.accounts import PaneView
from panewatch.panes.census import Process, read_process
from panewatch.panes.containers import find_container
from panewatch.panes.model import Identity

_FIRST_NAMESPACE: Final = 0xEFFFFFFC
"""The number of the machine's first process namespace, the same in every kernel."""

_DEVICES: Final = ("nvidia", "dxg")
_MOST_FILES: Final = 1000
_DEEPEST: Final = 200
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def is_first_namespace() -> bool:
    """Tell whether pids here are those that the driver counts."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino == _FIRST_NAMESPACE  # noqa: PTH116
    except OSError:
        return False


class Ownership:
    """The panes at one moment, by their processes.

    Args:
        panes: Panes whose processes run on this machine.
        first: Whether pids here are those that the driver counts. Where they are not, the
            number may be that of somebody else, and counts only for one that has a GPU open.
        known_at: When the driver had told of processes, in seconds since the machine's start. One
            that began later has the number of another one.
    """

    def __init__(self, panes: Iterable[PaneView], *, first: bool, known_at: float) -> None:
        self._first = first
        self._known_at = known_at * _TICKS
        self._roots: dict[int, Identity] = {}
        self._strays: dict[tuple[int, bytes], Identity] = {}
        for view in panes:
            if view.pid is not None:
                self._roots[view.pid] = view.identity
                self._strays |= dict.fromkeys(view.strays, view.identity)
        self._known: dict[int, Identity | str] = {}

    def find(self, pid: int) -> Identity | str:
        """Return the pane of a process on a GPU, or the contract's reason why it has none."""
        known = self._known.get(pid)
        if known is None:
            known = self._known[pid] = self._find(pid)
        return known

    def _find(self, pid: int) -> Identity | str:
        process = read_process(pid)
        if process is None or int(process.start) > self._known_at:
            return "unseen"
        if not self._first and not has_gpu_open(pid):
            return "unseen"
        return self._climb(pid, process) or ("container" if find_container(pid) else "other")

    def _climb(self, pid: int, process: Process | None) -> Identity | None:
        for _ in range(_DEEPEST):
            if process is None:
                break
            pane = self._roots.get(pid) or self._strays.get((pid, process.start))
            if pane is not None:
                return pane
            if process.is_tmux_server:
                return None  # what is below it is in panes of its own
            pid = process.parent
            process = read_process(pid) if pid > 1 else None
        return None


def has_gpu_open(pid: int) -> bool:
    """Tell whether a process has a GPU's device open, as far as its files can be seen."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208  # names are all that is wanted
    except OSError:
        return False
    for name in names[:_MOST_FILES]:
        try:
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115  # a Path would hide its words
        except OSError:
            continue
        if PurePath(target).name.startswith(_DEVICES):
            return True
    return False
