"""Packs of rules: YAML files, ours and the user's, read with every mistake named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import Annotated, Any, Final

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from panewatch import linear, strict_yaml
from panewatch.errors.literals import find_words
from panewatch.errors.rule import (
    ANY,
    CATEGORIES,
    FRICTIONS,
    SEVERITIES,
    STATUSES,
    Category,
    Friction,
    Kind,
    Rule,
    Severity,
)
from panewatch.problems import Path, Problem, ProblemsError, show_path
from panewatch.settings_types import Section

_LEAST_LETTERS: Final = 3
_LONGEST_SUGGESTION: Final = 200
"""It becomes a label, and Prometheus may refuse a scrape with one over 512 bytes."""

_MOST_SUGGESTION_BYTES: Final = 512
_TEXTS: Final = "text, or a list of texts, none of them empty"

_ALLOWED: Final = {
    "id": "a name of small letters, digits and `-`, at most 64",
    "kind": "error, noise, success or friction",
    "category": f"one of {', '.join(CATEGORIES)}",
    "severity": f"one of {', '.join(SEVERITIES)}",
    "friction": f"one of {', '.join(FRICTIONS)}",
    "suggestion": f"text of at most {_LONGEST_SUGGESTION} characters and 512 bytes",
    "statuses": "a whole number from 1 to 255, a list of them, or any",
    "lasted": "a number of seconds, 0 or more",
    "priority": "a whole number from -100 to 100",
}


class RulesError(ProblemsError):
    """A pack cannot be used; the rules in use stay."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Text = Annotated[str, Field(min_length=1, max_length=4096)]
_Texts = Annotated[list[_Text], BeforeValidator(_listed)]


def _number(value: Any) -> Any:
    if value == ANY:
        return list(STATUSES)
    return [value] if isinstance(value, int) else value


_Status = Annotated[int, Field(ge=STATUSES[0], le=STATUSES[-1], strict=True)]
_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class _Entry(Section):
    """One rule as it is written."""

    id: _Id
    kind: Kind = "error"
    match: _Texts = Field(default=[])
    category: Category = "other"
    severity: Severity | None = None
    unless: _Texts = Field(default=[])
    supersedes: _Texts = Field(default=[])
    priority: Annotated[int, Field(ge=-100, le=100, strict=True)] = 0
    joins: _Texts = Field(default=[])
    until: str = ""
    resolves: _Texts = Field(default=[])
    friction: Friction | None = None
    statuses: Annotated[list[_Status], BeforeValidator(_number)] = Field(default=[])
    lasted: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    suggestion: Annotated[str, Field(max_length=_LONGEST_SUGGESTION)] = ""
    examples: _Texts = Field(default=[])
    counterexamples: _Texts = Field(default=[])


class _Pack(Section):
    """A file of rules."""

    rules: list[_Entry]


def load_builtin() -> tuple[Rule, ...]:
    """Read the packs that come with panewatch, in order of their names."""
    folder = resources.files("panewatch.errors") / "packs"
    rules: list[Rule] = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            # Ours are known to be good, and the quicker parser saves a second at the start.
            content = yaml.load(file.read_bytes(), Loader=_QUICK)  # noqa: S506  # a safe one
            pack = _Pack.model_validate(content)
            rules += (_build(entry, file.name) for entry in pack.rules)
    return tuple(rules)


_QUICK: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_file(path: str) -> tuple[Rule, ...]:
    """Read a pack of the user's.

    Raises:
        RulesError: with every problem: its file, line, rule and what is allowed.
    """
    try:
        document = strict_yaml.read(path)
    except ProblemsError as error:
        raise RulesError(error.problems) from None
    try:
        pack = _Pack.model_validate(document.value)
    except ValidationError as error:
        raise RulesError(_explain(document, error)) from None
    rules = tuple(
        _build(entry, path, document.line(("rules", index)))
        for index, entry in enumerate(pack.rules)
    )
    problems = [
        Problem(path, document.line(("rules", index, key)), _name(rule, index, key), message)
        for index, rule in enumerate(rules)
        for key, message in find_mistakes(rule)
    ]
    if problems:
        raise RulesError(problems)
    return rules


