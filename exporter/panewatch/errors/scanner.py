"""Many expressions, one pass: which lines of a block match which of them.

The scan is Hyperscan's (Vectorscan's where that is what is installed): linear in the text,
whatever the text is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import hyperscan

_FLAGS: Final = hyperscan.HS_FLAG_MULTILINE


class ExpressionError(ValueError):
    """An expression cannot be compiled; ``index`` tells which one."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


class Scanner:
    """A set of expressions, compiled together.

    Args:
        expressions: Each with the number that stands for it in results; a number may
            stand for several expressions.

    Raises:
        ExpressionError: one of them cannot be compiled.
    """

    __slots__ = ("_database", "_empty")

    def __init__(self, expressions: Sequence[tuple[str, int]]) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        texts = [text.encode() for text, _ in expressions]
        self._empty = not texts
        if self._empty:
            return
        try:
            self._database.compile(
                expressions=texts,
                ids=[number for _, number in expressions],
                elements=len(texts),
                flags=list(map(_flag, texts)),
            )
        except hyperscan.HyperscanError as error:
            raise ExpressionError(*_find_culprit(texts, error)) from None

    def scan(self, text: bytes) -> list[tuple[int, int]]:
        """Return (end offset, number) of every match in ``text``, in order of the offset.

        ``text`` must be valid UTF-8. A match may be reported several times.
        """
        found: list[tuple[int, int]] = []

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((end, number))

        if self._empty:
            return found
        self._database.scan(text, match_event_handler=note)
        return found


def _flag(text: bytes) -> int:
    return _FLAGS if text.isascii() else _FLAGS | hyperscan.HS_FLAG_UTF8


def _find_culprit(texts: Sequence[bytes], error: Exception) -> tuple[int, str]:
    for index, text in enumerate(texts):
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            database.compile(expressions=[text], ids=[0], elements=1, flags=[_flag(text)])
        except hyperscan.HyperscanError as own:
            return index, str(own)
    return 0, str(error)


def split_hits(text: bytes, hits: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    """Return the numbers that matched, by index of the line in ``text``."""
    lines: dict[int, set[int]] = {}
    line = at = 0
    for end, number in sorted(hits):
        line += text.count(b"\n", at, end)
        at = end
        lines.setdefault(line, set()).add(number)
    return lines
