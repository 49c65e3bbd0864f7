"""The process in the foreground of a local pane: is the shell at its prompt or running a script?

tmux names the foreground command, but ``bash`` may be an interactive shell or
``bash deploy.sh``, and ``node`` may be an agent. The kernel knows which process group
has the terminal, and its arguments.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePath

from panewatch.panes.proc import read_proc

_TERMINAL_GROUP = 5
"""Field of ``/proc/PID/stat``, counted behind the command: the foreground process group."""

_TAKES_A_WORD = {"--rcfile", "--init-file", "--init-command", "-O", "+O", "-o", "+o", "-C"}
"""Options of shells whose next word is no script."""

_INTERPRETERS = ("node", "python", "bun", "deno", "ruby", "perl")

_STARTERS = {"npm", "npx", "pnpm", "pnpx", "yarn", "bunx", "uv", "uvx", "pipx", "poetry", "pdm",
             "pipenv", "env", "time", "nice", "nohup", "timeout", "mise", "direnv"}  # fmt: skip
"""Programs that run another one, which their first words name."""

_LIBRARIES = ("node_modules", "site-packages")

_TICKS = os.sysconf("SC_CLK_TCK")
_MOST_MEMBERS = 16
_LONGEST = 512
_PART = re.compile(r"[A-Za-z0-9]+")
_PARENT, _GROUP, _CPU_TIMES = 1, 2, slice(11, 13)
"""Fields of ``/proc/PID/stat``, counted behind the command."""


@dataclass(frozen=True, slots=True)
class Foreground:
    """What the arguments of the foreground process tell.

    ``names`` are the names that the program may be known by: its own, and its
    script's where an interpreter runs it. ``runs_script`` tells of a shell, or another
    interpreter, that it was given a script or a command instead of a terminal's input.
    ``words`` are the arguments behind its name. ``at_terminal`` tells that it reads from one,
    as far as can be seen. ``hints`` are the names that it or what it runs may have: its own,
    and parts of its script's path. ``members`` are those of the other processes that share
    the terminal with it, None where they cannot be seen.
    """

    names: frozenset[str]
    runs_script: bool
    words: tuple[str, ...] = ()
    at_terminal: bool = True
    hints: frozenset[str] = frozenset()
    members: frozenset[str] | None = frozenset()
    signs: tuple[object, ...] = field(default=(), compare=False, repr=False)
    """What was found of it with little work: where it stays the same, so does mostly the rest."""


def find_group(pane_pid: int) -> int | None:
    """Return the process group in the foreground of the terminal that ``pane_pid`` runs on."""
    fields = _read_stat(pane_pid)
    return int(fields[_TERMINAL_GROUP]) if len(fields) > _TERMINAL_GROUP else None


def measure_foreground(pane_pid: int) -> float | None:
    """Return the CPU seconds of the process that leads the foreground; None if it is unseen."""
    group = find_group(pane_pid)
    fields = [] if group is None else _read_stat(group)
    return sum(map(int, fields[_CPU_TIMES])) / _TICKS if len(fields) > _CPU_TIMES.stop else None


def inspect(pane_pid: int, before: Foreground | None = None) -> Foreground | None:
    """Look at the foreground process of the terminal that ``pane_pid`` runs on.

    Args:
        pane_pid: The process that the pane was begun with.
        before: What was found last. Where the same process, with the same arguments, has the
            same children, that very object is returned. What children became since they
            were begun, and what they began, is not seen then.

    Returns:
        None where the system does not tell (no ``/proc``, the process is gone).
    """
    group = find_group(pane_pid)
    raw = read_proc(f"/proc/{group}/cmdline")
    if raw is None:
        return None
    signs = (group, raw, read_proc(f"/proc/{group}/task/{group}/children"))
    if before is not None and before.signs == signs:
        return before
    return replace(_inspect(group, raw, pane_pid), signs=signs)


def _inspect(group: int | None, raw: bytes, pane_pid: int) -> Foreground:
    # Who sets its own title leaves the room behind it empty: `npm run dev`.
    told = read_arguments(raw.decode(errors="replace").rstrip("\0").split("\0"))
    if group is not None and (told.runs_script or not _is_shell(told)):
        members = _find_members(group, pane_pid)
        if members != told.members:
            told = replace(told, members=members)
    if _reads_terminal(group):
        return told
    return replace(told, runs_script=True, at_terminal=False)


def _read_stat(pid: int) -> list[bytes]:
    return (read_proc(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()


def _is_shell(told: Foreground) -> bool:
    return any(name.endswith("sh") for name in told.names)


def _find_members(group: int, pane_pid: int) -> frozenset[str] | None:
    """Return the names of the processes that share the terminal with the leader of a group.

    They are below the leader, or beside it in a pipeline.
    """
    below = _read_children(group)
    if below is None:
        return None
    pids = below
    if group != pane_pid and len(fields := _read_stat(group)) > _PARENT:
        pids = pids + (_read_children(int(fields[_PARENT])) or [])
    names: set[str] = set()
    for seen, pid in enumerate(pids):  # which grows
        if seen >= _MOST_MEMBERS:
            break
        fields = [] if pid == group else _read_stat(pid)
        if len(fields) > _GROUP and int(fields[_GROUP]) == group:
            raw = read_proc(f"/proc/{pid}/cmdline") or b""
            arguments = raw.decode(errors="replace").rstrip("\0").split("\0")
            names |= read_arguments(arguments).hints
            pids += _read_children(pid) or []
    return frozenset(names)


def _read_children(pid: int) -> list[int] | None:
    raw = read_proc(f"/proc/{pid}/task/{pid}/children")
    return None if raw is None else [int(word) for word in raw.split()]


def _reads_terminal(pid: int | None) -> bool:
    """Tell whether a process's standard input is a terminal; so it is taken to be if unseen."""
    try:
        # The kernel knows the name: no file system is asked.
        target = os.readlink(f"/proc/{pid}/fd/0")  # noqa: PTH115  # a Path would hide its words
    except OSError:
        return True
    name = PurePath(target.removesuffix(" (deleted)")).name
    return name.isdigit() or name.startswith(("tty", "console"))


