"""When a trace's events ran: on the host a stack per thread, on the device sets of instants."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from operator import lt, neg
from typing import Final

from panewatch.training.traces.event import Event
from panewatch.training.traces.intervals import Intervals
from panewatch.training.traces.names import ON_DEVICE, Kind, Names, find_category, read_step

MOST_EVENTS: Final = 10_000_000
"""Events of the host that are kept, at 20 bytes each."""

MOST_STEPS: Final = 10_000
_PART: Final = 1 << 15
"""Rows of a thread that are sorted at once."""

_MOST_THREADS: Final = 4096
_MOST_KNOWN: Final = 100_000
_LATEST: Final = 1e16
_LONGEST: Final = 1e12
"""Microseconds, eleven days: no window of a profiler is that long."""


ThreadKey = tuple[int | float | str | None, int | float | str | None]


@dataclass(slots=True)
class Thread:
    """What ran in one thread of the host: three columns, a row for each event."""

    starts: array[float] = field(default_factory=lambda: array("d"))
    durations: array[float] = field(default_factory=lambda: array("d"))
    numbers: array[int] = field(default_factory=lambda: array("I"))


@dataclass(frozen=True, slots=True)
class Window:
    """A step as the trace has it, in microseconds."""

    number: int
    thread: ThreadKey
    start: float
    end: float


@dataclass(slots=True)
class Timeline:
    """All that ran. Feed ``take``, then ask ``walk`` for each thread.

    Attributes:
        names: What ran, and how long; of the host only what was walked.
        threads: What ran on the host.
        windows: The steps, as they came.
        device: When the device was at what, by kind, in the order of the file.
        durations: Of each kernel, in microseconds.
        first: When the earliest event began.
        last: When the latest ended.
        events: Those that were understood.
        skipped: Those whose times make no sense, or that are too many.
        full: Whether no more are taken.
    """

    names: Names = field(default_factory=Names)
    threads: dict[ThreadKey, Thread] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    device: dict[Kind, Intervals] = field(
        default_factory=lambda: {kind: Intervals() for kind in ON_DEVICE}
    )
    durations: array[float] = field(default_factory=lambda: array("d"))
    first: float = _LATEST
    last: float = -_LATEST
    events: int = 0
    skipped: int = 0
    full: bool = False
    _known: dict[str, tuple[Kind, dict[str, int]]] = field(default_factory=dict)

    def take(self, batch: Sequence[Event]) -> None:  # a call per event takes as long as all of it
        """Take what is of interest; nothing once ``full``."""
        names, threads = self.names, self.threads
        for event in batch:
            if event.ph != "X":
                continue
            category, numbers = self._known.get(event.cat) or self._learn(event.cat)
            if category == Kind.IGNORED:
                continue
            start, duration = event.ts, event.dur
            if not (-_LATEST < start < _LATEST and 0 <= duration < _LONGEST):
                self.skipped += 1
                continue
            number = numbers.get(event.name)
            if number is None:
                number = names.number(category, event.name)
                if len(numbers) < _MOST_KNOWN:
                    numbers[event.name] = number
            kind = names.kinds[number]
            if kind >= Kind.STEP and not self._take_special(event, kind, number):
                continue
            thread = threads.get((event.pid, event.tid))
            if thread is None:
                if len(threads) >= _MOST_THREADS:
                    self.skipped += 1
                    continue
                thread = threads[event.pid, event.tid] = Thread()
            thread.starts.append(start)
            thread.durations.append(duration)
            thread.numbers.append(number)
            self.events += 1
        self.full = self.events > MOST_EVENTS

    def _learn(self, category: str) -> tuple[Kind, dict[str, int]]:
        known = find_category(category), dict[str, int]()
        if len(self._known) < _MOST_KNOWN:
            self._known[category] = known
        return known

    def _take_special(self, event: Event, kind: Kind, number: int) -> bool:
        """Take what does not just run on the host; tell whether it runs there, too."""
        start, end = event.ts, event.ts + event.dur
        if kind is Kind.STEP:
            step = read_step(event.name)
            if step is not None and len(self.windows) < MOST_STEPS:
                self.windows.append(Window(step, (event.pid, event.tid), start, end))
            return True
        if kind in self.device:
            names = self.names
            names.calls[number] += 1
            names.selfs[number] += event.dur
            names.totals[number] += event.dur
            self.device[kind].add(start, end)
            if kind is not Kind.COPY:
                self.durations.append(event.dur)
            self.first = min(self.first, start)
            self.last = max(self.last, end)
            self.events += 1
        return False

    def find_main(self) -> ThreadKey | None:
        """Return the thread that trains: most steps begin there, or most happens."""
        if self.windows:
            return Counter(window.thread for window in self.windows).most_common(1)[0][0]
        return max(self.threads, key=lambda key: len(self.threads[key].starts), default=None)

    def walk(self, key: ThreadKey) -> tuple[dict[Kind, Intervals], array[float]]:
        """Add up a thread's events; return when it was at what, and when it began to wait.

        The instants are those of the outermost events of each kind. An event's own time is that
        in which no later one of its thread ran: own times add up to the time that is covered.
        """
        thread, names = self.threads[key], self.names
        kinds, calls, selfs, totals = names.kinds, names.calls, names.selfs, names.totals
        covers = {kind: Intervals() for kind in Kind if kind <= Kind.STEP}
        reach = [-_LATEST] * len(covers)
        waits = array("d")
        ends: list[float] = []
        numbers: list[int] = []
        for start, duration, number in _order(thread):
            while ends and ends[-1] <= start:
                ends.pop()
                numbers.pop()
            end = start + duration
            calls[number] += 1
            selfs[number] += duration
            totals[number] += duration
            if ends and end <= ends[-1]:
                selfs[numbers[-1]] -= duration
            elif ends:
                _take_away(selfs, numbers, ends, start, end)
            ends.append(end)
            numbers.append(number)
            kind = kinds[number]
            if kind == Kind.SYNC:
                waits.append(start)
            if end > reach[kind]:  # or it lies in one of its kind
                covers[kind].add(start, end)
                reach[kind] = end
        begins = [cover.starts[0] for cover in covers.values() if cover]
        self.first = min([self.first, *begins])
        self.last = max([self.last, *reach])
        return covers, waits


def _take_away(
    selfs: list[float], numbers: list[int], ends: list[float], start: float, end: float
) -> None:
    """Take the time of an event from those that it began in and that end before it does.

    They leave the stack: whatever runs after them runs in the event, too, as long as it lasts.
    """
    reach = start
    while ends and ends[-1] <= end:
        selfs[numbers.pop()] -= ends[-1] - reach
        reach = ends.pop()
    if ends:
        selfs[numbers[-1]] -= end - reach


def _order(thread: Thread) -> Iterable[tuple[float, float, int]]:
    """Give a thread's rows by their start; of two that start together the longer first."""
    columns = thread.starts, thread.durations, thread.numbers
    if all(map(lt, thread.starts, islice(thread.starts, 1, None))):
        return zip(*columns, strict=True)
    count = len(thread.starts)
    parts = [range(begin, min(begin + _PART, count)) for begin in range(0, count, _PART)]
    for part in parts:
        _sort(thread, part)
    return _merge(thread, parts)


def _sort(thread: Thread, part: range) -> None:
    """Sort some rows where they are: to sort all at once takes many times their memory."""
    starts, durations, numbers = thread.starts, thread.durations, thread.numbers
    order = sorted(part, key=durations.__getitem__, reverse=True)
    order.sort(key=starts.__getitem__)
    begin, end = part.start, part.stop
    starts[begin:end], durations[begin:end], numbers[begin:end] = (
        array("d", map(starts.__getitem__, order)),
        array("d", map(durations.__getitem__, order)),
        array("I", map(numbers.__getitem__, order)),
    )


def _merge(thread: Thread, parts: Sequence[range]) -> Iterator[tuple[float, float, int]]:
    """Yield the rows of parts that are sorted, in order."""
    # Of rows that are the same but for their numbers the first comes first, by its place.
    rows = merge(
        *(
            zip(
                map(thread.starts.__getitem__, part),
                map(neg, map(thread.durations.__getitem__, part)),
                part,
                strict=True,
            )
            for part in parts
        )
    )
    for start, negative, place in rows:
        yield start, -negative, thread.numbers[place]
