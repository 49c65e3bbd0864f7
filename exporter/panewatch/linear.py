"""The door to RE2: regular expressions that take linear time on any text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Protocol

import re2


class Match(Protocol):
    """What was found."""

    def group(self, group: int = 0, /) -> str:
        """Return the text of a group."""

    def groups(self) -> tuple[str, ...]:
        """Return the texts of all groups."""

    def groupdict(self) -> dict[str, str | None]:
        """Return the texts of the named groups."""

    def start(self, group: int = 0, /) -> int:
        """Return where a group begins."""

    def end(self) -> int:
        """Return where the match ends."""


class Pattern(Protocol):
    """A compiled expression."""

    groupindex: Mapping[str, int]
    pattern: str

    def sub(self, replacement: str, text: str) -> str:
        """Replace every match in ``text``."""

    def search(self, text: str | bytes) -> Match | None:
        """Find the expression anywhere in ``text``; places are counted as ``text`` is."""

    def match(self, text: str | bytes) -> Match | None:
        """Find the expression at the beginning of ``text``."""

    def finditer(self, text: str | bytes) -> Iterator[Match]:
        """Find the expression again and again, left to right."""


@lru_cache(maxsize=4096)
def compile(expression: str) -> Pattern:  # noqa: A001  # as in the standard library's re
    """Compile an expression, once.

    Raises:
        ValueError: RE2 does not know such an expression.
    """
    options = re2.Options()
    options.log_errors = False  # whoever asked is told
    try:
        pattern: Pattern = re2.compile(expression, options)
    except re2.error as error:
        message = error.args[0] if error.args else ""
        raise ValueError(message.decode() if isinstance(message, bytes) else str(message)) from None
    return pattern


def prepare(text: str) -> str | bytes:
    """Return ``text`` as RE2 searches it soonest: bytes, where those are its characters.

    Places are the same in both; in other text RE2's door has to count characters.
    """
    return text.encode() if text.isascii() else text


class ExpressionSet:
    """Several expressions, tried in one pass over a line.

    Raises:
        ValueError: RE2 takes them one by one, but together they are too large for it.
    """

    __slots__ = ("_set",)

    def __init__(self, expressions: Iterable[str]) -> None:
        self._set = re2.Set.SearchSet()
        for expression in expressions:
            self._set.Add(expression)
        try:
            self._set.Compile()
        except re2.error as error:
            raise ValueError(str(error)) from None

    def match(self, text: bytes) -> list[int]:
        """Return the places of the expressions that are found in ``text``."""
        return self._set.Match(text) or []


def escape(text: str) -> str:
    """Return an expression that matches ``text`` as it is."""
    escaped: str = re2.escape(text)
    return escaped
