"""The process in the foreground of a local pane: is the shell at its prompt or running a script?

tmux names the foreground command, but ``bash`` may be an interactive shell or
``bash deploy.sh``, and ``node`` may be an agent. The kernel knows which process group
has the terminal, and its arguments.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePath

from panewatch.panes.proc import read_proc

_TERMINAL_GROUP = 5
"""Field of ``/proc/PID/stat``, counted behind the command: the foreground process group."""

_TAKES_A_WORD = {"--rcfile", "--init-file", "--init-command", "-O", "+O", "-o", "+o", "-C"}
"""Options of shells whose next word is no script."""

_INTERPRETERS = ("node", "python", "bun", "deno", "ruby", "perl")


@dataclass(frozen=True, slots=True)
class Foreground:
    """What the arguments of the foreground process tell.

    ``names`` are the names that the program may be known by: its own, and its
    script's where an interpreter runs it. ``runs_script`` tells of a shell, or another
    interpreter, that it was given a script or a command instead of a terminal's input.
    ``words`` are the arguments behind its name. ``at_terminal`` tells that it reads from one,
    as far as can be seen.
    """

    names: frozenset[str]
    runs_script: bool
    words: tuple[str, ...] = ()
    at_terminal: bool = True


def find_group(pane_pid: int) -> int | None:
    """Return the process group in the foreground of the terminal that ``pane_pid`` runs on."""
    stat = read_proc(f"/proc/{pane_pid}/stat") or b""
    fields = stat.rpartition(b")")[2].split()
    return int(fields[_TERMINAL_GROUP]) if len(fields) > _TERMINAL_GROUP else None


def inspect(pane_pid: int) -> Foreground | None:
    """Look at the foreground process of the terminal that ``pane_pid`` runs on.

    Returns:
        None where the system does not tell (no ``/proc``, the process is gone).
    """
    group = find_group(pane_pid)
    raw = read_proc(f"/proc/{group}/cmdline")
    if raw is None:
        return None
    # Who sets its own title leaves the room behind it empty: `npm run dev`.
    told = read_arguments(raw.decode(errors="replace").rstrip("\0").split("\0"))
    if _reads_terminal(group):
        return told
    return replace(told, runs_script=True, at_terminal=False)


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
    return Foreground(frozenset(names), script is not None or command, words)
