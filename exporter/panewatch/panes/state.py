"""What a pane is doing: from what runs, what its screen says, when it last printed and worked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath

from panewatch.config import PanesSettings
from panewatch.panes.foreground import Foreground
from panewatch.panes.kinds import asks_nothing, find_inner, find_kind, may_carry
from panewatch.panes.model import Screen

_SILENT_BY_NATURE = {"editor", "pager", "monitor", "remote"}
"""Kinds of program whose silence means nothing: they sit until somebody uses them."""

_IDLE_BY_NATURE = {"repl", "server", "follower"}
"""Kinds of program that sit there too, unless their processes work or a limit is set for them."""

_RAN_LONG = 10.0
"""Seconds after which the end of a command, or of an agent's turn, is news: the pane is
finished, not just idle."""

UNSEEN = 10.0
"""Seconds between two looks above which nobody saw what the pane did: the machine slept, or
panewatch was stopped, or the server did not answer."""

_NEVER = float("-inf")
_NOTHING = Screen()


@dataclass(frozen=True, slots=True)
class Program:
    """What runs in the foreground of a pane. ``agent`` is empty where it is none.

    ``inner`` is the editor or pager that the command started and that has the terminal.
    ``plain`` tells that its processes were seen, and that none can be an agent; ``mute`` that
    they ask nobody for anything.
    """

    command: str
    agent: str
    kind: str
    inner: str = ""
    plain: bool = False
    mute: bool = False


def name_program(command: str, foreground: Foreground | None, settings: PanesSettings) -> Program:
    """Tell what kind of program a pane runs.

    Args:
        command: The foreground command's name, as tmux knows it.
        foreground: Its arguments, where they can be seen.
        settings: Names of shells and agents.
    """
    name = _find_name(command)
    names = {name} if foreground is None else {name, *foreground.names}
    for agent, known in settings.agents.items():
        if not names.isdisjoint(known):
            return Program(command, agent, "agent")
    if name in settings.shells and (foreground is None or not foreground.runs_script):
        return Program(command, "", "shell")
    if foreground is None:
        return Program(command, "", find_kind(name, None))
    if inner := find_inner(foreground):
        return Program(command, "", find_kind(inner, None), inner, plain=True)
    kind = find_kind(name, foreground)
    plain = not may_carry(foreground) and not _may_be_agent(foreground, settings)
    return Program(command, "", kind, plain=plain, mute=plain and asks_nothing(foreground))


def _may_be_agent(foreground: Foreground, settings: PanesSettings) -> bool:
    """Tell whether one of the processes, or what it runs, has the name of an agent."""
    hints = foreground.hints | (foreground.members or frozenset())
    return any(
        agent in hints or not hints.isdisjoint(known) for agent, known in settings.agents.items()
    )


@lru_cache(maxsize=1024)
def _find_name(command: str) -> str:
    return PurePath(command.removeprefix("-")).name or command


class StateMachine:
    """Follows one pane. All times are monotonic seconds.

    ``busy_since`` is since when its program runs, ``now`` where that is not known.
    Other ``settings`` hold from the next advance on.
    """

    __slots__ = ("_advanced", "_at_prompt", "_busy_since", "_ended", "_excused", "_quiet_since",
                 "_worked", "settings", "state")  # fmt: skip

    def __init__(
        self, settings: PanesSettings, now: float, busy_since: float | None = None
    ) -> None:
        self.settings = settings
        self._at_prompt: bool | None = None
        """Whether the shell was at its prompt; None before the first look."""
        self._busy_since = now if busy_since is None else busy_since
        self._ended: float | None = None
        """When the last command or turn ended that was news; None where another one began."""
        self._worked = 0.0
        """Seconds for which an agent has worked in its turn."""
        self._quiet_since = _NEVER
        self._excused = 0.0
        """Seconds of the silence that nobody saw."""
        self._advanced = now
        self.state = "unknown"

    def advance(
        self,
        program: Program,
        *,
        dead: bool,
        last_output: float,
        now: float,
        screen: Screen = _NOTHING,
        last_effort: float = _NEVER,
    ) -> str:
        """Return the state at ``now``.

        Args:
            program: What runs in the foreground.
            dead: Whether the pane's command has ended.
            last_output: When the pane last printed.
            now: The present.
            screen: What the screen says, without flicker.
            last_effort: When the pane's processes last did something, as far as that is known.
        """
        at_prompt = program.kind == "shell"
        # Only a command that was seen to run has ended.
        ran = self._at_prompt is False and now - self._busy_since >= _RAN_LONG
        if at_prompt and ran:
            self._ended = now
        elif not at_prompt and (self._at_prompt or program.kind != "agent"):
            self._ended = None
        if self._at_prompt and not at_prompt:
            self._busy_since, self._worked = now, 0.0
        self._at_prompt = at_prompt
        if program.kind == "agent":
            self._follow_turn(screen, now)
        self._advanced = now
        quiet_since = max(last_output, self._busy_since, last_effort)
        if quiet_since > self._quiet_since:
            self._quiet_since, self._excused = quiet_since, 0.0
        self.state = self._judge(program, screen, dead=dead, last_output=last_output, now=now)
        return self.state

    def restart(self, now: float) -> None:
        """Note that the pane's command was replaced by another one."""
        self._at_prompt = self._ended = None
        self._busy_since, self._worked = now, 0.0

    def excuse(self, seconds: float) -> None:
        """Note that nobody saw the pane for so long: that was not its silence."""
        self._excused += seconds

    def lose(self) -> None:
        """Note that the pane cannot be read: nobody knows what it does."""
        self.state = "unknown"

    def _follow_turn(self, screen: Screen, now: float) -> None:
        """Note how long an agent has worked, and when it ended a turn that was long."""
        if self.state == "working":
            self._worked += min(max(0.0, now - self._advanced), UNSEEN)
        if screen.state == "idle":
            if self._worked >= _RAN_LONG:
                self._ended = now
            self._worked = 0.0
        elif screen.state == "working":
            self._ended = None

    def _judge(
        self, program: Program, screen: Screen, *, dead: bool, last_output: float, now: float
    ) -> str:
        if dead:
            return "dead"
        if screen.state == "waiting_input":
            return "waiting_input"
        rests = program.kind == "agent" and screen.state == "idle"
        if rests or program.kind == "shell":
            fresh = self._ended is not None and now - self._ended < self.settings.finished_for
            return "finished" if fresh else "idle"
        if now - max(last_output, self._busy_since) <= self.settings.working_for:
            return "working"
        return self._judge_silent(program, screen, now)

    def _judge_silent(self, program: Program, screen: Screen, now: float) -> str:
        """Return the state of a program that runs and has not printed for a while."""
        if program.kind in _SILENT_BY_NATURE:
            return "idle"
        if program.kind == "agent" and screen.state != "working":
            # It works on or sits at its own prompt: only its screen could tell.
            return "unknown"
        if screen.state == "idle" and not screen.agent:
            return "idle"
        settings = self.settings
        own = settings.stalled_after_by_command.get(program.command)
        if program.kind in _IDLE_BY_NATURE and own is None:
            works = now - self._quiet_since <= settings.working_for
            return "working" if works else "idle"
        threshold = settings.stalled_after if own is None else own
        silent = now - self._quiet_since - self._excused
        return "working" if silent <= threshold else "stalled"
