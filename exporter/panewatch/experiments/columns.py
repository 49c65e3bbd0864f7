"""Many experiments in little memory: a row each, in columns, found by their ids."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, MutableSequence
from typing import Any, Final

from panewatch.experiments.model import STATUSES, Experiment

_GONE: Final = len(STATUSES)
_CODES: Final = {status: code for code, status in enumerate(STATUSES)}
_FEWEST_SLOTS: Final = 64
_UNKNOWN: Final = math.nan
_MOST_ROWS: Final = 2_000_000
_MOST_BYTES: Final = 1 << 27
"""Of all ids together; with them the rows take 250 MB at most."""


class Columns:
    """Rows of experiments, each id once. Rows are numbered in the order in which they came.

    About 60 bytes a row beside its id. A row that was removed stays, without being an
    experiment, until `compact`.
    """

    def __init__(self) -> None:
        self._ids = bytearray()
        self._ends = array("I")
        self._statuses = bytearray()
        self.times = array("d")
        """When each row's experiment was stored, in Unix seconds."""
        self._bitrates = array("d")
        self._psnr = array("d")
        self._ssim = array("d")
        self._failures = array("H")
        self._errors = array("Q")
        self._interventions = array("H")
        self._slots = array("I", bytes(4 * _FEWEST_SLOTS))
        self.gone = 0
        """Rows that hold no experiment."""

    def __len__(self) -> int:
        """Return the number of rows, also of those that were removed."""
        return len(self._ends)

    @property
    def full(self) -> bool:
        """Whether there are as many rows, or as long ids, as memory is to be used for."""
        return len(self._ends) >= _MOST_ROWS or len(self._ids) >= _MOST_BYTES

    def find(self, key: str) -> int:
        """Return the row of an id, also one that was removed; -1 where there is none."""
        return self._slots[self._search(key.encode())] - 1

    def is_gone(self, row: int) -> bool:
        """Tell whether a row was removed."""
        return self._statuses[row] == _GONE

    def get(self, row: int) -> Experiment:
        """Return the experiment of a row that was not removed."""
        error = self._errors[row]
        return Experiment(
            self._read_id(row).decode(),
            STATUSES[self._statuses[row]],
            self.times[row],
            _optional(self._bitrates[row]),
            _optional(self._psnr[row]),
            _optional(self._ssim[row]),
            self._failures[row],
            f"{error:016x}" if error else "",
            self._interventions[row],
        )

    def holds(self, row: int, experiment: Experiment) -> bool:
        """Tell whether a row says the same as ``experiment``, which has its id."""
        return (
            self._statuses[row] == _CODES[experiment.status]
            and self.times[row] == experiment.time
            and self.get(row) == experiment
        )

    def put(self, experiment: Experiment) -> int:
        """Take an experiment in, in place of the one with its id, and return its row."""
        key = experiment.id.encode()
        slot = self._search(key)
        row = self._slots[slot] - 1
        if row < 0:
            return self._append(experiment, key, slot)
        self.gone -= self._statuses[row] == _GONE
        self._statuses[row] = _CODES[experiment.status]
        self.times[row] = experiment.time
        self._bitrates[row] = _known(experiment.bitrate)
        self._psnr[row] = _known(experiment.psnr)
        self._ssim[row] = _known(experiment.ssim)
        self._failures[row] = experiment.validation_failures
        self._errors[row] = int(experiment.error or "0", 16)
        self._interventions[row] = experiment.interventions
        return row

    def remove(self, row: int) -> None:
        """Remove the experiment of a row."""
        self.gone += self._statuses[row] != _GONE
        self._statuses[row] = _GONE

    def compact(self) -> None:
        """Give back what removed rows take; the others are numbered anew, in the same order."""
        columns: tuple[MutableSequence[Any], ...] = (
            self._statuses, self.times, self._bitrates, self._psnr, self._ssim, self._failures,
            self._errors, self._interventions,
        )  # fmt: skip
        kept = filled = begin = 0
        # In place: a row only ever moves towards the front, over what was moved before.
        for row, end in enumerate(self._ends):
            if self._statuses[row] != _GONE:
                size = end - begin
                self._ids[filled : filled + size] = self._ids[begin:end]
                filled += size
                self._ends[kept] = filled
                for column in columns:
                    column[kept] = column[row]
                kept += 1
            begin = end
        del self._ids[filled:]
        for column in (self._ends, *columns):
            del column[kept:]
        self.gone = 0
        slots = _FEWEST_SLOTS
        while 3 * kept > 2 * slots:
            slots *= 2
        self._index(slots)

    def walk(self) -> Iterator[int]:
        """Yield the rows that hold an experiment."""
        return (row for row, status in enumerate(self._statuses) if status != _GONE)

    def _append(self, experiment: Experiment, key: bytes, slot: int) -> int:
        self._ids += key
        self._ends.append(len(self._ids))
        self._statuses.append(_CODES[experiment.status])
        self.times.append(experiment.time)
        self._bitrates.append(_known(experiment.bitrate))
        self._psnr.append(_known(experiment.psnr))
        self._ssim.append(_known(experiment.ssim))
        self._failures.append(experiment.validation_failures)
        self._errors.append(int(experiment.error or "0", 16))
        self._interventions.append(experiment.interventions)
        rows = len(self._ends)
        self._slots[slot] = rows
        if 3 * rows > 2 * len(self._slots):
            self._index(2 * len(self._slots))
        return rows - 1

    def _read_id(self, row: int) -> bytes:
        return bytes(self._ids[self._ends[row - 1] if row else 0 : self._ends[row]])

    def _search(self, key: bytes) -> int:
        """Return the slot of a key: it holds the number of its row and one, or nothing yet."""
        last = len(self._slots) - 1
        slot = hash(key) & last
        while found := self._slots[slot]:
            if self._read_id(found - 1) == key:
                break
            slot = (slot + 1) & last
        return slot

    def _index(self, slots: int) -> None:
        """Make the table of slots anew; their number is a power of two."""
        self._slots = array("I", [0]) * slots
        for row in range(len(self._ends)):
            slot = hash(self._read_id(row)) & (slots - 1)
            while self._slots[slot]:
                slot = (slot + 1) & (slots - 1)
            self._slots[slot] = row + 1


def _known(value: float | None) -> float:
    return _UNKNOWN if value is None else value


def _optional(value: float) -> float | None:
    return None if math.isnan(value) else value