def find_mistakes(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield (key, what is wrong) for what the shape of an entry does not forbid."""
    yield from _find_no_expressions(rule)
    yield from _find_nothing_taken(rule)
    for expression in rule.match:
        words, _ = find_words(expression)
        if max(map(len, words), default=0) < _LEAST_LETTERS:
            yield "match", f"`{expression}` needs {_LEAST_LETTERS} characters that are as they are"
    if len(rule.suggestion.encode()) > _MOST_SUGGESTION_BYTES:
        yield "suggestion", f"must be {_ALLOWED['suggestion']}"
    if rule.kind == "error" and not rule.suggestion:
        yield "suggestion", "is missing: say what the operator can do"
    if rule.kind == "success" and not rule.resolves:
        yield "resolves", "is missing: give the categories that this success ends, or `any`"
    if rule.kind == "friction" and rule.friction is None:
        yield "friction", f"is missing; give {_ALLOWED['friction']}"
    for name in sorted(rule.resolves - {*CATEGORIES, ANY}):
        yield "resolves", f"`{name}` is no category; {_ALLOWED['category']}, or any"


def _find_nothing_taken(rule: Rule) -> Iterator[tuple[str, str]]:
    if not rule.match and not rule.statuses:
        yield "match", f"is missing; give {_TEXTS}"
    if rule.match and not rule.examples:
        yield "examples", f"is missing; give {_TEXTS}"
    if rule.statuses and rule.kind != "error":
        yield "statuses", "is for errors: other rules take lines only"
    if rule.lasted and not rule.statuses:
        yield "lasted", "is for rules that have statuses"


def _find_no_expressions(rule: Rule) -> Iterator[tuple[str, str]]:
    texts = {"match": rule.match, "unless": rule.unless, "until": (rule.until,)}
    for key, expressions in texts.items():
        for expression in expressions:
            try:
                linear.compile(expression)
            except ValueError as error:
                yield key, f"`{expression}` is no regular expression of RE2: {error}"


def check_together(rules: Sequence[Rule], others: Sequence[Rule] = ()) -> Iterator[Problem]:
    """Yield what is wrong between ``rules``, or between them and ``others``.

    That is an id that is there twice, and a reference to a rule that is not there.
    """
    seen = {rule.id: rule for rule in others}
    for rule in rules:
        other = seen.setdefault(rule.id, rule)
        if other is not rule:
            message = f"is the id of a rule of {other.origin} too"
            yield Problem(rule.origin, rule.at, rule.id, message)
    known = {*seen, *CATEGORIES, ANY}
    for rule in rules:
        for key, names in (("supersedes", rule.supersedes), ("joins", rule.joins)):
            for name in sorted(names - known):
                message = f"{key} names `{name}`, which is no rule"
                yield Problem(rule.origin, rule.at, rule.id, message)


def _build(entry: _Entry, origin: str, at: int = 0) -> Rule:
    return Rule(
        id=entry.id,
        kind=entry.kind,
        match=tuple(entry.match),
        category=entry.category,
        severity=entry.severity or "P1",
        unless=tuple(entry.unless),
        supersedes=frozenset(entry.supersedes),
        priority=entry.priority,
        joins=frozenset(entry.joins),
        until=entry.until,
        resolves=frozenset(entry.resolves),
        friction=entry.friction,
        statuses=frozenset(entry.statuses),
        lasted=entry.lasted,
        suggestion=" ".join(entry.suggestion.split()),
        examples=tuple(entry.examples),
        counterexamples=tuple(entry.counterexamples),
        origin=origin,
        at=at,
    )


def _name(rule: Rule, index: int, key: str) -> str:
    return f"rules[{index}].{key} ({rule.id})"


def _explain(document: strict_yaml.Document, error: ValidationError) -> Iterable[Problem]:
    for details in error.errors(include_url=False, include_input=False):
        path: Path = details["loc"]
        kind, key = details["type"], path[-1] if path else ""
        where = [part for part in path if isinstance(part, str)]
        if kind == "extra_forbidden":
            section = _Entry if where[0] == "rules" and len(where) > 1 else _Pack
            message = f"unknown key; allowed: {', '.join(section.model_fields)}"
        elif kind == "missing":
            message = f"is missing; give {_ALLOWED.get(str(key), _TEXTS)}"
        elif len(path) < 3:  # noqa: PLR2004  # rules, index, key
            message = "must be a file with one key, `rules`: a list of rules"
        else:
            message = f"must be {_ALLOWED.get(where[-1], _TEXTS)}"
        yield Problem(document.name, document.line(path), show_path(path), message)
