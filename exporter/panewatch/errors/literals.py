"""The words that an expression cannot match without.

A scan for words is many times quicker than one for expressions, so lines are chosen by
words first. For each expression a set is found of which every match contains one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Final

_MOST: Final = 64
"""Words of one set; an expression with more ways to begin is taken apart elsewhere."""

_MOST_OF_CLASS: Final = 8
_MOST_COPIES: Final = 4
_LONGEST: Final = 24
"""Characters of a word that are looked for: more would choose no better."""

_LEAST_LETTERS: Final = 3

_COMMON: Final = frozenset(
    "error errors err fail failed failure failures failing fails exception exceptions warning"
    " warnings fatal test tests testing class module package loss found found: http https 100%"
    " compiling building running timeout exit exited exits status skipped passed plugin import"
    " line file files body header found. not is are was the and with for from this that have"
    " has can't cannot could unable added installing successfully failures: errors: skipped:"
    " lua error: error; rror .py .py: .js .ts assert process command killed returned aborted"
    " connection request response client server python node java npm info debug started"
    " finished completed done code name path type value 429 529 500 502 503 504 404 401 403"
    " sig inf nan build total remove end-of options preprocess step time version using usage"
    " invalid missing unknown".split()
)
"""Words that ordinary output is full of: to stop at each would cost more than it saves."""

_REPEAT: Final = re.compile(r"\*|\+|\?|\{(\d+)(?:,(\d*))?\}")
_PLAIN: Final = re.compile(r"[\w \-:'\"=/,;<>#@!%&~`]+(?![*+?{])")
_GROUP: Final = re.compile(r"\?(?:P?<\w+>|[imsU-]*:)")
_FLAGS: Final = re.compile(r"\?[a-zA-Z-]+\)")
_CASELESS: Final = re.compile(r"\(\?[a-zA-Z]*i")
_CLASS: Final = re.compile(r"(\^?)(\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_MEMBER: Final = re.compile(r"\[:\^?\w+:\]|\\.|.", re.DOTALL)
_CODE: Final = re.compile(r"x\{\w*\}|x\w\w|[pP]\{\^?\w*\}|[pP]\w|[0-7]{1,3}")
_QUOTED: Final = re.compile(r"\\Q(?P<text>.*?)(?:\\E|$)|\\.", re.DOTALL)
_OTHER_LETTERS: Final = re.compile(r"[^\x00-\x7f]+")
"""Letters whose case the scan for words does not know."""

_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}

Words = frozenset[str]
Word = tuple[str, bool]
"""A word, and whether its case does not matter."""

_EMPTY: Final[Words] = frozenset({""})


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of a part of an expression.

    ``exact`` is everything that it can match, where that is little; ``needed`` a set of
    which each match contains one, ``begins`` one of which each match begins with one.
    """

    exact: Words | None = None
    needed: Words | None = None
    begins: Words | None = None


def find_words(expression: str) -> tuple[Words, bool]:
    """Return words of which every match of ``expression`` contains one.

    Returns:
        The words, none where there are none; and whether their case does not matter.
    """
    caseless = _CASELESS.search(expression) is not None
    part = _Parser(_QUOTED.sub(_unquote, expression)).parse()
    words: Iterable[str] = _best([part.needed, part.exact]) or ()
    if caseless:
        words = [max(_OTHER_LETTERS.split(word.lower()), key=len) for word in words]
    cut = frozenset(word[:_LONGEST] for word in words)
    return (frozenset() if "" in cut else cut), caseless


def _unquote(found: re.Match[str]) -> str:
    text: str | None = found["text"]
    return found.group() if text is None else re.escape(text)


