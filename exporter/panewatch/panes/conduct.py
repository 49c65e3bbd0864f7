"""What one pane does: its state, who it waits for, whether it goes round in circles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from panewatch.config import PanesSettings
from panewatch.panes.effort import Effort, Exertion
from panewatch.panes.loops import LoopWatch
from panewatch.panes.model import EndedCommand, Frame, Line, Screen
from panewatch.panes.processes import Usage
from panewatch.panes.sight import ScreenReader, Sight
from panewatch.panes.state import UNSEEN, Program, StateMachine
from panewatch.panes.waiting import Wait, Waits

_MAY_SHOW_AGENTS = {"remote", "program", "repl", "server"}
"""Kinds of program behind which an agent may run that only its screen tells of."""

_PROMPTS = {"password", "confirm"}
"""What a program asks for that does nothing until it is told."""

_NOTHING = Screen()

_REPEAT_BY_NATURE = {"editor", "pager", "monitor"}
"""Kinds of program that show the same again and again, and are no loop."""


class Conduct:
    """Follows one pane. Times are monotonic seconds, unless they are called wall.

    Args:
        settings: How panes are judged.
        reader: Reads their screens.
        waits: Counts the waits for a person that ended.
        now: The present.
        busy_since: Since when the pane's program runs, as far as that is known.
    """

    __slots__ = ("_began", "_effort", "_exertion", "_loops", "_machine", "_settings", "_shown",
                 "_sight", "_waits", "looping", "wait")  # fmt: skip

    def __init__(
        self,
        settings: PanesSettings,
        reader: ScreenReader,
        waits: Waits,
        now: float,
        busy_since: float,
    ) -> None:
        self._settings = settings
        self._began = now
        self._machine = StateMachine(settings, now, busy_since=busy_since)
        self._sight = Sight(reader)
        self._effort = Effort()
        self._exertion = Exertion()
        self._loops = LoopWatch(settings, now)
        self._waits = waits
        self._shown: Program | None = None
        """The program with the agent that only the screen tells of."""
        self.wait: Wait | None = None
        """The wait for a person that goes on."""
        self.looping = False
        """Whether the pane goes round in circles."""

    @property
    def state(self) -> str:
        """The state after the last advance."""
        return self._machine.state

    @property
    def screen(self) -> Screen:
        """What the screen says, without flicker, as of the last advance."""
        return self._sight.steady

    def name(self, program: Program) -> Program:
        """Return ``program`` with the agent that the screen shows, where no process tells it."""
        return self._shown or program

    def adopt(self, settings: PanesSettings, reader: ScreenReader) -> None:
        """Go by other settings, and have the screen read by ``reader``."""
        self._settings = self._machine.settings = self._loops.settings = settings
        self._sight.adopt(reader)

    def change_program(self) -> None:
        """Note that another program runs: what its screen shows is still to be seen."""
        self._shown = None

    def restart(self, now: float) -> None:
        """Note that the pane's command was replaced by another one."""
        self._machine.restart(now)
        self._sight.reset()
        self._shown = None

    def take_look(
        self,
        frame: Frame,
        lines: Sequence[Line],
        ended: Iterable[EndedCommand],
        program: Program,
        now: float,
    ) -> None:
        """Take in what a look showed, the new lines and the commands that ended."""
        self._sight.show(frame, program, now)
        if (
            program.kind not in _REPEAT_BY_NATURE
            and program.command not in self._settings.looping_except
        ):
            self._loops.take(lines, now)
        self._loops.take_commands(ended, now)

    def take_usage(self, usage: Usage | None, now: float) -> None:
        """Take in a measurement of the pane's processes; None where it cannot be seen."""
        self._effort.take(usage, now, self._settings.stalled_below_cpu)

    @property
    def shows_prompt(self) -> bool:
        """Whether the screen shows a prompt that any program may have left there."""
        screen = self._sight.steady
        return screen.state == "waiting_input" and not screen.agent and screen.kind in _PROMPTS

    def take_exertion(self, cpu_seconds: float | None, now: float) -> None:
        """Take in what the foreground process used, while the screen shows a prompt."""
        self._exertion.take(cpu_seconds, now)

    def lose(self, elapsed: float) -> None:
        """Note that the pane could not be read for so long: nobody knows what it does."""
        self._machine.excuse(elapsed)
        self._machine.lose()

    def advance(
        self,
        program: Program,
        *,
        dead: bool,
        last_output: float,
        elapsed: float,
        now: float,
        wall: float,
    ) -> None:
        """Find the state, ``elapsed`` seconds after the last call.

        A time that nobody saw is not the program's silence: the machine slept, or this
        process was stopped.
        """
        machine = self._machine
        if elapsed > UNSEEN:
            machine.excuse(elapsed)
        screen = self._sight.settle(program, last_output, now)
        if screen.program and program.kind in _MAY_SHOW_AGENTS:
            self._show_agent(program, screen.agent)
        if self._exertion.computes and self.shows_prompt:
            screen = _NOTHING
        machine.advance(
            self._shown or program,
            dead=dead,
            last_output=last_output,
            now=now,
            screen=screen,
            last_effort=self._effort.last,
        )
        # Agents that work draw the same anew again and again: that is no circle.
        redraws = bool(screen.agent) and screen.state == "working"
        self.looping = self._loops.judge(now) and not dead and not redraws
        kind = screen.kind if machine.state == "waiting_input" else ""
        wait = self.wait
        if kind != (wait.kind if wait else ""):
            self.end_wait(now)
            since = self._sight.since
            if since - self._began < UNSEEN:
                # It stood there when panewatch began to look, and nothing was printed since.
                since = min(since, last_output)
            self.wait = Wait(kind, since, wall - (now - since)) if kind else None

    def _show_agent(self, program: Program, agent: str) -> None:
        """Note the agent that the screen shows, where no process tells of one."""
        shown = self._shown
        if agent != (shown.agent if shown else ""):
            self._shown = Program(program.command, agent, "agent") if agent else None

    def end_wait(self, now: float) -> None:
        """Count the wait for a person that goes on, if one does: it is over."""
        if self.wait is not None:
            self._waits.end(self.wait, now)
            self.wait = None
