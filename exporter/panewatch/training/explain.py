"""What recorded lines tell of a training, for ``panewatch explain``."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from panewatch.errors.explain import show
from panewatch.training.reading import ProgressReader
from panewatch.training.values import Progress


class _Note(NamedTuple):
    number: int
    line: str
    progress: Progress


class ProgressNotes:
    """Reads each line as it comes and keeps what it told until that is asked for.

    A bar that was drawn over with carriage returns tells several things in one line.
    """

    def __init__(self) -> None:
        self._reader = ProgressReader()
        self._notes: deque[_Note] = deque()

    def note(self, number: int, text: str) -> None:
        """Take in a line as it was written; they are counted from 1."""
        for part in text.rstrip("\r\n").split("\r"):
            line = show(part)
            progress = self._reader.read(line)
            if progress is not None:
                self._notes.append(_Note(number, line, progress))

    def take(self, file: str, until: int | None = None) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield what was told up to line ``until``, as an object and as a text."""
        while self._notes and (until is None or self._notes[0].number <= until):
            note = self._notes.popleft()
            yield _describe(file, note), _write(file, note)


def _describe(file: str, note: _Note) -> dict[str, Any]:
    """Return an object of the ``jsonl`` output; what is no number is written as text."""
    values = {
        name: value if math.isfinite(value) else str(value)
        for name, value in note.progress.values.items()
    }
    rule = note.progress.format
    return {
        "file": file, "line": note.number, "kind": "progress", "rule": rule, "values": values,
    }  # fmt: skip


def _write(file: str, note: _Note) -> str:
    values = " ".join(f"{name}={value:g}" for name, value in note.progress.values.items())
    kind = "" if note.progress.split == "train" else f" {note.progress.split}"
    return f"{file}:{note.number}: progress{kind}: {note.progress.format} {values}\n    {note.line}"
