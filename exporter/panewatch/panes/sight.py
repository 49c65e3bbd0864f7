"""What a pane's screen says, kept steady: redraws flicker, prompts stand still."""

from __future__ import annotations

from typing import Protocol

import structlog

from panewatch.panes.model import Frame, Screen
from panewatch.panes.observers import find_place
from panewatch.panes.state import Program

_STILL = 0.8
"""Seconds for which a prompt has to stand before somebody is waited for: till the next look
of those that are a second apart."""

_HELD = 10.0
_STREAMING = 3.0
"""Agents hide their spinner for seconds while they print: so long it is believed to be
there, if the pane last changed no longer ago than the second."""

_STILL_LINES = 3.0
"""The same where the cursor stands at the begin of an empty line, as it does behind most
output: few prompts leave it there, and such a screen changes again soon."""

_WORKING_PAUSE = 1.9
"""Seconds between two readings of the screen of an agent that works: every other look."""

_BUSY_PAUSE = 5.0
_MOST_PAUSE = 60.0
"""Seconds between two readings of a screen that goes on changing and shows no agent: twice as
many after each one."""

_NOTHING = Screen()

_log = structlog.get_logger(__name__)


class ScreenReader(Protocol):
    """What reads screens: a function of what it is given, quick enough for every look."""

    def read(self, frame: Frame, command: str, agent: str, *, plain: bool = False) -> Screen:
        """Tell what ``frame`` says of ``command``, and of ``agent`` where it is one.

        ``plain`` tells that no other agent runs there, whatever the screen looks like.
        """


class Blind:
    """Reads nothing from any screen."""

    def read(self, _frame: Frame, _command: str, _agent: str, *, plain: bool = False) -> Screen:  # noqa: ARG002
        """Return that nothing is known."""
        return _NOTHING


class Sight:
    """Follows the screen of one pane. All times are monotonic seconds.

    Screens of agents, and of those who wait for somebody, are read when they change. Any other
    matters only once it stands still; while it does not, it is read now and then, because an
    agent may run where no process tells of it.
    """

    __slots__ = ("_frame", "_pause", "_program", "_read_at", "_reader", "_screen", "_seen_at",
                 "_since", "_stale", "_worked_at", "steady")  # fmt: skip

    def __init__(self, reader: ScreenReader) -> None:
        self._reader = reader
        self.reset()

    def adopt(self, reader: ScreenReader) -> None:
        """Have the screen read by another reader, also the one that is there now."""
        if reader is not self._reader:
            self._reader, self._stale = reader, self._frame is not None

    def reset(self) -> None:
        """Forget everything: what comes is another program's screen."""
        self.steady = _NOTHING
        """What the screen says, without flicker."""
        self._screen = _NOTHING
        self._frame: Frame | None = None
        self._program: Program | None = None
        self._stale = False
        self._pause = _BUSY_PAUSE
        self._seen_at = self._read_at = self._since = self._worked_at = float("-inf")

    @property
    def since(self) -> float:
        """When the screen was first seen to say what it says."""
        return self._since

    def show(self, frame: Frame, program: Program, now: float) -> None:
        """Take in a look at the pane; ``program`` is what runs there."""
        known = self._frame
        if known is not None and known == frame and program == self._program:
            return
        self._frame, self._program = frame, program
        self._stale, self._seen_at = True, now
        screen, since = self._screen, now - self._read_at
        if screen.state == "working" and screen.agent:
            if since >= _WORKING_PAUSE:
                self._read(now)
        elif program.agent or screen.agent or screen.state == "waiting_input":
            self._read(now)
        elif since >= self._pause:
            self._pause = min(2 * self._pause, _MOST_PAUSE)
            self._read(now)

    def settle(self, program: Program, last_output: float, now: float) -> Screen:
        """Return what the screen says at ``now``, as far as it stood still.

        ``last_output`` is when the pane last changed.
        """
        if program is not self._program and program != self._program and self._frame is not None:
            self._program, self._pause = program, _BUSY_PAUSE
            self._read(now)
        elif self._stale and now - self._seen_at >= self._stands_after():
            self._read(now, since=self._seen_at)
        screen, steady = self._screen, self.steady
        if screen is steady:
            return steady
        if screen.state == "waiting_input":
            same = steady.state == screen.state and steady.kind == screen.kind
            if same or now - self._since >= _STILL:
                self.steady = screen
        elif (
            screen.state == "working"
            or steady.state != "working"
            or not (now - self._worked_at < _HELD and now - last_output < _STREAMING)
        ):
            self.steady = screen
        return self.steady

    def _stands_after(self) -> float:
        frame = self._frame
        lines = () if frame is None else frame.lines
        plain = (
            frame is not None
            and frame.cursor_line < len(lines)
            and (not lines[frame.cursor_line] and not frame.alternate)
        )
        return _STILL_LINES if plain else _STILL

    def _read(self, now: float, since: float | None = None) -> None:
        frame, program = self._frame, self._program
        if frame is None or program is None:
            return
        before = self._screen
        try:
            screen = _NOTHING
            if not program.mute:
                command = program.inner or program.command
                screen = self._reader.read(frame, command, program.agent, plain=program.plain)
        except Exception as error:  # noqa: BLE001  # one screen may cost no other pane its look
            # The message may quote the pane, so only the place is told.
            _log.error("screen not read", error=type(error).__name__, at=find_place(error))
            screen = _NOTHING
        self._stale, self._read_at = False, now
        if before.state == "working":
            self._worked_at = now
        if (screen.state, screen.kind) != (before.state, before.kind):
            self._since = now if since is None else since
        self._screen = before if screen == before else screen
