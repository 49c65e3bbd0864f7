"""``docs/rules.md``: every built-in rule, and how one is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from panewatch.errors.rule import CATEGORIES, FRICTIONS, KINDS, SEVERITIES, Rule

KEYS: Final = {
    "id": "Name of the rule, unique over all packs: small letters, digits and `-`.",
    "kind": "What a line that it takes means: `error` (the default), `noise`, `success` or"
    " `friction`.",
    "match": "A regular expression, or a list of them, in RE2's syntax. It is tried on the line"
    " without what stands before its own text: timestamps, ranks, containers' and agents' marks."
    " Begin it with `^` where the tool prints at the beginning of a line. It needs three"
    " characters that are as they are.",
    "unless": "Expressions that must not match the same line.",
    "category": f"What it is about: {', '.join(CATEGORIES)}.",
    "severity": f"How bad an error is: {', '.join(SEVERITIES)}; `P1` where it is left out.",
    "supersedes": "Ids of rules that it wins over on the same line.",
    "priority": "From -100 to 100, 0 where it is left out: of those that no other supersedes, the"
    " highest wins.",
    "joins": "Ids and categories of open incidents that such a line is a consequence of, or"
    " `any`: it then opens none of its own. On noise: what fails within the next four lines is"
    " a consequence of what failed last.",
    "until": "The line begins a block that ends with the next line that this matches. The rule"
    " of that last line names the incident.",
    "resolves": "For a success: the categories of incidents that it ends, or `any`.",
    "friction": f"Which friction a line counts as: {', '.join(FRICTIONS)}.",
    "statuses": "For an error: exit statuses of commands that it takes too, or `any`, where the"
    " pane's shell [reports them](errors.md#exit-statuses). Such a rule may do without `match`.",
    "lasted": "Seconds that a command must have run for its status to be taken.",
    "suggestion": "What the operator can do. Every error has one: alerts show it.",
    "examples": "Lines that the rule must take; `check-config` tries them.",
    "counterexamples": "Lines that it must not take.",
}
"""What each key of a rule means."""

_TITLES: Final = {
    "success": ("Successes", "They end open incidents of the categories that they resolve."),
    "friction": ("Friction", "Counted, and no failure by itself."),
    "noise": ("Noise", "Lines that look like errors and are none."),
}
_SHOWN: Final = 110
"""Characters of an example that are shown."""


def render_rules(rules: Sequence[Rule]) -> list[str]:
    """Return the lines of the page, below its title."""
    counts = ", ".join(f"{sum(rule.kind == kind for rule in rules)} {kind}" for kind in KINDS)
    lines = [
        f"{len(rules)} rules come with panewatch: {counts}. [Errors](errors.md) says how they",
        "work together and how to add your own; `panewatch rules` lists those in use and",
        "`panewatch explain FILE` shows which of them takes which line.",
        "",
        "## How a rule is written",
        "",
        "| key | meaning |",
        "|---|---|",
        *(f"| `{key}` | {meaning} |" for key, meaning in KEYS.items()),
    ]
    for category in CATEGORIES:
        chosen = [rule for rule in rules if rule.kind == "error" and rule.category == category]
        lines += ["", f"## Errors: {category}", "", "| rule | severity | takes, for example |"]
        lines += ["|---|---|---|", *map(_render_error, sorted(chosen, key=_sort))]
    for kind, (title, meaning) in _TITLES.items():
        lines += ["", f"## {title}", "", meaning, "", "| rule | takes, for example |", "|---|---|"]
        lines += (
            f"| `{rule.id}` | {_show_example(rule)} |"
            for rule in sorted(rules, key=_sort)
            if rule.kind == kind
        )
    return lines


def _render_error(rule: Rule) -> str:
    suggestion = _escape(rule.suggestion)
    return f"| `{rule.id}` | {rule.severity} | {_show_example(rule)}<br>{suggestion} |"


def _sort(rule: Rule) -> tuple[str, str]:
    return rule.severity, rule.id


def _show_example(rule: Rule) -> str:
    line = next(filter(None, map(str.strip, _list_lines(rule))), "")
    if not line:
        lasted = f" after {rule.lasted:.0f} s or more" if rule.lasted else ""
        return f"the exit status of a command{lasted}"
    cut = line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
    return "`` " + _escape(cut) + " ``"


def _list_lines(rule: Rule) -> Iterator[str]:
    for example in rule.examples:
        yield from example.split("\n")


def _escape(text: str) -> str:
    return text.replace("|", "\\|")
