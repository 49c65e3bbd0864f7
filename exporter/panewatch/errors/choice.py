"""Of the rules that match a line, the one that takes it: from where on, and with which values."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from panewatch import linear
from panewatch.errors.expression import is_anchored
from panewatch.errors.incident import mask
from panewatch.errors.rule import Rule


def choose(rules: tuple[Rule, ...]) -> tuple[Rule, tuple[Rule, ...]]:
    """Return which of ``rules`` (best first) takes a line, and those that lose."""
    if len(rules) == 1:
        return rules[0], ()
    beaten = frozenset().union(*(rule.supersedes for rule in rules))
    winner = next((rule for rule in rules if rule.id not in beaten), rules[0])
    return winner, tuple(rule for rule in rules if rule is not winner)


def find_start(rule: Rule, text: str) -> int:
    """Return where ``rule`` matches in ``text``: 0 for the beginning."""
    if _is_anchored(rule):
        return 0
    prepared = linear.prepare(text)
    searches = (linear.compile(expression).search(prepared) for expression in rule.match)
    starts = [found.start() for found in searches if found is not None]
    return min(starts, default=0)


@lru_cache(maxsize=8192)
def _is_anchored(rule: Rule) -> bool:
    return all(map(is_anchored, rule.match))


@lru_cache(maxsize=8192)
def _list_capturing(rule: Rule) -> tuple[linear.Pattern, ...]:
    """Return those expressions of a rule that name what they capture."""
    compiled = map(linear.compile, rule.match)
    return tuple(expression for expression in compiled if expression.groupindex)


def capture(rule: Rule, text: str) -> tuple[str, ...]:
    """Return the values of a rule's named groups: what tells two failures apart."""
    expressions = _list_capturing(rule)
    encoded = text.encode(errors="replace") if expressions else b""
    for expression in expressions:
        found = expression.search(encoded)
        if found is not None:
            values = cast("Iterable[bytes | None]", found.groupdict().values())
            return tuple(mask(value.decode(errors="replace") if value else "") for value in values)
    return ()
