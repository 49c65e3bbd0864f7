"""Words to look for: which ones ordinary output seldom holds, and which set of them is best."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

Words = frozenset[str]
Word = tuple[str, bool]
"""A word, and whether its case does not matter."""

_LEAST: Final = 3
_ENOUGH: Final = 8
"""Characters of a word; shorter ones are rather found by chance, longer ones hardly less."""

_COMMON: Final = frozenset(
    "the and for with not from this that have info debug name type value time step epoch loss inf"
    " test tests class module lua http:// https:// .py .py: 100% at -> => -- :: [e [ok] true false"
    " none null done found compiling installing building running checking".split()
)
"""What ordinary output is full of: to stop at each would cost more than it saves."""


def choose_best(sets: Iterable[Words | None]) -> Words | None:
    """Return the set to look for: rare words before long ones, and few of them."""
    useful = [words for words in sets if words is not None and is_useful(words)]
    return max(useful, key=_weigh) if len(useful) > 1 else next(iter(useful), None)


def is_useful(words: Words) -> bool:
    """Tell whether there is something to look for: every text holds the empty word."""
    return bool(words) and "" not in words


def _weigh(words: Words) -> tuple[bool, int, int, int, int]:
    letters = min(len(word.strip()) for word in words)
    lengths = list(map(len, words))
    rare = all(map(is_rare, words))
    return rare, min(letters, _ENOUGH), -len(words), min(lengths), max(lengths)


def drop_longer(words: Words) -> Words:
    """Return ``words`` without those that another one of them is found in anyway."""
    kept: list[str] = []
    for word in sorted(words, key=len):
        if not any(map(word.__contains__, kept)):
            kept.append(word)
    return frozenset(kept)


def is_rare(word: str) -> bool:
    """Tell whether ordinary output seldom holds ``word``."""
    long = len(word) >= _LEAST or word.isupper() or not word.isascii()
    drawn = len(set(word)) == 1 and not word.isalnum()  # as lines and boxes are
    return long and not drawn and word.strip().lower() not in _COMMON
