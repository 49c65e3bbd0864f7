"""Many words and expressions, one pass each: which lines of a block may match which of them.

The scan is Hyperscan's: linear in the text, whatever the text is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import hyperscan

from panewatch.errors import stored
from panewatch.errors.literals import Word

_FLAGS: Final = int(hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_UTF8)
"""A wildcard stands for a character, not for one byte of it."""


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

    Raises:
        ExpressionError: an expression cannot be compiled.
    """

    __slots__ = ("_expressions", "_meanings", "_numbers", "_words")

    def __init__(
        self,
        words: Mapping[Word, Iterable[int]],
        expressions: Sequence[tuple[str, int]] = (),
    ) -> None:
        self._meanings = [frozenset(numbers) for numbers in words.values()]
        self._words = _compile_words(list(words))
        self._expressions = _compile_expressions(expressions)
        self._numbers = [number for _, number in expressions]

    def scan(self, text: bytes) -> dict[int, set[int]]:
        """Return the numbers that each line of ``text`` may match, by index of the line.

        ``text`` must be valid UTF-8.
        """
        words: list[tuple[int, int]] = []
        found: list[tuple[int, int]] = []
        if self._words is not None:
            self._words.scan(text, words)
        if self._expressions is not None:
            self._expressions.scan(text, found)
        if not words and not found:
            return {}
        lines: dict[int, set[int]] = {}
        for index, number in _place(text, words):
            known = lines.get(index)
            if known is None:
                lines[index] = set(self._meanings[number])
            else:
                known |= self._meanings[number]
        for index, number in _place(text, found):
            lines.setdefault(index, set()).add(self._numbers[number])
        return lines


class _Database:
    """A compiled database. Each thread scans with working memory of its own."""

    __slots__ = ("_database", "_threads")

    def __init__(self, database: hyperscan.Database) -> None:
        self._database = database
        self._threads = threading.local()

    def scan(self, text: bytes, found: list[tuple[int, int]]) -> None:
        """Add where each hit ends, and its number, to ``found``."""
        scratch = getattr(self._threads, "scratch", None)
        if scratch is None:
            scratch = self._threads.scratch = hyperscan.Scratch(self._database)
        self._database.scan(text, match_event_handler=_note, context=found, scratch=scratch)


def _note(number: int, _start: int, end: int, _flags: int, found: Any) -> None:
    found.append((end, number))


def _place(text: bytes, hits: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield the line on which each hit ends, and what was hit."""
    hits.sort()
    line = at = 0
    for end, number in hits:
        line += text.count(b"\n", at, end)
        at = end
        yield line, number


def _compile_words(words: Sequence[Word]) -> _Database | None:
    if not words:
        return None
    flags = [hyperscan.HS_FLAG_CASELESS if caseless else 0 for _, caseless in words]
    return _compile([word.encode() for word, _ in words], flags, literal=True)


def _compile_expressions(expressions: Sequence[tuple[str, int]]) -> _Database | None:
    if not expressions:
        return None
    texts = [text.encode() for text, _ in expressions]
    try:
        return _compile(texts, [_FLAGS] * len(texts))
    except hyperscan.HyperscanError as error:
        if len(expressions) == 1:
            raise ExpressionError(expressions[0][1], str(error)) from None
        for one in expressions:  # find out which one it was
            _compile_expressions([one])
        raise


def _compile(texts: Sequence[bytes], flags: Sequence[int], *, literal: bool = False) -> _Database:
    def compile_now() -> hyperscan.Database:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=list(texts),
            ids=list(range(len(texts))),
            elements=len(texts),
            flags=list(flags),
            literal=literal,
        )
        return database

    return _Database(stored.fetch((*texts, repr(literal).encode()), flags, compile_now))
