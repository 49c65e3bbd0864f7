"""What the pane sweep sees and hands on: keys, frames, lines, updates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from prometheus_client import Metric


class PaneKey(NamedTuple):
    """A pane for as long as it lives: pane ids restart with their server."""

    server_pid: int
    server_start: int
    pane_id: str


class Identity(NamedTuple):
    """The labels of a pane, in this order."""

    server: str
    session: str
    window: str
    pane: str


class Line(NamedTuple):
    """One line of text that was not there before.

    ``text`` holds no control characters and is cut at the configured length.
    ``continued`` marks a line that was handed on before it was complete and is
    handed on again with its rest: it counts once. ``redrawn`` marks text that a
    program drew over its own screen instead of printing below it.
    """

    text: str
    continued: bool = False
    redrawn: bool = False


class Frame(NamedTuple):
    """What one pane shows now: its screen, top to bottom, wrapped lines joined.

    ``cursor_line`` is the index into ``lines`` of the line that the cursor is on,
    the last line where the cursor's place is not known.
    """

    lines: Sequence[str]
    cursor_line: int
    alternate: bool


class Tasks(NamedTuple):
    """The task list that an agent shows, counted."""

    pending: int
    in_progress: int
    done: int


class Screen(NamedTuple):
    """What a program's screen tells of it.

    ``state`` is ``unknown`` where the screen does not tell for sure. ``kind`` is what a person
    is waited for with, empty unless the state is ``waiting_input``. ``program`` is the id of
    the pack that knew the screen, ``agent`` the coding agent's name where it is one. ``jobs``
    counts background jobs and sub-agents; None, like ``tasks``, where none are shown.
    """

    state: Literal["working", "waiting_input", "idle", "unknown"] = "unknown"
    kind: Literal["", "permission", "question", "password", "confirm", "pager"] = ""
    program: str = ""
    agent: str = ""
    jobs: int | None = None
    tasks: Tasks | None = None


class EndedCommand(NamedTuple):
    """A command of a pane's shell that ended.

    ``name`` is the program's name, ``line`` the command line, empty where it is not known.
    ``started`` is Unix time. ``status`` is the exit status as the shell tells it (128 and the
    number for a signal), None where it is not known. ``exact`` tells that the shell reported
    it; otherwise it was seen in the process tree, and its times are as fine as the looks.
    """

    name: str
    line: str
    started: float
    seconds: float
    status: int | None
    exact: bool


class PaneUpdate(NamedTuple):
    """One look at one pane, as observers get it.

    ``gap`` tells that text was lost since the last look: before, between or after the
    ``lines`` of this one. ``ended`` are the commands that ended since the last look; what
    they printed is in the lines up to this one. ``restarted`` tells that the pane's command is
    another than at the last look, as after ``respawn-pane``.
    """

    key: PaneKey
    identity: Identity
    frame: Frame
    lines: Sequence[Line]
    gap: bool
    command: str
    state: str
    monotonic: float
    """Seconds on the monotonic clock at the moment of the look."""
    screen: Screen = Screen()
    ended: Sequence[EndedCommand] = ()
    restarted: bool = False


class PaneObserver(Protocol):
    """Something that learns from panes: it is fed by one thread only.

    What it raises costs nothing but its own part of that call. One that has a
    ``reconfigure(config)`` gets another configuration by it, in the same thread, and one that
    is a :class:`Follower` is told where panes moved to.
    """

    name: ClassVar[str]
    """What it is called in the log."""

    def observe(self, update: PaneUpdate) -> None:
        """Take in one look."""

    def forget(self, pane: PaneKey) -> None:
        """Drop everything known about a pane that is gone."""

    def collect(self) -> Iterable[Metric]:
        """Yield metric families built from what is known now."""


@runtime_checkable
class Follower(Protocol):
    """An observer that keeps the places of panes, and follows them there at once."""

    def move(self, places: Mapping[PaneKey, Identity]) -> None:
        """Note that these panes stand in other places now, all at the same moment.

        Comes before the next look at any pane, and after panes that are gone were forgotten.
        There may be panes among them that were not looked at yet.
        """
