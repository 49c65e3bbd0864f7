"""From settings to rules in use: built-in packs, the user's, other severities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from panewatch.config import ErrorsSettings
from panewatch.errors.classifier import choose
from panewatch.errors.pack import RulesError, check_together, load_builtin, load_file
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook
from panewatch.problems import Problem


def build_rulebook(settings: ErrorsSettings, in_use: Rulebook | None = None) -> Rulebook:
    """Read and compile all rules; where they are those ``in_use``, return these.

    Raises:
        RulesError: with everything that is wrong with the user's packs and severities,
            their examples included.
    """
    builtin = load_builtin()
    own: list[Rule] = []
    problems: list[Problem] = []
    for path in settings.packs:
        try:
            own += load_file(path)
        except RulesError as error:
            problems += error.problems
    problems += check_together(own, builtin)
    rules = [*builtin, *own]
    problems += _find_unknown(settings, {rule.id for rule in rules})
    if problems:
        raise RulesError(problems)
    dropped = {name for name, severity in settings.severity.items() if severity == "off"}
    severities = {
        name: severity for name, severity in settings.severity.items() if severity != "off"
    }
    chosen = [rule for rule in rules if rule.id not in dropped]
    if in_use is not None and in_use.holds(chosen, severities):
        return in_use
    rulebook = Rulebook(chosen, severities)
    # Those in use: with another severity, and without what is off.
    ids = {rule.id for rule in own}
    failed = list(check_examples(rulebook, [r for r in rulebook.rules if r.id in ids]))
    if failed:
        raise RulesError(failed)
    return rulebook


def check_examples(rulebook: Rulebook, rules: Iterable[Rule]) -> Iterator[Problem]:
    """Yield the examples that their rule does not win, the counterexamples that it does."""
    for rule in rules:
        for example in rule.examples:
            if not _wins(rulebook, rule, example):
                message = f"does not take its example {example!r}"
                yield Problem(rule.origin, rule.at, rule.id, message)
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


def _find_unknown(settings: ErrorsSettings, known: set[str]) -> Iterator[Problem]:
    for name in settings.severity:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            yield Problem("errors.severity", 0, name, f"is no rule{hint}")
