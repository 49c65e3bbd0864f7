"""The examples of rules, tried against all rules together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from panewatch import linear
from panewatch.errors.choice import choose
from panewatch.errors.explain import explain_loss
from panewatch.errors.prefix import strip_prefix
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook
from panewatch.problems import Problem


def check_examples(rulebook: Rulebook, rules: Iterable[Rule]) -> Iterator[Problem]:
    """Yield the examples that their rule does not win, with the reason."""
    for rule in rules:
        for example in rule.examples:
            if not _wins(rulebook, rule, example):
                why = _blame(rulebook, rule, example)
                message = f"does not take its example {example!r}: {why}"
                yield Problem(rule.origin, rule.at, rule.id, message)


def check_counterexamples(rulebook: Rulebook, rules: Iterable[Rule]) -> Iterator[Problem]:
    """Yield the counterexamples that their rule wins."""
    for rule in rules:
        for example in rule.counterexamples:
            if _wins(rulebook, rule, example):
                message = f"takes its counterexample {example!r}"
                yield Problem(rule.origin, rule.at, rule.id, message)


def _wins(rulebook: Rulebook, rule: Rule, text: str) -> bool:
    """Tell whether ``rule`` takes a line of ``text`` and no other rule takes it away."""
    lines = text.split("\n")
    if rule.kind == "noise":  # noise has to take only what something else would take
        return any(rulebook.takes(rule, line) for line in lines)
    found = rulebook.find(lines).values()
    return any(choose(line.rules)[0] is rule for line in found if line.rules)


def _blame(rulebook: Rulebook, rule: Rule, text: str) -> str:
    """Say why ``rule`` does not win a line of its example, and what mends it."""
    lines = text.split("\n")
    for line in rulebook.find(lines).values():
        if rule in line.rules:
            winner = choose(line.rules)[0]
            return (
                f"`{winner.id}` does ({explain_loss(winner, rule)}); "
                f"name that in supersedes, or give a higher priority than {winner.priority}"
            )
    stripped = [strip_prefix(line) for line in lines]
    expressions = linear.ExpressionSet(rule.match)
    if any(expressions.match(line.encode(errors="replace")) for line in stripped):
        return "an expression of unless spares it"
    if stripped != lines:
        return f"no expression matches what is left without its prefix, {stripped[0]!r}"
    return "no expression matches it"
