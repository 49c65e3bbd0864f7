"""From settings to rules in use: built-in packs, the user's, other severities."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from panewatch import linear
from panewatch.config import ErrorsSettings
from panewatch.errors.examples import check_counterexamples, check_examples
from panewatch.errors.pack import RulesError, check_together, load_builtin, read_file
from panewatch.errors.prompt import anchor
from panewatch.errors.rulebook import Rulebook
from panewatch.problems import Problem

_ORDINARY: Final = (
    "x", "12", "ready", "Error: it failed", "error: it failed", "12:01:02 INFO ready", "- one",
    "2026-01-01 12:01:02,123 ERROR it failed", "Traceback (most recent call last):", "x = 1",
)  # fmt: skip
"""Lines that are no prompts: an expression that takes one would take many."""


def build_rulebook(settings: ErrorsSettings, in_use: Rulebook | None = None) -> Rulebook:
    """Read and compile all rules; where they are those ``in_use``, return these.

    Raises:
        RulesError: with everything that is wrong with the user's packs, severities and
            prompts, the examples of packs included.
    """
    builtin = load_builtin()
    packs = [read_file(path) for path in settings.packs]
    ids = {name for pack in packs for name in pack.ids}
    own = [rule for pack in packs for rule in pack.rules]
    problems = [problem for pack in packs for problem in pack.problems]
    problems += check_together(own, builtin, ids)
    whole = not problems
    # The first of each id, so that the others can be tried.
    by_id = {rule.id: rule for rule in (*reversed(own), *builtin)}
    own = [rule for rule in own if by_id[rule.id] is rule]
    rules = [*builtin, *own]
    problems += _find_unknown(settings, {*ids, *by_id})
    refused = list(_find_bad_prompts(settings))
    problems += refused
    prompts = () if refused else settings.prompts
    dropped = {name for name, severity in settings.severity.items() if severity == "off"}
    severities = {
        name: severity for name, severity in settings.severity.items() if severity != "off"
    }
    chosen = [rule for rule in rules if rule.id not in dropped]
    if in_use is not None and not problems and in_use.holds(chosen, severities, prompts):
        return in_use
    try:
        rulebook = Rulebook(chosen, severities, prompts)
    except RulesError as error:
        raise RulesError([*problems, *error.problems]) from None
    # Those in use: with another severity, and without what is off.
    tried = [rule for rule in rulebook.rules if rule.id in ids]
    problems += check_examples(rulebook, tried)
    if whole:  # else a rule may be missing that takes the line away
        problems += check_counterexamples(rulebook, tried)
    if problems:
        raise RulesError(problems)
    return rulebook


def _find_unknown(settings: ErrorsSettings, known: set[str]) -> Iterator[Problem]:
    for name in settings.severity:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            yield settings.blame(("severity", name), f"is no rule{hint}")


def _find_bad_prompts(settings: ErrorsSettings) -> Iterator[Problem]:
    for index, prompt in enumerate(settings.prompts):
        try:
            expression = linear.compile(f"{anchor(prompt)} *[^ ]")
        except ValueError as error:
            yield settings.blame(("prompts", index), f"is no expression: {error}")
            continue
        taken = next((line for line in _ORDINARY if expression.match(line) is not None), None)
        if taken is not None:
            message = f"could be the beginning of any line, such as {taken!r}"
            yield settings.blame(("prompts", index), message)
