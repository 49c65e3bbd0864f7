"""The directory of traces: which are there, which is to be read next, which are shown."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from panewatch.training.callback.place import TRACE_SUFFIX, clean_name
from panewatch.training.plain_files import PlainFiles, RefusedError
from panewatch.training.profiles.facts import Facts

MOST_RUNS: Final = 20
MOST_BYTES: Final = 1 << 30
_MOST_TRIES: Final = 3
"""Of one run so many files are tried, the newest first."""

_SETTLED_SECONDS: Final = 5.0
"""A file that changed within this time may not be whole yet."""

_SUFFIXES: Final = (".json", ".json.gz")
_NUMBER: Final = re.compile(r"\.[0-9]+$")

_Stamp = tuple[int, int, int]


class Trace:
    """A file, as it was when it last changed.

    Attributes:
        name: Its name.
        run: The run that it is of.
        written: When it changed, in Unix time.
        facts: What it tells; None where it was not read.
        refused: Why it was refused; empty where it was not.
    """

    __slots__ = ("facts", "name", "refused", "run", "stamp", "status", "written")

    def __init__(self, name: str, status: os.stat_result) -> None:
        self.name = name
        self.run = find_run(name)
        self.stamp = stamp(status)
        self.status = status
        self.written = status.st_mtime
        self.facts: Facts | None = None
        self.refused = ""


class Shelf:
    """Looks at one directory again and again.

    Args:
        wall: Unix time, which the times of files are told by.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._traces: dict[str, Trace] = {}
        self._runs: Mapping[str, list[Trace]] = {}
        self.states: Counter[str] = Counter()

    def look(self, directory: Path | None, expires_after: float) -> None:
        """Take in what is there now; without a directory nothing is.

        Raises:
            OSError: the directory is there and cannot be read; nothing is known then.
        """
        known, self._traces, self._runs = self._traces, {}, {}
        self.states = Counter()
        if directory is None:
            return
        try:
            with PlainFiles(directory) as files:
                found = [Trace(name, status) for name, status in files.list(_SUFFIXES)]
        except FileNotFoundError:
            return
        for trace in found:
            before = known.get(trace.name)
            same = before is not None and before.stamp == trace.stamp
            self._traces[trace.name] = before if before is not None and same else trace
        self._sort(expires_after)

    def choose(self) -> Trace | None:
        """Return the trace that is to be read next; None where all is read.

        That is the newest one of a run, and an older one only where the newer are refused.
        """
        waiting = (self._find_unread(traces) for traces in self._runs.values())
        found = [trace for trace in waiting if trace is not None]
        return max(found, key=lambda trace: trace.written, default=None)

    def open(self, directory: Path, trace: Trace) -> int:
        """Return a descriptor of a trace.

        Raises:
            RefusedError: it may not be taken.
        """
        try:
            with PlainFiles(directory) as files:
                return files.open(trace.name, trace.status, MOST_BYTES)
        except OSError:
            raise RefusedError("unreadable") from None

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

    @staticmethod
    def _find_unread(traces: list[Trace]) -> Trace | None:
        for trace in traces[:_MOST_TRIES]:
            if trace.facts is not None:
                return None
            if not trace.refused:
                return trace
        return None

    def _judge(self, trace: Trace, traces: list[Trace]) -> str:
        if trace.refused:
            return "refused"
        shown = next((each for each in traces if each.facts is not None), None)
        if trace is shown:
            return "shown"
        return "waiting" if trace is self._find_unread(traces) else "older"


def find_run(name: str) -> str:
    """Return the run that a file is of: its name without what its writer put behind that."""
    stem = name.removesuffix(".gz")
    stem = stem.removesuffix(TRACE_SUFFIX if stem.endswith(TRACE_SUFFIX) else ".json")
    return clean_name(_NUMBER.sub("", stem))


def stamp(status: os.stat_result) -> _Stamp:
    """Return what changes when a file does."""
    return status.st_ino, status.st_size, status.st_mtime_ns
