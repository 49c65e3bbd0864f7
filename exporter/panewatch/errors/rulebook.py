"""The rules in use, compiled: which rules take which lines of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from panewatch.errors.command import PROMPTS
from panewatch.errors.expression import confine
from panewatch.errors.pack import RulesError
from panewatch.errors.prefix import strip_prefix
from panewatch.errors.rule import Rule, Severity
from panewatch.errors.scanner import ExpressionError, Scanner, split_hits
from panewatch.problems import Problem

_LOOKS: Final = (
    r"(?i)\b(?:errors?|fail(?:ed|ure|ures|s|ing)?|exceptions?|fatal|panic(?:ked)?|traceback|critical"
    r"|abort(?:ed|ing)?|segfault|killed|denied|refused|unable to|cannot|could not|timed out)\b"
)
"""What a line looks like that may tell of trouble."""

_REMEMBERED: Final = 4096
"""Lines whose rules are remembered: a flood repeats the same few."""


class Candidates(NamedTuple):
    """What is known of one line: the rules that match it, best first.

    ``text`` is the line without its prefix; ``looks`` tells that it looks like trouble;
    ``prompt`` that it may be a command line.
    """

    rules: tuple[Rule, ...]
    text: str
    looks: bool
    prompt: bool


class Rulebook:
    """Rules, compiled for scanning. It never changes and may be shared by threads.

    Args:
        rules: In order of their packs; ids are unique.
        severities: Other severities for some rules, by id.

    Raises:
        RulesError: an expression is not possible.
    """

    def __init__(
        self, rules: Sequence[Rule], severities: Mapping[str, Severity] | None = None
    ) -> None:
        severities = severities or {}
        self.rules = tuple(
            replace(rule, severity=severities[rule.id]) if rule.id in severities else rule
            for rule in rules
        )
        self.by_id = {rule.id: rule for rule in self.rules}
        self._looks, self._prompt = 2 * len(self.rules), 2 * len(self.rules) + 1
        self._order = {rule: place for place, rule in enumerate(sorted(self.rules, key=_rank))}
        self._coarse = self._compile(anchored=False)
        self._exact = self._compile(anchored=True)
        self._known: dict[str, Candidates] = {}

    def _compile(self, *, anchored: bool) -> Scanner:
        """Compile all expressions, for whole blocks or (``anchored``) for lines without prefix."""
        expressions = [
            (rule, expression, 2 * number)
            for number, rule in enumerate(self.rules)
            for expression in rule.match
        ]
        if anchored:
            expressions += [
                (rule, expression, 2 * number + 1)
                for number, rule in enumerate(self.rules)
                for expression in rule.unless
            ]
        texts = [(confine(text, anchored=anchored), number) for _, text, number in expressions]
        if not anchored:
            texts.append((_LOOKS, self._looks))
            texts += [(prompt, self._prompt) for prompt in PROMPTS]
        try:
            return Scanner(texts)
        except ExpressionError as error:
            if error.index >= len(expressions):
                raise
            rule, text, _ = expressions[error.index]
            problem = Problem(rule.origin, 0, rule.id, f"`{text}` is not possible: {error}")
            raise RulesError([problem]) from None

    def find(self, lines: Sequence[str]) -> dict[int, Candidates]:
        """Return what is known of the lines that mean something, by their index."""
        block = "\n".join(lines).encode(errors="replace")
        hits = self._coarse.scan(block)
        if not hits:
            return {}
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        found: dict[int, Candidates] = {}
        unknown: dict[int, tuple[set[int], str]] = {}
        for index, numbers in split_hits(block, hits).items():
            known = self._known.get(lines[index])
            if known is None:
                unknown[index] = numbers, strip_prefix(lines[index])
            else:
                found[index] = known
        if unknown:
            exact = self._match([text for _, text in unknown.values()])
            for place, (index, (numbers, text)) in enumerate(unknown.items()):
                candidates = Candidates(
                    exact.get(place, ()), text, self._looks in numbers, self._prompt in numbers
                )
                found[index] = self._known[lines[index]] = candidates
        return found

    def _match(self, texts: Sequence[str]) -> dict[int, tuple[Rule, ...]]:
        """Return the rules that take lines without prefixes, by index, best first."""
        block = "\n".join(texts).encode(errors="replace")
        rules = self.rules
        taken: dict[int, tuple[Rule, ...]] = {}
        for place, numbers in split_hits(block, self._exact.scan(block)).items():
            matching = [
                rules[number // 2]
                for number in numbers
                if not number % 2 and number + 1 not in numbers
            ]
            if len(matching) > 1:
                matching.sort(key=self._order.__getitem__)
            taken[place] = tuple(matching)
        return taken


def _rank(rule: Rule) -> tuple[int, int, str]:
    kinds = ("noise", "error", "friction", "success")
    return (-rule.priority, kinds.index(rule.kind), rule.severity if rule.kind == "error" else "")
