"""The directory of traces: which are there, which is to be read next, which are shown."""

from __future__ import annotations

import math
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from panewatch.training.callback.place import TRACE_SUFFIX, clean_name
from panewatch.training.plain_files import PlainFiles
from panewatch.training.profiles.facts import Facts

MOST_RUNS: Final = 20
MOST_BYTES: Final = 1 << 30
_MOST_TRIES: Final = 3
"""Of one run so many files are tried, the newest first."""

_SETTLED_SECONDS: Final = 5.0
"""A file that changed within this time may not be whole yet."""

_SUFFIXES: Final = (".json", ".json.gz")
# The time is in nanoseconds; older versions of PyTorch wrote milliseconds.
_ENDING: Final = re.compile(
    rf"(?:(?:\.(?:[0-9]{{13}}|[0-9]{{16,20}}))?{re.escape(TRACE_SUFFIX)}|\.json)(?:\.gz)?\Z"
)

_PASSING: Final = frozenset({"crashed", "timeout", "memory", "unreadable"})
"""Reasons that may be of the machine, at that moment, and not of the file."""

_FIRST_PAUSE_SECONDS: Final = 120.0
"""Such a file is tried again after this; the pause doubles each time."""

_MOST_REPEATS: Final = 4

_Stamp = tuple[int, ...]


class Trace:
    """A file, as it was when it last changed.

    Attributes:
        name: Its name.
        run: The run that it is of.
        written: When it changed, in Unix time.
        facts: What it tells; None where it was not read.
        refused: Why it was refused; empty where it was not.
        tries: How often it was refused.
        again: When it may be tried again, by the clock; never where it is infinite.
    """

    __slots__ = (
        "again", "facts", "name", "refused", "run", "stamp", "status", "tries", "written",
    )  # fmt: skip

    def __init__(self, name: str, status: os.stat_result) -> None:
        self.name = name
        self.run = find_run(name)
        self.stamp = stamp(status)
        self.status = status
        self.written = status.st_mtime
        self.facts: Facts | None = None
        self.refused = ""
        self.tries = 0
        self.again = math.inf


class Shelf:
    """Looks at one directory again and again.

    Args:
        wall: Unix time, which the times of files are told by.
        clock: Seconds that nobody sets, which pauses are told by.
    """

    def __init__(
        self, wall: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._clock = clock
        self._traces: dict[str, Trace] = {}
        self._runs: Mapping[str, list[Trace]] = {}
        self.states: Counter[str] = Counter()

    def look(self, directory: Path | None, expires_after: float) -> None:
        """Take in what is there now; without a directory nothing is.

        Raises:
            OSError: the directory is there and cannot be read; nothing is shown then, but what
                is known of its files stays, for when it can be.
        """
        self._runs = {}
        self.states = Counter()
        found: list[Trace] = []
        if directory is not None:
            with suppress(FileNotFoundError), PlainFiles(directory) as files:
                found = [Trace(name, status) for name, status in files.list(_SUFFIXES)]
        known, self._traces = self._traces, {}
        for trace in found:
            before = known.get(trace.name)
            same = before is not None and before.stamp == trace.stamp
            self._traces[trace.name] = before if before is not None and same else trace
        self._sort(expires_after)

    def choose(self) -> Trace | None:
        """Return the trace that is to be read next; None where all is read.

        That is the newest one of a run, and an older one only where the newer are refused. One
        that was refused before comes after all that were not.
        """
        waiting = (self._find_unread(traces) for traces in self._runs.values())
        found = [trace for trace in waiting if trace is not None]
        return max(found, key=lambda trace: (not trace.refused, trace.written), default=None)

    def refuse(self, trace: Trace, reason: str) -> bool:
        """Note why a trace cannot be used; tell whether that is new.

        Where the reason may pass, the trace is chosen again after a pause, some times.
        """
        new = not trace.refused
        trace.refused = reason
        trace.tries += 1
        trace.again = math.inf
        if reason in _PASSING and trace.tries <= _MOST_REPEATS:
            trace.again = self._clock() + _FIRST_PAUSE_SECONDS * 2 ** (trace.tries - 1)
        return new

    def open(self, directory: Path, trace: Trace) -> int:
        """Return a descriptor of a trace.

        Raises:
            RefusedError: it may not be taken.
            OSError: the directory cannot be opened now, which says nothing of the trace.
        """
        with PlainFiles(directory) as files:
            return files.open(trace.name, trace.status, MOST_BYTES)

    def list_shown(self) -> Iterable[tuple[str, Trace]]:
        """Yield each run with the newest of its traces that was read."""
        for run, traces in self._runs.items():
            shown = next((trace for trace in traces if trace.facts is not None), None)
            if shown is not None:
                yield run, shown

    def count(self) -> None:
        """Count the traces of the last look by what they are."""
        self.states.update(
            self._judge(trace, traces) for traces in self._runs.values() for trace in traces
        )

    def _sort(self, expires_after: float) -> None:
        """Sort the traces by their runs, the newest first; leave out what does not count."""
        now = self._wall()
        runs: dict[str, list[Trace]] = {}
        for trace in self._traces.values():
            trace.written = _find_time(trace.status, now)
        for trace in sorted(self._traces.values(), key=lambda each: (-each.written, each.name)):
            if now - trace.written > expires_after:
                self.states["expired"] += 1
            elif 0 <= now - trace.written < _SETTLED_SECONDS and trace.facts is None:
                self.states["waiting"] += 1
            elif trace.run in runs or len(runs) < MOST_RUNS:
                runs.setdefault(trace.run, []).append(trace)
            else:
                self.states["left_out"] += 1
        self._runs = runs

    def _find_unread(self, traces: list[Trace]) -> Trace | None:
        due: Trace | None = None
        for trace in traces[:_MOST_TRIES]:
            if trace.facts is not None:
                break
            if not trace.refused:
                return trace
            if due is None and self._clock() >= trace.again:
                due = trace
        return due

    def _judge(self, trace: Trace, traces: list[Trace]) -> str:
        if trace.refused:
            return "refused"
        shown = next((each for each in traces if each.facts is not None), None)
        if trace is shown:
            return "shown"
        return "waiting" if trace is self._find_unread(traces) else "older"


def find_run(name: str) -> str:
    """Return the run that a file is of: its name without what its writer put behind that.

    A number is part of the name (``lr-0.1.json``), unless it is the time of a profiler.
    """
    return clean_name(_ENDING.sub("", name))


def _find_time(status: os.stat_result, now: float) -> float:
    """Return when a file changed.

    Whoever owns it can set that, also to a time that will not come: then it is taken from when
    the system saw the last change, which nobody sets.
    """
    return status.st_mtime if status.st_mtime <= now else min(status.st_mtime, status.st_ctime)


def stamp(status: os.stat_result) -> _Stamp:
    """Return what changes when a file does, or who may write it."""
    return (
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode,
        status.st_uid,
    )  # fmt: skip
