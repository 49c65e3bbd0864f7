"""Which rules take a line, of those whose words were found in it.

RE2 decides, but to ask it costs a microsecond or two, and most lines that hold one of the
words of an expression lack something else that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from panewatch import linear
from panewatch.errors.expression import is_anchored
from panewatch.errors.literals import Needs
from panewatch.errors.rule import Rule
from panewatch.errors.stored import fetch_needs
from panewatch.errors.words import drop_longer

_LONG: Final = 1024
_MOST_TRIES: Final = 24
"""Expressions that are tried on a line of more than ``_LONG`` characters. A message comes
near a few; only a line that was made to be slow holds the words of a hundred rules."""


class Expression:
    """One expression of a rule, and what else there must be for it to match.

    Attributes:
        rule: Number of its rule.
        text: The expression as it is written.
        words: The words to look for, none where none are known.
        caseless: Whether the case of all its words does not matter.
        begins: A line begins with one of these; anything will do where there are none.
        more: A line holds one of these; anything will do where there are none.
    """

    __slots__ = ("_exact", "_large", "begins", "caseless", "more", "rule", "text", "words")

    def __init__(self, rule: int, text: str, needs: Needs) -> None:
        self.rule = rule
        self.text = text
        self.words = drop_longer(needs.words)
        self.caseless = needs.caseless
        anchored = bool(needs.begins) and is_anchored(text)
        self.begins = tuple(sorted(needs.begins)) if anchored else ()
        self.more = tuple(sorted(drop_longer(needs.more)))
        self._exact: linear.ExpressionSet | None = None
        self._large: linear.Pattern | None = None
        """What is asked instead where the expression is too large for a set."""

    def matches(self, encoded: bytes) -> bool:
        """Tell whether it matches; it is compiled when this is asked for the first time."""
        if self._exact is None and self._large is None:
            try:
                self._exact = linear.ExpressionSet((self.text,))
            except ValueError:
                self._large = linear.compile(self.text)
        if self._exact is not None:
            return bool(self._exact.match(encoded))
        return self._large is not None and self._large.search(encoded.decode()) is not None


class Trial:
    """The expressions of all rules. Threads may share it.

    Args:
        rules: The rules, by number.
        order: The place of each rule, best first.
    """

    __slots__ = ("_count", "_order", "_rules", "_unless", "expressions")

    def __init__(self, rules: Sequence[Rule], order: Mapping[int, int]) -> None:
        self._rules = rules
        self._order = order
        texts = [(number, text) for number, rule in enumerate(rules) for text in rule.match]
        needs = fetch_needs([text for _, text in texts])
        self.expressions = [
            Expression(*each, need) for each, need in zip(texts, needs, strict=True)
        ]
        self._count = len(self.expressions)
        self._unless: dict[int, linear.ExpressionSet] = {}

    def find(self, numbers: Iterable[int], text: str, encoded: bytes) -> list[int]:
        """Return the rules that take a line, of those whose expressions have ``numbers``.

        ``encoded`` is the same text as ``text``. Other numbers may be among ``numbers``.
        Of a long line that many expressions come near, those of the best rules are tried.
        """
        taking: list[int] = []
        tries = None
        if len(text) > _LONG:
            numbers = sorted(numbers, key=self._rank)
            tries = _MOST_TRIES
        for one in islice(self._list_near(numbers, text, encoded), tries):
            if one.rule not in taking and one.matches(encoded):
                taking.append(one.rule)
        return [rule for rule in taking if not self._spares(rule, encoded)]

    def _list_near(self, numbers: Iterable[int], text: str, encoded: bytes) -> Iterator[Expression]:
        """Yield the expressions with ``numbers`` that a line has all words for."""
        lower = ""
        for number in numbers:
            if number >= self._count:
                continue
            one = self.expressions[number]
            line = text
            if one.caseless:
                line = lower = lower or encoded.lower().decode()
            if one.begins and not line.startswith(one.begins):
                continue
            for word in one.more:
                if word in line:
                    break
            else:
                if one.more:
                    continue
            yield one

    def _rank(self, number: int) -> int:
        return self._order[self.expressions[number].rule] if number < self._count else self._count

    def takes(self, rule: int, encoded: bytes) -> bool:
        """Tell whether a rule takes a line, whatever other rules do."""
        matches = any(one.matches(encoded) for one in self.expressions if one.rule == rule)
        return matches and not self._spares(rule, encoded)

    def _spares(self, rule: int, encoded: bytes) -> bool:
        """Tell whether something in a line keeps a rule from taking it."""
        expressions = self._rules[rule].unless
        if not expressions:
            return False
        unless = self._unless.get(rule)
        if unless is None:
            unless = self._unless[rule] = linear.ExpressionSet(expressions)
        return bool(unless.match(encoded))
