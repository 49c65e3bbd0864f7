"""One pane while it is watched: its text, pace, state and accounts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from panewatch.config import PanesSettings
from panewatch.panes.accounts import Counts, PaneView
from panewatch.panes.commands.following import Activity
from panewatch.panes.conduct import Conduct
from panewatch.panes.ends import EndWatch
from panewatch.panes.foreground import Foreground, inspect, measure_foreground
from panewatch.panes.listing import PaneFacts
from panewatch.panes.model import EndedCommand, Frame, Identity, Line, PaneKey, Screen
from panewatch.panes.pace import Pace
from panewatch.panes.processes import Usage, read_exit
from panewatch.panes.reader import PaneReader
from panewatch.panes.recut import is_cut, shorten
from panewatch.panes.sight import ScreenReader
from panewatch.panes.state import UNSEEN, name_program
from panewatch.panes.waiting import Waits

_INSPECTED = 5.0
_INSPECTED_BUSY = 3.0
"""Seconds between two looks at a pane's foreground process, if it is quiet and if not."""

_INSPECTED_WHOLE = 6.0
"""The same for all that belongs to it, while the process itself stays as it is."""

_NOTHING = Usage(0.0, 0, 0, 0, 0)
_NO_SCREEN = Screen()

_MOST_ENDED = 1000
_NO_FAILURE = {None, 0, 130}
"""Exit statuses that tell of no failure: 130 is a command that somebody ended with Ctrl-C."""


class TrackedPane:
    """A pane of one server, from the first listing that shows it to the last."""

    __slots__ = (
        "_activity",
        "_conduct",
        "_ended",
        "_ends",
        "_foreground",
        "_inspected",
        "_inspected_at",
        "_measured",
        "_settings",
        "_settled_at",
        "_usage",
        "_whole_at",
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
        self._conduct = Conduct(settings, reader, waits, now, busy_since=self.last_output)
        self._ends = EndWatch(facts, seen=from_start)
        self._activity: Activity | None = None
        self._ended: deque[EndedCommand] = deque(maxlen=_MOST_ENDED)
        """Commands that ended and of which no look has read what they printed."""
        self._usage: Usage | None = None
        self._measured: Usage | None = None
        self._settled_at = now
        self._inspected = ""
        self._inspected_at = -_INSPECTED
        self._foreground: Foreground | None = None
        self._whole_at = now
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
        return self._conduct.state

    @property
    def screen(self) -> Screen:
        """What the screen says, without flicker, as of the last advance."""
        return self._conduct.screen

    def adopt(self, settings: PanesSettings, reader: ScreenReader, now: float) -> None:
        """Go by other settings; the pane is due to be read, and to be inspected."""
        self._settings = settings
        self._conduct.adopt(settings, reader)
        self._inspected_at, self._foreground = -_INSPECTED, None
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
        asks = local and not facts.dead and self._conduct.shows_prompt
        pause = _INSPECTED if row == self._inspected and not asks else _INSPECTED_BUSY
        if facts != self.facts or now >= self._inspected_at + pause:
            quiet, self._inspected, self._inspected_at = row == self._inspected, row, now
            self._inspect(facts, now, local=local, whole=quiet or asks)
            self._conduct.take_exertion(measure_foreground(facts.pid) if asks else None, now)
        if facts.pid != self.facts.pid:
            self._conduct.restart(now)
        self.facts = facts

    def _inspect(self, facts: PaneFacts, now: float, *, local: bool, whole: bool) -> None:
        """Find out what runs; ``whole`` asks for more than whether that has changed."""
        known = self._foreground
        if whole or now >= self._whole_at + _INSPECTED_WHOLE:
            known = None
        found = inspect(facts.pid, known) if local and not facts.dead else None
        if found is not None and found is known and facts.command == self.program.command:
            return
        self._foreground, self._whole_at = found, now
        program = name_program(facts.command, found, self._settings)
        if program != self.program:
            self.program = program
            self._conduct.change_program()

    def note_output(self, now: float, wall: float) -> None:
        """Note that the pane was seen to have printed."""
        self.last_output, self.last_output_time = now, wall

    def take_look(
        self, frame: Frame, lines: Sequence[Line], ended: Iterable[EndedCommand], now: float
    ) -> None:
        """Take in what a look showed, the new lines and the commands that ended."""
        self._conduct.take_look(frame, lines, ended, self.program, now)

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
        self._conduct.take_usage(usage, now)
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
        elapsed = max(0.0, now - self._settled_at)
        self._settled_at = now
        conduct = self._conduct
        self.counts.state_seconds["unknown" if elapsed > UNSEEN else conduct.state] += elapsed
        if readable:
            conduct.advance(
                self.program,
                dead=self.facts.dead,
                last_output=self.last_output,
                elapsed=elapsed,
                now=now,
                wall=wall,
            )
        else:
            conduct.lose(elapsed)

    def end_wait(self, now: float) -> None:
        """Count the wait for a person that goes on, if one does: it is over."""
        self._conduct.end_wait(now)

    def view(self) -> PaneView:
        """Fix what is exported."""
        counts, usage, facts, conduct = self.counts, self._usage, self.facts, self._conduct
        shows_io = self._measured is not None and self._measured.read_bytes is not None
        activity = None if facts.dead else self._activity
        program = conduct.name(self.program)
        # What an agent left on the screen counts nothing.
        screen = conduct.screen if program.agent and not facts.dead else _NO_SCREEN
        return PaneView(
            identity=self.identity,
            pane_id=facts.pane_id,
            pid=None if facts.dead else facts.pid,
            program=program,
            state=conduct.state,
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
            wait=conduct.wait,
            blocked=usage.blocked if usage else None,
            jobs=screen.jobs,
            tasks=screen.tasks,
            looping=int(conduct.looping),
            commands=counts.commands if self._activity else None,
            commands_failed=counts.commands_failed if self._activity else None,
            command_started=activity.started if activity else None,
            command_repeats=activity.repeats if activity else None,
            strays=usage.strays if usage else (),
            containers=usage.containers if usage else (),
        )
