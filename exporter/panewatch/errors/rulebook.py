"""The rules in use, compiled: which rules take which lines of a block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from panewatch import linear
from panewatch.errors.expression import confine
from panewatch.errors.pack import RulesError
from panewatch.errors.prefix import strip_prefix
from panewatch.errors.prompt import PROMPTS, Prompt, anchor, read_prompt
from panewatch.errors.rule import KINDS, Rule, Severity
from panewatch.errors.scanner import ExpressionError, Scanner
from panewatch.errors.trial import Trial
from panewatch.errors.words import Word, is_rare
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


class _Suspect(NamedTuple):
    """A line in which something was found, and what is known of it so far."""

    place: int
    line: str
    text: str
    encoded: bytes
    rules: Collection[int]
    troubled: bool
    prompt: bool


_NOTHING: Final = Candidates((), "", looks=False, prompt=False)


class Rulebook:
    """Rules, compiled for scanning. It never changes and may be shared by threads.

    Args:
        rules: In order of their packs; ids are unique.
        severities: Other severities for some rules, by id.
        prompts: Expressions of prompts besides the known ones, up to where a command begins.

    Raises:
        RulesError: an expression is not possible.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        severities: Mapping[str, Severity] | None = None,
        prompts: Sequence[str] = (),
    ) -> None:
        self._own_prompts = [linear.compile(anchor(prompt)) for prompt in prompts]
        own = [f"{anchor(prompt)} *[^ \\n]" for prompt in prompts]
        self._prompts = linear.ExpressionSet((*PROMPTS, *own))
        self._scanned = [confine(prompt) for prompt in PROMPTS]
        self._scanned += ["^" + confine(prompt, anchored=False) for prompt in own]
        self.rules = _judge(rules, severities or {})
        self.by_id = {rule.id: rule for rule in self.rules}
        self.by_kind = {kind: [rule for rule in self.rules if rule.kind == kind] for kind in KINDS}
        self.kinds = tuple(sorted({(r.severity, r.category) for r in self.by_kind["error"]}))
        """Every severity and category that an incident can have."""
        self._by_status = sorted((rule for rule in self.rules if rule.statuses), key=_rank)
        ranks = list(map(_rank, self.rules))
        best_first = sorted(range(len(self.rules)), key=ranks.__getitem__)
        self._order = {number: place for place, number in enumerate(best_first)}
        self._trial = Trial(self.rules, self._order)
        self._trouble = len(self._trial.expressions)
        self._prompt = self._trouble + 1
        self._always: list[int] = []
        """Expressions of noise that no word tells of."""
        self._first, self._second = self._compile()
        self._known: dict[str, Candidates] = {}

    def holds(
        self, rules: Sequence[Rule], severities: Mapping[str, Severity], prompts: Sequence[str]
    ) -> bool:
        """Tell whether it is made of just these rules and prompts, read anew."""
        own = [linear.compile(anchor(prompt)) for prompt in prompts]
        return own == self._own_prompts and list(map(repr, self.rules)) == list(
            map(repr, _judge(rules, severities))
        )

    def _compile(self) -> tuple[Scanner, Scanner]:
        """Compile what is looked for in whole blocks, and what in the lines that it finds.

        Lines are chosen by the words that a rule cannot match without. Noise, and words
        that tell of trouble, are looked for only where a line tells of trouble at all.
        """
        words: defaultdict[Word, set[int]] = defaultdict(set)
        common: defaultdict[Word, set[int]] = defaultdict(set)
        whole = [(prompt, self._prompt) for prompt in self._scanned]
        for word in _TROUBLE:
            words[word, True].add(self._trouble)
        texts = (text for rule in self.rules for text in rule.match)
        for number, (text, one) in enumerate(zip(texts, self._trial.expressions, strict=True)):
            rule = self.rules[one.rule]
            mutes = rule.kind == "noise" and not rule.until
            if mutes and not one.words:
                self._always.append(number)
            elif not mutes and not (one.words and all(map(_is_telling, one.words))):
                whole.append((confine(text, anchored=False), number))
            else:
                for word in sorted(one.words):
                    target = common if mutes or _tells_trouble(word) else words
                    target[word, one.caseless].add(number)
        try:
            return Scanner(words, whole), Scanner(common, once=True)
        except ExpressionError as error:
            if error.number >= self._trouble:  # our own: this machine cannot compile any
                message = f"cannot be compiled on this machine: {error}"
                raise RulesError([Problem("rules", 0, "", message)]) from None
            rule = self.rules[self._trial.expressions[error.number].rule]
            raise RulesError([Problem(rule.origin, rule.at, rule.id, f"match: {error}")]) from None

    def find(self, lines: Sequence[str]) -> dict[int, Candidates]:
        """Return what is known of the lines that mean something, by their index.

        Noise is found only where there is something to take a line from: the line tells
        of trouble, or another rule takes it.
        """
        hits = self._first.scan("\n".join(lines).encode(errors="replace"))
        found: dict[int, Candidates] = {}
        suspects: list[_Suspect] = []
        for index, numbers in hits.items():
            line = lines[index]
            known = self._known.get(line)
            if known is None:
                suspect = self._try_found(index, line, numbers)
                if suspect is not None:
                    suspects.append(suspect)
            elif known is not _NOTHING:
                found[index] = known
        if suspects:
            self._try_common(suspects, found)
        return found

    def _remember(self, line: str, known: Candidates) -> None:
        if len(line) > _LONGEST_REMEMBERED:
            return
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[line] = known

    def _try_found(self, index: int, line: str, numbers: frozenset[int]) -> _Suspect | None:
        """Try the rules whose words were found in a line; return it where it means something."""
        text = strip_prefix(line)
        encoded = text.encode(errors="replace")
        rules = self._trial.find(numbers, text, encoded)
        prompt = self._prompt in numbers and bool(
            self._prompts.match(line.encode(errors="replace"))
        )
        troubled = self._trouble in numbers
        if rules or troubled or prompt:
            return _Suspect(index, line, text, encoded, rules, troubled, prompt)
        self._remember(line, _NOTHING)
        return None

    def _try_common(self, suspects: Sequence[_Suspect], found: dict[int, Candidates]) -> None:
        """Try noise, and the rules whose words tell of trouble; add what is known then."""
        for suspect in suspects:
            place, line, text, encoded, rules, troubled, prompt = suspect
            if rules or troubled:
                numbers = self._second.search(encoded).union(self._always)
                rules = {*rules, *self._trial.find(numbers, text, encoded)}
            looks = troubled and bool(_LOOKS.match(encoded))
            known = _NOTHING
            if rules or looks or prompt:
                best_first = sorted(rules, key=self._order.__getitem__)
                named = tuple([self.rules[rule] for rule in best_first])
                known = found[place] = Candidates(named, text, looks, prompt)
            self._remember(line, known)

    def read_prompt(self, line: str) -> Prompt | None:
        """Return the prompt that ``line`` is; None where it is none."""
        return read_prompt(line, self._own_prompts)

    def find_status(self, status: int, seconds: float) -> Rule | None:
        """Return the rule that takes a failed command's exit status; None where none does."""
        fitting = (r for r in self._by_status if status in r.statuses and seconds >= r.lasted)
        return next(fitting, None)

    def takes(self, rule: Rule, line: str) -> bool:
        """Tell whether ``rule`` takes ``line``, whatever other rules do."""
        number = self.rules.index(rule)
        return self._trial.takes(number, strip_prefix(line).encode(errors="replace"))


def _judge(rules: Sequence[Rule], severities: Mapping[str, Severity]) -> tuple[Rule, ...]:
    """Return the rules with the severities that are asked for."""
    return tuple(
        replace(rule, severity=severities[rule.id]) if rule.id in severities else rule
        for rule in rules
    )


def _is_telling(word: str) -> bool:
    """Tell whether lines with ``word`` are few enough to be looked at."""
    return is_rare(word) or _tells_trouble(word)


def _tells_trouble(word: str) -> bool:
    plain = word.lower()
    return any(map(plain.__contains__, _TROUBLE))


def _rank(rule: Rule) -> tuple[int, int, str]:
    return (-rule.priority, KINDS.index(rule.kind), rule.severity if rule.kind == "error" else "")
