"""Commands seen in the process tree: who holds a pane's terminal, and since when.

A shell with job control runs each pipeline in a process group of its own and lends it the
terminal. Which group has it stands in ``/proc``; when its first process began does too, to
the hundredth of a second, however late it is seen. That a group is gone shows at a look.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Collection
from typing import Final, NamedTuple

from panewatch.panes.commands.programs import name_arguments
from panewatch.panes.foreground import read_arguments
from panewatch.panes.proc import ProcFile, read_proc

# Fields of /proc/PID/stat behind the command's name, see proc(5).
_PARENT, _GROUP, _FOREGROUND, _BEGAN = 1, 2, 5, 19
_STAT_BYTES: Final = 512

_TICKS = os.sysconf("SC_CLK_TCK")
_MOST_ASIDE: Final = 16
"""Commands of a pane that are followed while another one has the terminal."""

_LONGEST: Final = 512

_EXACT_SHARE: Final = 20
"""What runs is looked at again after one part in so many of the time that it has run."""

_LONGEST_PAUSE: Final = 1.0
_SAME_SECONDS: Final = 5.0
"""How long the pane's process is believed to be the program that it was."""


class Running(NamedTuple):
    """A command that was seen: its process group, its shell, when it began in Unix time."""

    group: int
    shell: int
    name: str
    line: str
    began: float


class Gone(NamedTuple):
    """A command that is gone; it ended between ``after`` and ``before``, in Unix time."""

    command: Running
    after: float
    before: float


class ForegroundWatch:
    """Follows the foreground of one pane's terminal.

    Args:
        pid: The pane's process.
        shells: Names of shells: one of these that runs no script is at its prompt.
        names: Programs that are told by name.
        keep: Whether the pane's file under ``/proc`` stays open: reading it again costs half.
    """

    __slots__ = ("_aside", "_held", "_names", "_pid", "_seen", "_shells", "_starts",
                 "_starts_until", "_stat", "command", "due", "shell")  # fmt: skip

    def __init__(
        self, pid: int, shells: Collection[str], names: Collection[str], *, keep: bool = False
    ) -> None:
        self._pid = pid
        self._stat = ProcFile(f"/proc/{pid}/stat") if keep else None
        self._held: tuple[bytes, bytes] | None = None
        """The groups of the pane's process and in the foreground, where both are accounted for."""
        self._starts, self._starts_until = True, 0.0
        """Whether the pane's process starts commands, and until when that is believed."""
        self.due = 0.0
        """Unix time before which another look would tell hardly more."""
        self._shells = shells
        self._names = names
        self._aside: list[Running] = []
        self._seen = 0.0
        self.command: Running | None = None
        """What has the terminal; None while a shell is at its prompt."""
        self.shell: int | None = None
        """The shell that is at its prompt; None while there is none."""

    def look(self, wall: float) -> list[Gone]:
        """Look at the terminal at Unix time ``wall``, and return the commands that are gone."""
        after, self._seen = self._seen or wall, wall
        fields = self._read_fields()
        if len(fields) <= _FOREGROUND:
            return []
        held = fields[_GROUP], fields[_FOREGROUND]
        if held == self._held and not self._aside:
            self._plan(wall)
            return []
        self._held = None
        own, group = map(int, held)
        if group == own or group <= 0:
            self._put_aside()
            self.command, self.shell = None, self._pid
            self._held = held
        elif self.command is None or self.command.group != group:
            self._meet(group)
            if self.command and self.command.group != group and not _lives(self.command.group):
                self._put_aside()
        else:
            self._held = held
        self._plan(wall)
        return self._find_gone(after, wall)

    def _read_fields(self) -> list[bytes]:
        """Return what ``/proc`` says of the pane's process, up to who has the terminal."""
        if self._stat is None:
            raw = read_proc(f"/proc/{self._pid}/stat", _STAT_BYTES)
        else:
            raw = self._stat.read(_STAT_BYTES)
        return (raw or b"").rpartition(b")")[2].split(None, _FOREGROUND + 1)

    def _plan(self, wall: float) -> None:
        """Find when to look again: soon, unless something runs that has run for long."""
        pause = 0.0
        if self._held and not self._aside:
            if self.command is not None:
                pause = min(_LONGEST_PAUSE, (wall - self.command.began) / _EXACT_SHARE)
            elif not self._starts_commands(wall):
                pause = _LONGEST_PAUSE
        self.due = wall + pause

    def _starts_commands(self, wall: float) -> bool:
        """Tell whether the pane's process is a shell; a program there lends no terminal."""
        if not wall < self._starts_until <= wall + _SAME_SECONDS:
            self._starts = self._prompts(_read_arguments(self._pid))
            self._starts_until = wall + _SAME_SECONDS
        return self._starts

    def _meet(self, group: int) -> None:
        back = next((command for command in self._aside if command.group == group), None)
        if back is not None:
            self._aside.remove(back)
            self._put_aside()
            self.command, self.shell = back, None
            return
        leader = self._find_member(group)
        if leader is None:
            return
        pid, fields = leader
        arguments = _read_arguments(pid)
        if self._prompts(arguments):
            self._put_aside()
            self.command, self.shell = None, pid
            return
        parent = int(fields[_PARENT])
        # A debugger lends the terminal too, to what is no command of a shell.
        if self._prompts(_read_arguments(parent)):
            self._put_aside()
            self.shell = None
            self.command = Running(
                group, parent, name_arguments(arguments, self._names),
                shlex.join(arguments)[:_LONGEST], _find_boot() + int(fields[_BEGAN]) / _TICKS,
            )  # fmt: skip

    def _find_member(self, group: int) -> tuple[int, list[bytes]] | None:
        """Return the first process of a group that is there, with what ``/proc`` says of it."""
        fields = _read_stat(group)
        if fields is not None:
            return group, fields
        shell = self.command.shell if self.command else self.shell or self._pid
        for word in (read_proc(f"/proc/{shell}/task/{shell}/children") or b"").split():
            fields = _read_stat(int(word))
            if fields is not None and int(fields[_GROUP]) == group:
                return int(word), fields
        return None

    def _prompts(self, arguments: list[str]) -> bool:
        """Tell whether these are the arguments of a shell that takes commands from a terminal."""
        told = read_arguments(arguments)
        return not told.runs_script and not told.names.isdisjoint(self._shells)

    def _put_aside(self) -> None:
        if self.command is not None:
            self._aside = [*self._aside[1 - _MOST_ASIDE :], self.command]
            self.command = None

    def _find_gone(self, after: float, before: float) -> list[Gone]:
        gone = [command for command in self._aside if not _lives(command.group)]
        if gone:
            self._aside = [command for command in self._aside if command not in gone]
        return [Gone(command, after, before) for command in gone]


def _read_stat(pid: int) -> list[bytes] | None:
    fields = (read_proc(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()
    return fields if len(fields) > _BEGAN else None


def _read_arguments(pid: int) -> list[str]:
    """Return a process's arguments; its name alone where it has none any more."""
    raw = read_proc(f"/proc/{pid}/cmdline") or read_proc(f"/proc/{pid}/comm") or b""
    return raw.decode(errors="replace").rstrip("\0\n").split("\0")


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True


def _find_boot() -> float:
    """Return the Unix time from which the kernel counts when processes began."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