class _Parser:
    """Reads RE2's syntax as far as rules use it; whatever it does not know needs nothing."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def parse(self) -> _Part:
        branches = [self._read_sequence()]
        while self._peek() == "|":
            self._place += 1
            branches.append(self._read_sequence())
        if len(branches) == 1:
            return branches[0]
        exact = _join(branch.exact for branch in branches)
        needed = _join(_best([branch.needed, branch.exact]) for branch in branches)
        return _Part(exact, needed)

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _read_sequence(self) -> _Part:
        run: Words = _EMPTY
        whole = True
        found: list[Words | None] = []
        while self._peek() not in {"", "|", ")"}:
            part = self._read_repeated()
            longer = _combine(run, part.exact)
            if longer is None:
                # What must begin here still belongs to the words before it.
                whole = False
                found += [_combine(run, part.begins) or run, part.needed]
                run = _EMPTY
            else:
                run = longer
        found.append(run)
        return _Part(run if whole else None, _best(found))

    def _read_repeated(self) -> _Part:
        part = self._read_atom()
        while (repeat := _REPEAT.match(self._text, self._place)) is not None:
            self._place = repeat.end()
            part = _repeat(part, repeat)
            if self._peek() == "?":  # as few as possible: the same text
                self._place += 1
        return part

    def _read_atom(self) -> _Part:
        plain = _PLAIN.match(self._text, self._place)
        if plain is not None:
            self._place = plain.end()
            return _Part(frozenset({plain.group()}))
        character = self._peek()
        self._place += 1
        read = {"(": self._read_group, "[": self._read_class, "\\": self._read_escape}
        if character in read:
            return read[character]()
        if character in "^$":
            return _Part(_EMPTY)
        return _Part() if character == "." else _Part(frozenset({character}))

    def _read_group(self) -> _Part:
        flags = _FLAGS.match(self._text, self._place)
        if flags is not None:
            self._place = flags.end()
            return _Part(_EMPTY)
        opening = _GROUP.match(self._text, self._place)
        if opening is not None:
            self._place = opening.end()
        part = self.parse()
        self._place += 1  # the closing bracket
        return part

    def _read_escape(self) -> _Part:
        code = _CODE.match(self._text, self._place)
        if code is not None:
            self._place = code.end()
            return _Part()
        letter = self._peek()
        self._place += 1
        if letter in {"b", "B", "A", "z"}:
            return _Part(_EMPTY)
        if letter in _CONTROLS:
            return _Part(frozenset({_CONTROLS[letter]}))
        return _Part() if letter.isalnum() else _Part(frozenset({letter}))

    def _read_class(self) -> _Part:
        found = _CLASS.match(self._text, self._place)
        if found is None:  # never closed: no expression at all
            self._place = len(self._text)
            return _Part()
        self._place = found.end()
        members = _MEMBER.findall(found.group(2))
        if found.group(1) or "-" in members[1:-1] or any(map(_names_class, members)):
            return _Part()
        characters = frozenset(member[-1] for member in members)
        return _Part(characters if len(characters) <= _MOST_OF_CLASS else None)


def _names_class(member: str) -> bool:
    return len(member) > 1 and (member[0] == "[" or member[1].isalnum())


def _repeat(part: _Part, repeat: re.Match[str]) -> _Part:
    mark = repeat.group()
    least, most = (
        (int(repeat.group(1)), repeat.group(2)) if mark[0] == "{" else (int(mark == "+"), "")
    )
    if mark == "?" or (least, most) == (0, "1"):
        return _Part(_join([_EMPTY, part.exact]))
    if least == 0:
        return _Part()
    copies: Words | None = _EMPTY
    for _ in range(min(least, _MOST_COPIES)):
        copies = None if copies is None else _combine(copies, part.exact)
    if most is None and least <= _MOST_COPIES:  # exactly so many
        return _Part(copies, part.needed)
    return _Part(None, _best([part.needed, part.exact, copies]), copies)


def _combine(before: Words, after: Words | None) -> Words | None:
    if after is None or len(before) * len(after) > _MOST:
        return None
    if before is _EMPTY:
        return after
    return frozenset("".join(pair) for pair in product(before, after))


def _join(sets: Iterable[Words | None]) -> Words | None:
    """Return all words, or None where one set is not known or there are too many."""
    joined: Words = frozenset()
    for words in sets:
        if words is None:
            return None
        joined |= words
    return joined if len(joined) <= _MOST else None


def _best(sets: Iterable[Words | None]) -> Words | None:
    """Return the set whose words are rarest: the shortest word of it is longest."""
    useful = [words for words in sets if words and "" not in words]
    return max(useful, key=_weigh, default=None)


def _weigh(words: Words) -> tuple[bool, int, int, int, int]:
    letters = min(len(word.strip()) for word in words)
    lengths = list(map(len, words))
    rare = all(map(is_rare, words))
    return rare, min(letters, _LONGEST), min(lengths), max(lengths), -len(words)


def is_rare(word: str) -> bool:
    """Tell whether ordinary output seldom holds ``word``."""
    plain = word.strip(" \t()[]{}<>*.,;:=!?|/'\"`-_").lower()
    return sum(map(str.isalpha, plain)) >= _LEAST_LETTERS and plain not in _COMMON
