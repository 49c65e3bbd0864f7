"""One pane while it is watched: its text, pace, state and accounts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from panewatch.config import PanesSettings
from panewatch.panes.accounts import Counts, PaneView
from panewatch.panes.commands.following import Activity
from panewatch.panes.effort import Effort
from panewatch.panes.ends import EndWatch
from panewatch.panes.foreground import inspect
from panewatch.panes.listing import PaneFacts
from panewatch.panes.loops import LoopWatch
from panewatch.panes.model import EndedCommand, Frame, Identity, Line, PaneKey, Screen
from panewatch.panes.pace import Pace
from panewatch.panes.processes import Usage, read_exit
from panewatch.panes.reader import PaneReader
from panewatch.panes.recut import is_cut, shorten
from panewatch.panes.sight import ScreenReader, Sight
from panewatch.panes.state import UNSEEN, Program, StateMachine, name_program
from panewatch.panes.waiting import Wait, Waits

_INSPECTED = 5.0
_INSPECTED_BUSY = 2.0
"""Seconds between two looks at a pane's foreground process, if it is quiet and if not."""

_NOTHING = Usage(0.0, 0, 0, 0, 0)

_MOST_ENDED = 1000
_NO_FAILURE = {None, 0, 130}
"""Exit statuses that tell of no failure: 130 is a command that somebody ended with Ctrl-C."""

_MAY_SHOW_AGENTS = {"remote", "program"}
"""Kinds of program behind which an agent may run that only its screen tells of."""

_REPEAT_BY_NATURE = {"editor", "pager", "monitor"}
"""Kinds of program that show the same again and again, and are no loop."""


