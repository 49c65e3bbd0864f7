"""The rules in use, compiled: which rules take which lines of a block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from panewatch.errors import linear
from panewatch.errors.command import PROMPTS
from panewatch.errors.expression import confine
from panewatch.errors.literals import Word, find_words, is_rare
from panewatch.errors.pack import RulesError
from panewatch.errors.prefix import strip_prefix
from panewatch.errors.rule import KINDS, Rule, Severity
from panewatch.errors.scanner import ExpressionError, Scanner
from panewatch.problems import Problem

_LOOKS_LIKE_TROUBLE: Final = (
    r"(?i)\b(?:errors?|fail(?:ed|ure|ures|s|ing)?|exceptions?|fatal|panic(?:ked)?|traceback"
    r"|critical|abort(?:ed|ing)?|segfault|killed|denied|refused|unable to|cannot|could not"
    r"|timed out)\b"
)
_LOOKS: Final = linear.ExpressionSet((_LOOKS_LIKE_TROUBLE,))
"""What a line looks like that may tell of trouble."""

_TROUBLE: Final = (
    "error", "fail", "exception", "fatal", "panic", "traceback", "critical", "abort", "segfault",
    "killed", "denied", "refused", "unable to", "cannot", "could not", "timed out",
)  # fmt: skip
"""One of these is in every line that looks like trouble, and in most that rules take."""

_REMEMBERED: Final = 4096
"""Lines whose rules are remembered: a flood repeats the same few."""

_LONGEST_REMEMBERED: Final = 512


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
        self.rules = _judge(rules, severities or {})
        self.by_id = {rule.id: rule for rule in self.rules}
        self.by_kind = {kind: [rule for rule in self.rules if rule.kind == kind] for kind in KINDS}
        self.kinds = tuple(sorted({(r.severity, r.category) for r in self.by_kind["error"]}))
        """Every severity and category that an incident can have."""
        self._order = {rule: place for place, rule in enumerate(sorted(self.rules, key=_rank))}
        self._trouble = len(self.rules)
        self._prompt = self._trouble + 1
        self._always: list[int] = []
        """Noise that no word tells of: tried on every line that is looked at."""
        self._first, self._second = self._compile()
        self._exact: dict[int, _Exact] = {}
        self._known: dict[str, Candidates] = {}

    def holds(self, rules: Sequence[Rule], severities: Mapping[str, Severity]) -> bool:
        """Tell whether it is made of just these rules, read anew."""
        return list(map(repr, self.rules)) == list(map(repr, _judge(rules, severities)))

    def _compile(self) -> tuple[Scanner, Scanner]:
        """Compile what is looked for in whole blocks, and what in single lines of those.

        Lines are chosen by the words that a rule cannot match without. What has none but
        words that every error has, and noise, is looked for in lines with such a word.
        """
        words: defaultdict[Word, set[int]] = defaultdict(set)
        common: defaultdict[Word, set[int]] = defaultdict(set)
        whole = [(prompt, self._prompt) for prompt in PROMPTS]
        for word in _TROUBLE:
            words[word, True].add(self._trouble)
        for number, rule in enumerate(self.rules):
            for expression in rule.match:
                needed, caseless = find_words(expression)
                mutes = rule.kind == "noise" and not rule.until
                if mutes or (needed and all(map(_tells_trouble, needed))):
                    target = common
                elif needed and all(map(is_rare, needed)):
                    target = words
                else:
                    whole.append((confine(expression, anchored=False), number))
                    continue
                if not needed:
                    self._always.append(number)
                for word in sorted(needed):
                    target[word, caseless].add(number)
        try:
            return Scanner(words, whole), Scanner(common)
        except ExpressionError as error:
            if error.number >= len(self.rules):  # our own: this machine cannot compile any
                message = f"cannot be compiled on this machine: {error}"
                raise RulesError([Problem("rules", 0, "", message)]) from None
            rule = self.rules[error.number]
            raise RulesError([Problem(rule.origin, rule.at, rule.id, f"match: {error}")]) from None

    def find(self, lines: Sequence[str]) -> dict[int, Candidates]:
        """Return what is known of the lines that mean something, by their index."""
        hits = self._first.scan("\n".join(lines).encode(errors="replace"))
        if not hits:
            return {}
        found: dict[int, Candidates] = {}
        for index, numbers in hits.items():
            line = lines[index]
            known = self._known.get(line)
            if known is None:
                known = self._look_up(line, numbers)
                self._remember(line, known)
            found[index] = known
        return found

    def _remember(self, line: str, known: Candidates) -> None:
        if len(line) > _LONGEST_REMEMBERED:
            return
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[line] = known

    def _look_up(self, line: str, numbers: set[int]) -> Candidates:
        """Find out which of the rules that may take a line do."""
        text = strip_prefix(line)
        encoded = text.encode(errors="replace")
        looks = self._trouble in numbers
        more: Iterable[int] = ()
        if looks or numbers != {self._prompt}:
            more = self._second.scan(encoded).get(0, ())
        rules = [
            self.rules[number]
            for number in {*numbers, *more, *self._always}
            if number < self._trouble and self._takes(number, encoded)
        ]
        if len(rules) > 1:
            rules.sort(key=self._order.__getitem__)
        return Candidates(
            tuple(rules),
            text,
            looks=looks and _LOOKS.match(encoded) != [],
            prompt=self._prompt in numbers,
        )

    def takes(self, rule: Rule, line: str) -> bool:
        """Tell whether ``rule`` takes ``line``, whatever other rules do."""
        return self._takes(self.rules.index(rule), strip_prefix(line).encode(errors="replace"))

    def _takes(self, number: int, text: bytes) -> bool:
        exact = self._exact.get(number)
        if exact is None:
            exact = self._exact[number] = _Exact(self.rules[number])
        return exact.takes(text)


def _judge(rules: Sequence[Rule], severities: Mapping[str, Severity]) -> tuple[Rule, ...]:
    """Return the rules with the severities that are asked for."""
    return tuple(
        replace(rule, severity=severities[rule.id]) if rule.id in severities else rule
        for rule in rules
    )


class _Exact:
    """One rule's expressions, compiled when a line first asks for them."""

    __slots__ = ("_count", "_set")

    def __init__(self, rule: Rule) -> None:
        self._set = linear.ExpressionSet((*rule.match, *rule.unless))
        self._count = len(rule.match)

    def takes(self, text: bytes) -> bool:
        found = self._set.match(text)
        return bool(found) and max(found) < self._count


def _tells_trouble(word: str) -> bool:
    plain = word.lower()
    return any(map(plain.__contains__, _TROUBLE))


def _rank(rule: Rule) -> tuple[int, int, str]:
    return (-rule.priority, KINDS.index(rule.kind), rule.severity if rule.kind == "error" else "")
