"""The words that an expression cannot match without.

A scan for words is many times quicker than one for expressions, so lines are chosen by
words first. For each expression a set is found of which every match contains one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

from panewatch.errors.words import Words, choose_best, drop_longer, is_useful

_MOST: Final = 64
"""Words of one set; an expression with more ways to begin is taken apart elsewhere."""

_MOST_OF_CLASS: Final = 8
_MOST_COPIES: Final = 4
_LONGEST: Final = 24
"""Characters of a word that are looked for: more would choose no better."""

_REPEAT: Final = re.compile(r"\*|\+|\?|\{(\d+)(?:,(\d*))?\}")
_PLAIN: Final = re.compile(r"[\w \-:'\"=/,;<>#@!%&~`]+(?![*+?{])")
_GROUP: Final = re.compile(r"\?(?:P?<\w+>|[imsU-]*:)")
_FLAGS: Final = re.compile(r"\?[a-zA-Z-]+\)")
_CASELESS: Final = re.compile(r"\(\?[a-zA-Z]*i")
_CLASS: Final = re.compile(r"(\^?)(\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_MEMBER: Final = re.compile(r"\[:\^?\w+:\]|\\.|.", re.DOTALL)
_CODE: Final = re.compile(r"x\{\w*\}|x\w\w|[pP]\{\^?\w*\}|[pP]\w|[0-7]{1,3}")
_QUOTED: Final = re.compile(r"\\Q(?P<text>.*?)(?:\\E|$)|\\.", re.DOTALL)
_MOST_MORE: Final = 8
"""Words of a second set: each of them is looked for on its own."""


_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}

_EMPTY: Final[Words] = frozenset({""})
_CLASSES: Final = {"d": frozenset("0123456789"), "s": frozenset(" \t\n\f\r")}


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of a part of an expression.

    ``exact`` is everything that it can match, where that is little; ``needed`` sets of
    which each match contains one word each, ``begins`` one of which it begins with one.
    ``first`` is the same and may be characters of a class, which would make too many words.
    """

    exact: Words | None = None
    needed: tuple[Words, ...] = ()
    begins: Words | None = None
    first: Words | None = None


class Needs(NamedTuple):
    """What each match of an expression holds; a set is empty where nothing is known.

    Attributes:
        words: The words to look for: one of them is in it.
        more: One of these is in it too.
        begins: It begins with one of these.
        caseless: The case of all these, which are small then, does not matter.
    """

    words: Words
    more: Words
    begins: Words
    caseless: bool


def find_words(expression: str) -> tuple[Words, bool]:
    """Return words of which every match of ``expression`` contains one.

    Returns:
        The words, none where there are none; and whether their case does not matter.
    """
    needs = find_needs(expression)
    return needs.words, needs.caseless


def find_needs(expression: str) -> Needs:
    """Return what every match of ``expression`` holds."""
    caseless = _CASELESS.search(expression) is not None
    part = _Parser(_QUOTED.sub(_unquote, expression)).parse()
    sets = [*part.needed, part.exact]
    words = choose_best(sets)
    others = [drop_longer(other) for other in sets if other and words and "" not in other]
    others = [o for o in others if len(o) <= _MOST_MORE and words and not _follows(words, o)]
    return Needs(
        _cut(words, caseless=caseless),
        _cut(choose_best(others), caseless=caseless),
        _cut(part.first, caseless=caseless, first=True),
        caseless,
    )


def _follows(words: Words, others: Words) -> bool:
    """Tell whether each of ``words`` holds one of ``others`` anyway."""
    return all(any(map(word.__contains__, others)) for word in words)


def _cut(words: Words | None, *, caseless: bool, first: bool = False) -> Words:
    """Return the parts of words to look for: the longest, or the ``first`` of each."""
    chosen: Iterable[str] = words or ()
    if caseless:
        split = [_split_cases(word.lower()) for word in chosen]
        chosen = [parts[0] if first else max(parts, key=len) for parts in split]
    cut = frozenset(word[:_LONGEST] for word in chosen)
    return frozenset() if "" in cut else cut


def _split_cases(word: str) -> list[str]:
    """Split a word at letters whose case the scan for words does not know."""
    known = (c if c.isascii() or c.lower() == c.upper() else "\0" for c in word)
    return "".join(known).split("\0")


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
        needed = _join(choose_best([*branch.needed, branch.exact]) for branch in branches)
        return _Part(
            _join(branch.exact for branch in branches),
            () if needed is None else (needed,),
            _join(branch.begins for branch in branches),
            _join(branch.first for branch in branches),
        )

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _read_sequence(self) -> _Part:
        run: Words = _EMPTY
        first: Words | None = None
        whole = True
        found: list[Words] = []
        while self._peek() not in {"", "|", ")"}:
            part = self._read_repeated()
            longer = _combine(run, part.exact)
            if longer is None:
                # What must begin here still belongs to the words before it.
                whole = False
                begins = _combine(run, part.begins) or run
                first = first or _combine(run, part.first) or begins
                found += [begins, *part.needed]
                run = _EMPTY
            else:
                run = longer
        found.append(run)
        needed = tuple(filter(is_useful, found))
        return _Part(run if whole else None, needed, found[0], first or run)

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
        if letter in _CLASSES:
            return _Part(first=_CLASSES[letter])
        return _Part() if letter.isalnum() else _Part(frozenset({letter}))

    def _read_class(self) -> _Part:
        found = _CLASS.match(self._text, self._place)
        if found is None:  # never closed: no expression at all
            self._place = len(self._text)
            return _Part()
        self._place = found.end()
        members = _MEMBER.findall(found.group(2))
        if found.group() in {"0-9]", "1-9]"}:
            return _Part(first=_CLASSES["d"])
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
        return _Part(copies, part.needed, first=copies or part.first)
    sets = [words for words in (*part.needed, part.exact, copies) if words is not None]
    begins = part.begins if copies is None else copies
    return _Part(None, tuple(filter(is_useful, sets)), begins, copies or part.first)


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
