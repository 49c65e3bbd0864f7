"""The commands of one pane, from its shells' records and from the process tree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from panewatch.panes.commands.journal import Journal
from panewatch.panes.commands.programs import OTHER, find_program, label
from panewatch.panes.commands.records import Began, Ended, Hello, Record
from panewatch.panes.commands.sampled import ForegroundWatch, Gone, Running
from panewatch.panes.model import EndedCommand
from panewatch.panes.proc import read_proc

_STOPPED: Final = 148
"""What shells show for a command that Ctrl-Z stopped: 128 and SIGTSTP. It has not ended."""

_LONGEST_SECONDS: Final = 400 * 86400.0
_MOST_SHELLS: Final = 32
_PATIENCE: Final = 10
"""Looks at the file of a shell whose command is gone, until it is seen to have written."""


_MOST_PAUSE: Final = 5.0


class Activity(NamedTuple):
    """What is known of a pane's commands after a look.

    ``ended`` are those that ended since the look before, ``started`` is since when one runs
    (Unix time), None at a prompt. ``repeats`` is how often the last command line was run in a
    row, None before the first. ``reports`` tells that a shell of the pane reports how its
    commands end.
    """

    ended: Sequence[EndedCommand] = ()
    started: float | None = None
    repeats: int | None = None
    reports: bool = False


class PaneCommands:
    """Follows one pane.

    Args:
        foreground: Its terminal.
        journal: Where its shells report; None if that cannot be known.
        fresh: Whether the pane appeared under our eyes: then all that its shells have
            written is news.
        since: Unix time before which nothing of the pane can have ended.
        names: Programs that are told by name.
    """

    __slots__ = (
        "_at",
        "_expected",
        "_fresh",
        "_journal",
        "_last",
        "_names",
        "_open",
        "_repeats",
        "_reporting",
        "_seen",
        "_since",
        "_told",
        "foreground",
    )

    def __init__(
        self,
        foreground: ForegroundWatch,
        journal: Journal | None,
        *,
        fresh: bool,
        since: float,
        names: Collection[str],
    ) -> None:
        self.foreground = foreground
        self._journal = journal
        self._fresh = fresh
        self._since = since
        self._names = names
        self._reporting: dict[int, bytes | None] = {}
        """The shells that report, by process, with the arguments by which they are known."""
        self._open: dict[int, float] = {}
        """When the line began that a reporting shell runs."""
        self._seen: dict[int, str] = {}
        """The program that a reporting shell was seen to run since its last report."""
        self._expected = 0
        self._last: str | None = None
        self._repeats: int | None = None
        self._told: Activity | None = None
        """What was told last, if nothing had ended."""
        self._at: tuple[Running | None, int | None] = None, None
        """What had the terminal then."""

    def look(self, wall: float, *, listed: bool) -> Activity:
        """Look at Unix time ``wall``; ``listed`` asks for the shells' reports in any case.

        Returns:
            What is known; the very object of the last look where nothing is new.
        """
        foreground = self.foreground
        # A clock that was set back must not keep us from looking.
        early = wall < foreground.due <= wall + _MOST_PAUSE
        if early and not listed and not self._expected and self._told is not None:
            return self._told
        gone = foreground.look(wall)
        # The file comes second: a shell says that it reports before it runs anything.
        records: Sequence[Record] = ()
        if self._journal is not None and (listed or gone or self._expected):
            records = self._journal.read()
            self._expected -= self._expected > 0
        ended = [end for record in records if (end := self._take(record, wall)) is not None]
        if listed:
            self._fresh = True
        at = foreground.command, foreground.shell
        if not records and not gone and self._told is not None and at == self._at:
            return self._told
        ended += [end for each in gone if (end := self._judge(each)) is not None]
        ended.sort(key=lambda command: command.started + command.seconds)
        for command in ended:
            self._count_repeats(command.line)
        told = Activity(tuple(ended), self._find_start(), self._repeats, bool(self._reporting))
        self._told, self._at = (None if ended else told), at
        return told

    def _take(self, record: Record, wall: float) -> EndedCommand | None:
        shell = record.shell
        if shell not in self._reporting or isinstance(record, Hello):
            self._note(shell)
        self._open.pop(shell, None)
        if isinstance(record, Hello):
            return None
        written = self._journal.written if self._journal else None
        at = min(wall, record.at or written or wall)
        if isinstance(record, Began):
            if not record.line.startswith("exec "):
                self._open[shell] = at
            return None
        self._expected = 0
        return self._end(record, at, self._seen.pop(shell, ""))

    def _end(self, record: Ended, at: float, seen: str) -> EndedCommand | None:
        old = not self._fresh or at < self._since or record.seconds > _LONGEST_SECONDS
        if old or record.status == _STOPPED:
            return None
        name = find_program(record.line, self._names)
        # An alias or a function goes by what it ran.
        if seen and label(name, self._names) == OTHER:
            name = seen
        started = at - record.seconds
        return EndedCommand(name, record.line, started, record.seconds, record.status, exact=True)

    def _note(self, shell: int) -> None:
        while len(self._reporting) >= _MOST_SHELLS:
            oldest = next(iter(self._reporting))
            for known in (self._reporting, self._open, self._seen):
                known.pop(oldest, None)
        self._reporting[shell] = read_proc(f"/proc/{shell}/cmdline")

    def _judge(self, gone: Gone) -> EndedCommand | None:
        command = gone.command
        if self._reports(command.shell):
            if label(command.name, self._names) != OTHER:
                self._seen[command.shell] = command.name
            self._expected = _PATIENCE
            return None
        # It was there at the look before and is not now: it ended in the middle, about.
        ended = max(command.began, (gone.after + gone.before) / 2)
        return EndedCommand(
            command.name, command.line, command.began, ended - command.began, None, exact=False
        )

    def _reports(self, shell: int) -> bool:
        """Tell whether a shell reports, and is not another one by now (``exec bash``)."""
        known = self._reporting.get(shell)
        return known is not None and read_proc(f"/proc/{shell}/cmdline") in {known, None}

    def _count_repeats(self, line: str) -> None:
        text = " ".join(line.split())
        same = bool(text) and text == self._last and self._repeats is not None
        self._repeats = (self._repeats or 0) + 1 if same else 1
        self._last = text

    def _find_start(self) -> float | None:
        command = self.foreground.command
        if command is None:
            return self._open.get(self.foreground.shell or 0)
        return self._open.get(command.shell, command.began)
