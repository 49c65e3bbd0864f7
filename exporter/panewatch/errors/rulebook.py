"""The rules in use, compiled: which rules take which lines of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from panewatch.errors import linear
from panewatch.errors.command import PROMPTS
from panewatch.errors.expression import confine
from panewatch.errors.pack import RulesError
from panewatch.errors.prefix import strip_prefix
from panewatch.errors.rule import KINDS, Rule, Severity
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
        self.by_kind = {kind: [rule for rule in self.rules if rule.kind == kind] for kind in KINDS}
        self.kinds = tuple(sorted({(r.severity, r.category) for r in self.by_kind["error"]}))
        """Every severity and category that an incident can have."""
        self._looks, self._prompt = len(self.rules), len(self.rules) + 1
        self._order = {rule: place for place, rule in enumerate(sorted(self.rules, key=_rank))}
        self._scanner = self._compile(noise=False)
        self._noise = self._compile(noise=True)
        self._exact: dict[int, _Exact] = {}
        self._known: dict[str, Candidates] = {}

    def _compile(self, *, noise: bool) -> Scanner:
        """Compile the rules for noise, or all others.

        Noise matters only where something else was found, so it is looked for there alone,
        in lines without their prefix.
        """
        expressions = [
            (rule, expression, number)
            for number, rule in enumerate(self.rules)
            if (rule.kind == "noise") is noise
            for expression in rule.match
        ]
        texts = [(confine(text, anchored=noise), number) for _, text, number in expressions]
        if not noise:
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
        hits = self._scanner.scan(block)
        if not hits:
            return {}
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        found: dict[int, Candidates] = {}
        for index, numbers in split_hits(block, hits).items():
            line = lines[index]
            known = self._known.get(line)
            if known is None:
                known = self._known[line] = self._look_up(line, numbers)
            found[index] = known
        return found

    def _look_up(self, line: str, numbers: set[int]) -> Candidates:
        """Find out which of the rules that may take a line do."""
        text = strip_prefix(line)
        encoded = text.encode(errors="replace")
        noise = {number for _, number in self._noise.scan(encoded)}
        rules = [
            self.rules[number]
            for number in (*numbers, *noise)
            if number < self._looks and self._takes(number, encoded)
        ]
        if len(rules) > 1:
            rules.sort(key=self._order.__getitem__)
        return Candidates(
            tuple(rules), text, looks=self._looks in numbers, prompt=self._prompt in numbers
        )

    def takes(self, rule: Rule, line: str) -> bool:
        """Tell whether ``rule`` takes ``line``, whatever other rules do."""
        return self._takes(self.rules.index(rule), strip_prefix(line).encode(errors="replace"))

    def _takes(self, number: int, text: bytes) -> bool:
        exact = self._exact.get(number)
        if exact is None:
            exact = self._exact[number] = _Exact(self.rules[number])
        return exact.takes(text)


class _Exact:
    """One rule's expressions, compiled when a line first asks for them."""

    __slots__ = ("_count", "_set")

    def __init__(self, rule: Rule) -> None:
        self._set = linear.ExpressionSet((*rule.match, *rule.unless))
        self._count = len(rule.match)

    def takes(self, text: bytes) -> bool:
        found = self._set.match(text)
        return bool(found) and max(found) < self._count


def _rank(rule: Rule) -> tuple[int, int, str]:
    return (-rule.priority, KINDS.index(rule.kind), rule.severity if rule.kind == "error" else "")