def read_arguments(arguments: Sequence[str]) -> Foreground:
    """Tell what a command line means; the words are as the program got them."""
    return _read(tuple(arguments))


@lru_cache(maxsize=1024)
def _read(arguments: tuple[str, ...]) -> Foreground:
    name = PurePath(arguments[0].removeprefix("-")).name if arguments else ""
    script = next(
        (
            word
            for before, word in pairwise(arguments)
            if not word.startswith(("-", "+")) and before not in _TAKES_A_WORD
        ),
        None,
    )
    names = {name}
    if script is not None and name.startswith(_INTERPRETERS):
        names |= {PurePath(script).name, PurePath(script).stem}
    command = any(
        word.startswith("-") and not word.startswith("--") and "c" in word[1:]
        for word in arguments[1:]
    )
    words = arguments[1:]
    if len(arguments) == 1 and (title := name.split()):  # set by itself, as one word
        names.add(title[0])
        words = tuple(title[1:])
    hints = frozenset(names) | _find_hints(name, words)
    return Foreground(frozenset(names), script is not None or command, words, hints=hints)


def _find_hints(name: str, words: Sequence[str]) -> frozenset[str]:
    """Return parts of the path of what an interpreter runs, or of what a starter starts."""
    starts = name in _STARTERS
    if not starts and not name.startswith(_INTERPRETERS):
        return frozenset()
    plain = [word for word in words if not word.startswith("-")][: 3 if starts else 1]
    hints: set[str] = set()
    for word in plain:
        parts = word[:_LONGEST].split("/")
        library = max((n for n, part in enumerate(parts) if part in _LIBRARIES), default=-1)
        # Behind a home or a project's folder stands whose it is, not what runs.
        for part in parts[library + 1 :] if library >= 0 or starts else parts[-2:]:
            hints |= {part, *_PART.findall(part)}
    return frozenset(hints)
