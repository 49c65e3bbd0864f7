"""From settings to rules in use: built-in packs, the user's, other severities."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from panewatch.config import ErrorsSettings
from panewatch.errors.examples import check_counterexamples, check_examples
from panewatch.errors.pack import RulesError, check_together, load_builtin, read_file
from panewatch.errors.rulebook import Rulebook
from panewatch.problems import Problem


def build_rulebook(settings: ErrorsSettings, in_use: Rulebook | None = None) -> Rulebook:
    """Read and compile all rules; where they are those ``in_use``, return these.

    Raises:
        RulesError: with everything that is wrong with the user's packs and severities,
            their examples included.
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
    dropped = {name for name, severity in settings.severity.items() if severity == "off"}
    severities = {
        name: severity for name, severity in settings.severity.items() if severity != "off"
    }
    chosen = [rule for rule in rules if rule.id not in dropped]
    if in_use is not None and not problems and in_use.holds(chosen, severities):
        return in_use
    try:
        rulebook = Rulebook(chosen, severities)
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
            yield settings.blame(name, f"is no rule{hint}")