class TrackedPane:
    """A pane of one server, from the first listing that shows it to the last."""

    __slots__ = (
        "_activity",
        "_effort",
        "_ended",
        "_ends",
        "_inspected",
        "_inspected_at",
        "_looping",
        "_loops",
        "_machine",
        "_measured",
        "_settings",
        "_settled_at",
        "_shown",
        "_sight",
        "_usage",
        "_wait",
        "_waits",
        "alternate",
        "counts",
        "facts",
        "identity",
        "key",
        "last_output",
        "last_output_time",
        "line_length",
        "pace",
        "printed",
        "program",
        "read_at",
        "reader",
        "row",
        "wanted",
    )

    def __init__(
        self,
        key: PaneKey,
        facts: PaneFacts,
        identity: Identity,
        settings: PanesSettings,
        *,
        reader: ScreenReader,
        waits: Waits,
        activity: int,
        from_start: bool,
        now: float,
        wall: float,
    ) -> None:
        self._settings = settings
        # The activity is the window's: of a pane beside others nothing is known yet.
        known = bool(activity) and facts.alone
        self.last_output = now - (max(0.0, wall - activity) if known else 0.0)
        self.last_output_time: float | None = float(activity) if known else None
        self._machine = StateMachine(settings, now, busy_since=self.last_output)
        self._ends = EndWatch(facts, seen=from_start)
        self._activity: Activity | None = None
        self._ended: deque[EndedCommand] = deque(maxlen=_MOST_ENDED)
        """Commands that ended and of which no look has read what they printed."""
        self._sight = Sight(reader)
        self._shown: Program | None = None
        """The program with the agent that only the screen tells of."""
        self._waits = waits
        self._wait: Wait | None = None
        self._effort = Effort()
        self._loops = LoopWatch(settings, now)
        self._looping = False
        self._usage: Usage | None = None
        self._measured: Usage | None = None
        self._settled_at = now
        self._inspected = ""
        self._inspected_at = -_INSPECTED
        self.key = key
        self.facts = facts
        self.identity = identity
        self.counts = Counts()
        self.pace = Pace(settings, now)
        self.line_length = settings.line_length
        """Characters at which the text that is remembered of the pane was cut."""
        self.reader = PaneReader(from_start=from_start)
        self.alternate = False
        self.row = ""
        """The raw row of the listing at the last read; an equal one means no change."""
        self.read_at = -1.0
        """Monotonic time of the last read, negative before the first."""
        self.printed = False
        """Whether tmux says that the pane printed since its last read."""
        self.wanted = 0
        """Rows of history that the next read asks for."""
        self.program = name_program(facts.command, None, settings)

    @property
    def state(self) -> str:
        """The state after the last advance."""
        return self._machine.state

    @property
    def screen(self) -> Screen:
        """What the screen says, without flicker, as of the last advance."""
        return self._sight.steady

    def adopt(self, settings: PanesSettings, reader: ScreenReader, now: float) -> None:
        """Go by other settings; the pane is due to be read, and to be inspected."""
        self._sight.reader = reader
        self._settings = self._machine.settings = self._loops.settings = settings
        self._inspected_at = -_INSPECTED
        if not settings.commands.enabled:
            self._activity = None
        # Of the pace only the time of the last read counts: the next one tells the rest.
        self.pace = Pace(settings, self.read_at if self.read_at >= 0 else now)
        known, limit = self.reader.known, settings.line_length
        if known is not None and limit < self.line_length:
            shorten(known.text, limit)
        elif known is not None and is_cut(known.text, self.line_length):
            return  # a read at the old length has to come first
        self.line_length = limit

    def take_facts(self, facts: PaneFacts, row: str, *, local: bool, now: float) -> None:
        """Take in a new listing of the pane; ``local`` tells that its processes run here."""
        if local and facts.dead and facts.exit_status is None and facts.exit_signal is None:
            status, number = read_exit(facts.pid)
            facts = replace(facts, exit_status=status, exit_signal=number)
        self.counts.deaths.update(self._ends.note(facts))
        # What runs changes when somebody types, which shows; or rarely, out of sight.
        pause = _INSPECTED if row == self._inspected else _INSPECTED_BUSY
        if facts != self.facts or now >= self._inspected_at + pause:
            self._inspected, self._inspected_at = row, now
            foreground = inspect(facts.pid) if local and not facts.dead else None
            program = name_program(facts.command, foreground, self._settings)
            if program != self.program:
                self.program, self._shown = program, None
        if facts.pid != self.facts.pid:
            self._machine.restart(now)
            self._sight.reset()
            self._shown = None
        self.facts = facts

    def note_output(self, now: float, wall: float) -> None:
        """Note that the pane was seen to have printed."""
        self.last_output, self.last_output_time = now, wall

    def take_look(
        self, frame: Frame, lines: Sequence[Line], ended: Iterable[EndedCommand], now: float
    ) -> None:
        """Take in what a look showed, the new lines and the commands that ended."""
        self._sight.show(frame, self.program, now)
        program = self.program
        if (
            program.kind not in _REPEAT_BY_NATURE
            and program.command not in self._settings.looping_except
        ):
            self._loops.take(lines, now)
        self._loops.take_commands(ended, now)

    def take_activity(self, activity: Activity, now: float) -> None:
        """Take in what is known of the pane's commands; if one ended, a look is due."""
        self._activity, counts = activity, self.counts
        if activity.reports:
            failed = sum(command.status not in _NO_FAILURE for command in activity.ended)
            counts.commands_failed = (counts.commands_failed or 0) + failed
        if activity.ended:
            counts.commands += len(activity.ended)
            self._ended.extend(activity.ended)
            # Not more often than one that floods.
            soon = max(now, self.read_at + self._settings.min_interval)
            self.pace.due = min(self.pace.due, soon)

    def pop_ended(self) -> tuple[EndedCommand, ...]:
        """Return the commands that ended before the look that is taken in now, each once."""
        ended = tuple(self._ended)
        self._ended.clear()
        return ended

    def take_usage(self, usage: Usage | None, now: float) -> None:
        """Take in a measurement of the pane's processes; None where it cannot be seen."""
        self._effort.take(usage, now, self._settings.stalled_below_cpu)
        self._usage = usage
        if usage is None:
            return
        before, self._measured = self._measured or _NOTHING, usage
        counts = self.counts
        # A child that nobody waited for takes its share with it: counters do not fall.
        counts.cpu_seconds += max(0.0, usage.cpu_seconds - before.cpu_seconds)
        counts.read_bytes += max(0, (usage.read_bytes or 0) - (before.read_bytes or 0))
        counts.written_bytes += max(0, (usage.written_bytes or 0) - (before.written_bytes or 0))

    def advance(self, now: float, wall: float, *, readable: bool) -> None:
        """Account the time since the last call to the old state, and find the new one.

        Without a readable server the state is unknown, and so it is for a time that nobody
        saw: the machine slept, or this process was stopped.
        """
        machine, elapsed = self._machine, max(0.0, now - self._settled_at)
        self._settled_at = now
        unseen = elapsed > UNSEEN or not readable
        if unseen:
            machine.excuse(elapsed)
        self.counts.state_seconds["unknown" if elapsed > UNSEEN else machine.state] += elapsed
        if not readable:
            machine.lose()
            return
        screen = self._sight.settle(self.program, self.last_output, now)
        if screen.program and self.program.kind in _MAY_SHOW_AGENTS:
            self._show_agent(screen.agent)
        machine.advance(
            self._shown or self.program,
            dead=self.facts.dead,
            last_output=self.last_output,
            now=now,
            screen=screen,
            last_effort=self._effort.last,
        )
        self._looping = self._loops.judge(now) and not self.facts.dead
        kind = screen.kind if machine.state == "waiting_input" else ""
        wait = self._wait
        if kind != (wait.kind if wait else ""):
            self.end_wait(now)
            since = self._sight.since
            self._wait = Wait(kind, since, wall - (now - since)) if kind else None

    def _show_agent(self, agent: str) -> None:
        """Note the agent that the screen shows, where no process tells of one."""
        shown = self._shown
        if agent != (shown.agent if shown else ""):
            self._shown = Program(self.program.command, agent, "agent") if agent else None

    def end_wait(self, now: float) -> None:
        """Count the wait for a person that goes on, if one does: it is over."""
        if self._wait is not None:
            self._waits.end(self._wait, now)
            self._wait = None

    def view(self) -> PaneView:
        """Fix what is exported."""
        counts, usage, facts, screen = self.counts, self._usage, self.facts, self._sight.steady
        shows_io = self._measured is not None and self._measured.read_bytes is not None
        activity = None if facts.dead else self._activity
        return PaneView(
            identity=self.identity,
            pane_id=facts.pane_id,
            pid=None if facts.dead else facts.pid,
            program=self._shown or self.program,
            state=self._machine.state,
            state_seconds=dict(counts.state_seconds),
            last_output=self.last_output_time,
            lines=counts.lines,
            gaps=counts.gaps,
            missed=counts.missed,
            overflows=counts.overflows,
            truncated=counts.truncated,
            captures=counts.captures,
            failures=counts.failures,
            interval=self.pace.interval,
            cpu_seconds=counts.cpu_seconds if self._measured else None,
            memory_bytes=usage.memory_bytes if usage else None,
            processes=usage.processes if usage else None,
            read_bytes=counts.read_bytes if shows_io else None,
            written_bytes=counts.written_bytes if shows_io else None,
            exit_status=facts.exit_status if facts.dead else None,
            exit_signal=facts.exit_signal if facts.dead else None,
            deaths=dict(counts.deaths),
            wait=self._wait,
            blocked=usage.blocked if usage else None,
            jobs=screen.jobs,
            tasks=screen.tasks,
            looping=int(self._looping),
            commands=counts.commands if self._activity else None,
            commands_failed=counts.commands_failed if self._activity else None,
            command_started=activity.started if activity else None,
            command_repeats=activity.repeats if activity else None,
        )
