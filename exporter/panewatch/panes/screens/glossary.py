"""The words that markers need, all looked for in one pass over a screen."""

from __future__ import annotations

from collections.abc import Iterable

from panewatch import linear

Found = frozenset[int]


class Glossary:
    """Words by number; they are gathered first and looked for together then."""

    __slots__ = ("_numbers", "_set")

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._set: linear.ExpressionSet | None = None

    def add(self, words: Iterable[str]) -> Found:
        """Return the numbers of ``words``."""
        numbers = self._numbers
        return frozenset([numbers.setdefault(word, len(numbers)) for word in words])

    def seal(self) -> None:
        """Prepare to look for the words that were added."""
        self._set = linear.ExpressionSet(map(linear.escape, self._numbers))

    def find(self, encoded: bytes) -> Found:
        """Return the numbers of the words that are in a text."""
        if self._set is None:
            raise RuntimeError("the glossary is not sealed")
        return frozenset(self._set.match(encoded))
