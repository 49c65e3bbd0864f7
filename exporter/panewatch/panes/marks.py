"""What tmux marks the processes of a pane with, wherever these have gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from typing import Final, Generic, NamedTuple, TypeVar

from panewatch.panes.proc import read_proc

T = TypeVar("T")

_SIZE: Final = 256 * 1024
"""How much of an environment is looked through."""

_SERVER: Final = b"\0TMUX="
_PANE: Final = b"\0TMUX_PANE="
_LONGEST: Final = 20
"""Digits of a pid or of a pane's id."""


class Mark(NamedTuple):
    """A pane as the environment names it: its server's pid, and its id there."""

    server_pid: int
    pane_id: str


class PerProcess(Generic[T]):
    """What was found out about each process, by its pid and what tells it apart: it is asked once.

    Args:
        find: Finds it out.
        early: What it is taken to be when a process is seen for the first time. Without it
            a process is asked at once.
    """

    def __init__(self, find: Callable[[int], T], *early: T) -> None:
        self._find = find
        self._early = early
        self._known: dict[int, tuple[bytes, T, bool]] = {}

    def get(self, pid: int, sign: bytes) -> T:
        """Return what is known of a process.

        Args:
            pid: Its number.
            sign: What tells it from the next one of that number, such as its start.
        """
        known = self._known.get(pid)
        if known is None or known[0] != sign:
            asked = not self._early
            known = (sign, self._find(pid) if asked else self._early[0], asked)
        elif known[2]:
            return known[1]
        else:
            known = (sign, self._find(pid), True)
        self._known[pid] = known
        return known[1]

    def keep(self, living: Container[int]) -> None:
        """Forget all processes but these."""
        self._known = {pid: known for pid, known in self._known.items() if pid in living}


def find_mark(pid: int) -> Mark | None:
    """Return the mark of one of this user's processes; nothing else is kept of what is read.

    None where there is no mark, where the process is another user's, and where its
    environment cannot be read.
    """
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.geteuid():  # noqa: PTH116  # no path wanted
            return None
    except OSError:
        return None
    return read_mark(read_proc(f"/proc/{pid}/environ", _SIZE) or b"")


def read_mark(environment: bytes) -> Mark | None:
    """Return the mark in an environment as ``/proc`` shows one."""
    environment = b"\0" + environment
    server, pane = _find(environment, _SERVER), _find(environment, _PANE)
    # The socket's path may have commas itself.
    words = server.rsplit(b",", 2)
    if len(words) != 3 or not _is_number(words[1]):  # noqa: PLR2004  # path, pid, session
        return None
    if pane[:1] != b"%" or not _is_number(pane[1:]):
        return None
    return Mark(int(words[1]), pane.decode())


def _find(environment: bytes, name: bytes) -> bytes:
    begin = environment.find(name)
    if begin < 0:
        return b""
    begin += len(name)
    end = environment.find(b"\0", begin)
    return environment[begin : end if end >= 0 else len(environment)]


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _LONGEST
