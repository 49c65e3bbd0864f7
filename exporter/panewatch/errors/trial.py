"""Which rules take a line, of those whose words were found in it.

RE2 decides, but to ask it costs a microsecond or two, and most lines that hold one of the
words of an expression lack something else that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from panewatch.errors import linear
from panewatch.errors.expression import is_anchored
from panewatch.errors.literals import drop_longer, find_needs
from panewatch.errors.rule import Rule


class Expression:
    """One expression of a rule, and what else there must be for it to match.

    Attributes:
        rule: Number of its rule.
        words: The words to look for, none where none are known.
        caseless: Whether the case of all its words does not matter.
        begins: A line begins with one of these; anything will do where there are none.
        more: A line holds one of these; anything will do where there are none.
    """

    __slots__ = ("begins", "caseless", "more", "rule", "words")

    def __init__(self, rule: int, text: str) -> None:
        needs = find_needs(text)
        self.rule = rule
        self.words = drop_longer(needs.words)
        self.caseless = needs.caseless
        self.begins = tuple(sorted(needs.begins)) if is_anchored(text) else ()
        self.more = tuple(sorted(drop_longer(needs.more)))


class Trial:
    """The expressions of all rules. Threads may share it.

    Args:
        rules: The rules, by number.
    """

    __slots__ = ("_count", "_exact", "_rules", "expressions")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self.expressions = [
            Expression(number, text) for number, rule in enumerate(rules) for text in rule.match
        ]
        self._count = len(self.expressions)
        self._exact: dict[int, _Exact] = {}

    def find(self, numbers: Iterable[int], text: str, encoded: bytes) -> list[int]:
        """Return the rules that take a line, of those whose expressions have ``numbers``.

        ``encoded`` is the same text as ``text``. Other numbers may be among ``numbers``.
        """
        hopeful: set[int] = set()
        lower = ""
        for number in numbers:
            if number >= self._count:
                continue
            one = self.expressions[number]
            if one.rule in hopeful:
                continue
            if one.caseless:
                lower = lower or encoded.lower().decode()
                line = lower
            else:
                line = text
            if one.begins and not line.startswith(one.begins):
                continue
            if one.more:
                for word in one.more:
                    if word in line:
                        break
                else:
                    continue
            hopeful.add(one.rule)
        return [rule for rule in hopeful if self.takes(rule, encoded)]

    def takes(self, rule: int, encoded: bytes) -> bool:
        """Tell whether a rule takes a line, whatever other rules do."""
        exact = self._exact.get(rule)
        if exact is None:
            exact = self._exact[rule] = _Exact(self._rules[rule])
        return exact.takes(encoded)


class _Exact:
    """One rule's expressions, compiled when a line first asks for them."""

    __slots__ = ("_count", "_set")

    def __init__(self, rule: Rule) -> None:
        self._set = linear.ExpressionSet((*rule.match, *rule.unless))
        self._count = len(rule.match)

    def takes(self, text: bytes) -> bool:
        found = self._set.match(text)
        return bool(found) and max(found) < self._count
