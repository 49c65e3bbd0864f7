"""All experiments of a source, kept over its readings: a reading changes nothing until it ends."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from panewatch.experiments.columns import Columns
from panewatch.experiments.model import Experiment
from panewatch.experiments.source import SourceError, Whole

_SORTED_AT_ONCE: Final = 50_000
"""Rows that are sorted together: sorting takes ten times the memory of what it sorts."""

_PLACED_SINGLY: Final = 1_000
"""Changes up to which each is put in its place, instead of sorting all anew."""

_UNSEEN, _SEEN, _OVERTAKEN = 0, 1, 2


class Reading:
    """What one reading has brought so far; made by `Ledger.begin`.

    Of what the ledger knows already it keeps one byte each, so it takes little memory however
    long it lasts.

    Args:
        kept: What the ledger knows.
        everything: Whether all is read, so that what was not come across is gone.
    """

    def __init__(self, kept: Columns, *, everything: bool) -> None:
        self._kept = kept
        self.everything = everything
        self.seen = bytearray(len(kept) if everything else 0)
        self.fresh = Columns()
        """What is new, or not as the ledger knows it."""
        self.removed: set[str] = set()
        self.skipped: Counter[str] = Counter()
        """How many items are left out, by reason; of a reading of some, by how many more."""

    def add(self, experiment: Experiment) -> None:
        """Take an experiment in, in place of an earlier one with its id.

        Raises:
            SourceError: there are more than can be kept (``invalid``).
        """
        if self.fresh.full or (self._kept.full and not self.everything):
            raise SourceError("invalid", "the source holds more than can be kept")
        self.removed.discard(experiment.id)
        row = self._kept.find(experiment.id)
        if 0 <= row < len(self.seen):
            self.seen[row] = _SEEN
        if row < 0 or not self._kept.holds(row, experiment):
            self.fresh.put(experiment)
        else:
            self._forget(experiment.id)

    def remove(self, key: str) -> None:
        """Say that there is no experiment of an id any more."""
        self._forget(key)
        self.removed.add(key)

    def overtake(self, key: str) -> None:
        """Say that the ledger has learned of an experiment meanwhile: what it knows counts."""
        self._forget(key)
        row = self._kept.find(key)
        if 0 <= row < len(self.seen):
            self.seen[row] = _OVERTAKEN

    def find(self, key: str) -> Experiment | None:
        """Return the experiment of an id that this reading came across; None where it did not."""
        row = self.fresh.find(key)
        if row >= 0 and not self.fresh.is_gone(row):
            return self.fresh.get(row)
        row = self._kept.find(key)
        return self._kept.get(row) if 0 <= row < len(self.seen) and self._has(row) else None

    def _has(self, row: int) -> bool:
        return self.seen[row] == _SEEN and not self._kept.is_gone(row)

    def _forget(self, key: str) -> None:
        row = self.fresh.find(key)
        if row >= 0:
            self.fresh.remove(row)


class Ledger:
    """Experiments by their ids, and in the order of their times."""

    def __init__(self) -> None:
        self._columns = Columns()
        self._order: array[int] | None = None  # None: rows are in that order by themselves
        self._version = 0
        self._skipped: Counter[str] = Counter()

    def begin(self, *, everything: bool) -> Reading:
        """Begin a reading; those that are under way go on, but only one may be of everything."""
        return Reading(self._columns, everything=everything)

    def finish(self, reading: Reading) -> None:
        """Take over what a reading has brought; what `whole` gave before is no longer valid."""
        before = self._skipped
        if reading.everything:
            self._skipped = Counter()
        self._skipped = Counter(self._skipped)
        self._skipped.update(reading.skipped)
        removed = self._remove(reading)
        changed = len(reading.fresh) - reading.fresh.gone
        if reading.everything and len(self._columns) == self._columns.gone:
            self._columns, self._order = reading.fresh, None
            self._sort()
        elif changed > _PLACED_SINGLY:
            for row in reading.fresh.walk():
                self._columns.put(reading.fresh.get(row))
            self._sort()
        else:
            for row in reading.fresh.walk():
                self._place(reading.fresh.get(row))
        if reading.everything and self._columns.gone > len(self._columns) // 4:
            self._columns.compact()
            self._sort()
        self._version += bool(removed or changed or +before != +self._skipped)

    def whole(self, time: float) -> Whole:
        """Return everything; it can be walked through until a reading is finished.

        Args:
            time: When the reading ended, in Unix time.
        """
        return Whole(_Walk(self, self._version), +self._skipped, self._version, time)

    def walk(self, version: int) -> Iterator[Experiment]:
        """Yield all experiments, oldest first.

        Raises:
            RuntimeError: the ledger has changed since it had that version.
        """
        columns = self._columns
        for row in self._order or range(len(columns)):
            if self._version != version:
                raise RuntimeError("the source has been read on since")
            if not columns.is_gone(row):
                yield columns.get(row)

    def _remove(self, reading: Reading) -> int:
        gone = self._columns.gone
        for row, seen in enumerate(reading.seen):
            if seen == _UNSEEN:
                self._columns.remove(row)
        for key in reading.removed:
            row = self._columns.find(key)
            if row >= 0:
                self._columns.remove(row)
        return self._columns.gone - gone

    def _place(self, experiment: Experiment) -> None:
        """Put one experiment where its time belongs; of equal times the newer row is the later."""
        times = self._columns.times
        row = self._columns.find(experiment.id)
        known = row >= 0
        if known and times[row] == experiment.time:
            self._columns.put(experiment)
            return
        if self._order is None and not known and (not times or times[-1] <= experiment.time):
            self._columns.put(experiment)
            return
        order = array("I", range(len(times))) if self._order is None else self._order
        if known:
            place = bisect_left(order, times[row], key=times.__getitem__)
            while order[place] != row:
                place += 1
            order.pop(place)
        row = self._columns.put(experiment)
        order.insert(bisect_right(order, experiment.time, key=times.__getitem__), row)
        self._order = order

    def _sort(self) -> None:
        times = self._columns.times
        self._order = None
        if all(earlier <= later for earlier, later in pairwise(times)):
            return
        runs = [
            array("I", sorted(range(begin, min(begin + _SORTED_AT_ONCE, len(times))),
                              key=times.__getitem__))
            for begin in range(0, len(times), _SORTED_AT_ONCE)
        ]  # fmt: skip
        self._order = array("I", heapq.merge(*runs, key=times.__getitem__))


class _Walk:
    """Makes the experiments of a ledger one by one, as often as it is walked through."""

    def __init__(self, ledger: Ledger, version: int) -> None:
        self._ledger = ledger
        self._version = version

    def __iter__(self) -> Iterator[Experiment]:
        return self._ledger.walk(self._version)
