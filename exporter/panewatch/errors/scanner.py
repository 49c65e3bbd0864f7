"""Many words and expressions in one pass: which lines of a block may match which of them.

The scan is Hyperscan's: linear in the text, whatever the text is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import hyperscan

from panewatch.errors import stored
from panewatch.errors.words import Word

_FLAGS: Final = int(hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_UTF8)
"""A wildcard stands for a character, not for one byte of it."""

_NUMBER_BITS: Final = 24
_NUMBER: Final = (1 << _NUMBER_BITS) - 1
"""A hit is one number: many of them are sorted sooner than pairs."""


class ExpressionError(ValueError):
    """An expression cannot be compiled; ``number`` tells what it stands for."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


class Scanner:
    """A set of words and expressions, compiled together.

    Args:
        words: Words and whether their case does not matter, each with what it stands for.
        expressions: Expressions that keep to one line, each with what it stands for; a
            number may stand for several.
        once: Find each of them once in a text, for texts that are one line.

    Raises:
        ExpressionError: an expression cannot be compiled.
    """

    __slots__ = ("_database", "_meanings")

    def __init__(
        self,
        words: Mapping[Word, Iterable[int]],
        expressions: Sequence[tuple[str, int]] = (),
        *,
        once: bool = False,
    ) -> None:
        self._meanings = [frozenset(numbers) for numbers in words.values()]
        self._meanings += [frozenset((number,)) for _, number in expressions]
        self._database = _compile(list(words), expressions, once=once)

    def scan(self, text: bytes) -> dict[int, frozenset[int]]:
        """Return the numbers that each line of ``text`` may match, by index of the line.

        ``text`` must be valid UTF-8.
        """
        hits: list[int] = []
        if self._database is not None:
            self._database.scan(text, hits)
        hits.sort()
        lines: dict[int, set[int]] = {}
        numbers: set[int] = set()
        line, at, stop = 0, 0, -1
        for hit in hits:
            end = hit >> _NUMBER_BITS
            if end > stop:  # on another line than the last one
                line += text.count(b"\n", at, end)
                at, stop = end, text.find(b"\n", end)
                stop = stop if stop >= 0 else len(text)
                numbers = lines[line] = set()
            numbers.add(hit & _NUMBER)
        return {line: self._explain(numbers) for line, numbers in lines.items()}

    def search(self, line: bytes) -> frozenset[int]:
        """Return the numbers that one line may match."""
        hits: list[int] = []
        if self._database is not None:
            self._database.scan(line, hits)
        return self._explain({hit & _NUMBER for hit in hits}) if hits else frozenset()

    def _explain(self, numbers: set[int]) -> frozenset[int]:
        """Return what words and expressions stand for."""
        meanings = [self._meanings[number] for number in numbers]
        return meanings[0] if len(meanings) == 1 else frozenset().union(*meanings)


class _Database:
    """A compiled database. Each thread scans with working memory of its own."""

    __slots__ = ("_database", "_threads")

    def __init__(self, database: hyperscan.Database) -> None:
        self._database = database
        self._threads = threading.local()

    def scan(self, text: bytes, found: list[int]) -> None:
        """Add where each hit ends, and in the lowest bits its number, to ``found``."""
        scratch = getattr(self._threads, "scratch", None)
        if scratch is None:
            scratch = self._threads.scratch = hyperscan.Scratch(self._database)
        self._database.scan(text, match_event_handler=_note, context=found, scratch=scratch)


def _note(number: int, _start: int, end: int, _flags: int, found: Any) -> None:
    found.append(end << _NUMBER_BITS | number)


def _compile(
    words: Sequence[Word], expressions: Sequence[tuple[str, int]], *, once: bool
) -> _Database | None:
    """Compile words and expressions together: one scan for both is quicker than two."""
    if not words and not expressions:
        return None
    texts = [_escape(word) for word, _ in words]
    texts += [expression.encode() for expression, _ in expressions]
    flags = [hyperscan.HS_FLAG_CASELESS if caseless else 0 for _, caseless in words]
    flags += [_FLAGS] * len(expressions)
    if once:
        flags = [flag | hyperscan.HS_FLAG_SINGLEMATCH for flag in flags]

    def compile_now() -> hyperscan.Database:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=texts, ids=list(range(len(texts))), elements=len(texts), flags=flags
        )
        return database

    try:
        return _Database(stored.fetch(texts, flags, compile_now))
    except hyperscan.HyperscanError as error:
        if not words and len(expressions) == 1:
            raise ExpressionError(expressions[0][1], str(error)) from None
        for one in expressions:  # find out which one it was
            _compile((), [one], once=once)
        raise


def _escape(word: str) -> bytes:
    """Write a word as an expression that matches just this."""
    return b"".join(b"\\x%02x" % byte for byte in word.encode())
