r"""What a shell writes about its commands, one line for each fact.

::

    H \t PID                                        its hooks are in place
    S \t PID \t BEGAN \t LINE                       a command line begins
    E \t PID \t ENDED \t TOOK \t STATUS \t LINE     it ended

Times are whole microseconds, of Unix time or long; 0 where the shell has no clock. In the
command line a backslash is written twice and a line end as ``\n``; it is empty where the
user keeps it out of the history.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from panewatch.panes.text import clean

LONGEST: Final = 4096
"""Bytes of a record; what is longer was not written by a shell of ours."""

_FIELDS: Final = {b"H": 2, b"S": 4, b"E": 6}
_MOST_DIGITS: Final = 18
_HIGHEST_STATUS: Final = 255
_PER_SECOND: Final = 1e6
_NEGATIVE: Final = re.compile(rb"^-\d+$")
_ESCAPED: Final = re.compile(r"\\(.)")


class Hello(NamedTuple):
    """A shell reports from now on."""

    shell: int


class Began(NamedTuple):
    """A command line begins; ``at`` is Unix time, None where the shell has no clock."""

    shell: int
    at: float | None
    line: str


class Ended(NamedTuple):
    """A command line ended after ``seconds``; ``at`` as above."""

    shell: int
    at: float | None
    seconds: float
    status: int
    line: str


Record = Hello | Began | Ended


def parse(raw: bytes) -> Record | None:
    """Return what one line says, without its end; None where no shell of ours wrote it."""
    kind = raw[:1]
    fields = raw.split(b"\t", _FIELDS.get(kind, 1) - 1)
    if len(raw) >= LONGEST or len(fields) != _FIELDS.get(kind) or fields[0] != kind:
        return None
    words = fields[1:-1] if kind != b"H" else fields[1:]
    if kind == b"E":
        # A clock that was set back makes a command look as if it had ended before it began.
        words[2] = _NEGATIVE.sub(b"0", words[2])
    told = [number for word in words if (number := _count(word)) is not None]
    return _build(told, _read_line(fields[-1])) if len(told) == len(words) else None


def _build(numbers: list[int], line: str) -> Record | None:
    shell, *rest = numbers
    if not shell:
        return None
    if not rest:
        return Hello(shell)
    at = rest[0] / _PER_SECOND or None
    if len(rest) == 1:
        return Began(shell, at, line)
    _, took, status = rest
    return Ended(shell, at, took / _PER_SECOND, status, line) if status <= _HIGHEST_STATUS else None


def _read_line(raw: bytes) -> str:
    line = _ESCAPED.sub(_unescape, raw.decode("utf-8", "replace"))
    return clean(line.replace("\n", " ; "))


def _count(word: bytes) -> int | None:
    return int(word) if word.isdigit() and len(word) <= _MOST_DIGITS else None


def _unescape(found: re.Match[str]) -> str:
    letter = found[1]
    return "\n" if letter == "n" else letter
