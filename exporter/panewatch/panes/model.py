"""What the pane sweep sees and hands on: keys, frames, lines, updates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple, Protocol

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


class PaneUpdate(NamedTuple):
    """One look at one pane, as observers get it.

    ``gap`` tells that text was lost since the last look: before, between or after the
    ``lines`` of this one.
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


class PaneObserver(Protocol):
    """Something that learns from panes: it is fed by one thread only.

    What it raises costs nothing but its own part of that call. One that has a
    ``reconfigure(config)`` gets another configuration by it, in the same thread.
    """

    name: ClassVar[str]
    """What it is called in the log."""

    def observe(self, update: PaneUpdate) -> None:
        """Take in one look."""

    def forget(self, pane: PaneKey) -> None:
        """Drop everything known about a pane that is gone."""

    def collect(self) -> Iterable[Metric]:
        """Yield metric families built from what is known now."""
