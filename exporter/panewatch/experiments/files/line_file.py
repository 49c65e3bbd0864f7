"""One file that grows by lines, read on from where the last look ended."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from panewatch.experiments.items.paths import SkippedError, decode_json

LONGEST: Final = 1 << 20
"""Bytes of the longest line that is taken."""

_MARK: Final = 64
"""Bytes at the beginning, and before where the last look ended, by which a file is known again."""


class Line(NamedTuple):
    """A line: its number, from 1 on, and its bytes; None where it is too long."""

    number: int
    data: bytes | None


class ReplacedError(Exception):
    """A file is not the one that was read before, or what was read of it has changed."""


def identify(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return what only changes where a file is another one, or was written."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class LineFile:
    """How far a file was read.

    A line without an end waits for the rest of it, unless it is a whole object of JSON.
    """

    __slots__ = ("_head", "_number", "_offset", "_tail", "_too_long", "_unended", "seen")

    def __init__(self) -> None:
        self.seen: tuple[int, int, int, int] | None = None
        """What `identify` gave when it was last read to its end; None before that."""
        self._offset = 0
        self._number = 0
        self._head = b""
        self._tail = b""
        self._too_long = False
        self._unended = False

    def check(self, descriptor: int) -> int:
        """Return how many bytes the file has, if it is the one that was read before.

        Raises:
            ReplacedError: it is not.
            OSError: it cannot be read.
        """
        size = os.fstat(descriptor).st_size
        if size < self._offset or self._read_marks(descriptor) != (self._head, self._tail):
            raise ReplacedError
        return size

    def take(self, descriptor: int, size: int) -> list[Line] | None:
        """Return the next lines before ``size`` bytes; None where there are no more yet.

        Raises:
            OSError: it cannot be read.
        """
        data = os.pread(descriptor, min(LONGEST + 1, size - self._offset), self._offset)
        whole, end, _ = data.rpartition(b"\n")
        if end:
            lines = self._split(whole)
            self._offset += len(whole) + 1
        elif len(data) > LONGEST or (data and self._too_long):
            lines = [] if self._too_long else [self._count(None)]
            self._too_long = True
            self._offset += len(data)
        elif _is_object(data):
            lines = [self._count(data)]
            self._unended = True
            self._offset += len(data)
        else:
            return None
        self._head, self._tail = self._read_marks(descriptor)
        return lines

    def _split(self, whole: bytes) -> list[Line]:
        parts = whole.split(b"\n")
        # The first one may be but the end of a line that was counted.
        if self._too_long or (self._unended and not parts[0].strip()):
            del parts[0]
        self._too_long = self._unended = False
        return [self._count(part) for part in parts]

    def _count(self, data: bytes | None) -> Line:
        self._number += 1
        return Line(self._number, data)

    def _read_marks(self, descriptor: int) -> tuple[bytes, bytes]:
        length = min(_MARK, self._offset)
        tail = os.pread(descriptor, length, self._offset - length)
        return os.pread(descriptor, length, 0), tail


def _is_object(data: bytes) -> bool:
    """Tell whether a line is complete though nothing ends it: no part of an object is one."""
    if not data.rstrip().endswith(b"}"):
        return False
    try:
        return isinstance(decode_json(data), dict)
    except SkippedError:
        return False
