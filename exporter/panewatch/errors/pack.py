"""Packs of rules: YAML files, ours and the user's, read with every mistake named."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, Field, ValidationError

from panewatch import linear, own_data, strict_yaml
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
_ID: Final = r"[a-z0-9][a-z0-9-]{0,63}"
_Id = Annotated[str, Field(pattern=f"^{_ID}$")]


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


class _Shape(Section):
    """A file of rules that are not looked at yet."""

    rules: list[Any]


class PackFile(NamedTuple):
    """What is in a pack.

    Attributes:
        rules: Those that nothing is wrong with by themselves.
        ids: The ids of all rules.
        problems: What is wrong with the others, or with the file.
    """

    rules: tuple[Rule, ...]
    ids: frozenset[str]
    problems: tuple[Problem, ...]


def load_builtin() -> tuple[Rule, ...]:
    """Read the packs that come with panewatch, in order of their names."""
    rules: list[Rule] = []
    for name, content in own_data.load_folder("panewatch.errors", "packs"):
        pack = _Pack.model_validate(content)
        rules += (_build(entry, name) for entry in pack.rules)
    return tuple(rules)


def load_file(path: str) -> tuple[Rule, ...]:
    """Read a pack of the user's.

    Raises:
        RulesError: with every problem: its file, line, rule and what is allowed.
    """
    pack = read_file(path)
    if pack.problems:
        raise RulesError(pack.problems)
    return pack.rules


def read_file(path: str) -> PackFile:
    """Read a pack of the user's, as far as it is right."""
    try:
        document = strict_yaml.read(path)
    except ProblemsError as error:
        return PackFile((), frozenset(), error.problems)
    problems: list[Problem] = []
    try:
        _Shape.model_validate(document.value)
    except ValidationError as error:
        problems += _explain_file(document, error)
    rules: list[Rule] = []
    ids: set[str] = set()
    for index, written in enumerate(_list_entries(document.value)):
        place: Path = ("rules", index)
        name = _find_id(written)
        ids.add(name)
        try:
            entry = _Entry.model_validate(written)
        except ValidationError as error:
            problems += _explain_entry(document, error, place, name)
            continue
        rule = _build(entry, path, document.line(place))
        mistakes = [
            Problem(path, document.line((*place, key)), f"{name}.{key}", message)
            for key, message in find_mistakes(rule)
        ]
        problems += mistakes
        if not mistakes:
            rules.append(rule)
    return PackFile(tuple(rules), frozenset(ids - {""}), tuple(problems))


def _list_entries(content: Any) -> list[Any]:
    rules = content.get("rules") if isinstance(content, dict) else None
    return rules if isinstance(rules, list) else []


def _find_id(written: Any) -> str:
    """Return the id of a rule as it is written; empty where it has none that is right."""
    name = written.get("id") if isinstance(written, dict) else None
    return name if isinstance(name, str) and re.fullmatch(_ID, name) else ""


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


def check_together(
    rules: Sequence[Rule], others: Sequence[Rule] = (), ids: Collection[str] = ()
) -> Iterator[Problem]:
    """Yield what is wrong between ``rules``, or between them and ``others``.

    That is an id that is there twice, and a reference to a rule that is not there. ``ids`` are
    of rules that are there too, though nothing else is known of them.
    """
    seen = {rule.id: rule for rule in others}
    for rule in rules:
        other = seen.setdefault(rule.id, rule)
        if other is not rule:
            message = f"is the id of a rule of {other.origin} too"
            yield Problem(rule.origin, rule.at, rule.id, message)
    known = {*seen, *ids, *CATEGORIES, ANY}
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


def _explain_file(document: strict_yaml.Document, error: ValidationError) -> Iterator[Problem]:
    """Say what is wrong with a file apart from its rules."""
    for details in error.errors(include_url=False, include_input=False):
        path: Path = details["loc"]
        message = "must be a file with one key, `rules`: a list of rules"
        if details["type"] == "extra_forbidden":
            message = _refuse_key(path, _Shape)
        yield Problem(document.name, document.line(path), show_path(path), message)


def _explain_entry(
    document: strict_yaml.Document, error: ValidationError, place: Path, name: str
) -> Iterator[Problem]:
    """Say what is wrong with a rule, by its id where it has one."""
    for details in error.errors(include_url=False, include_input=False):
        path: Path = details["loc"]
        kind = details["type"]
        keys = [part for part in path if isinstance(part, str)]
        if not keys:
            message = f"must be a rule, with the keys {', '.join(_Entry.model_fields)}"
        elif kind == "extra_forbidden":
            message = _refuse_key(path, _Entry)
        else:
            allowed = _ALLOWED.get(keys[-1], _TEXTS)
            message = f"is missing; give {allowed}" if kind == "missing" else f"must be {allowed}"
        where = show_path((name, *path) if name else (*place, *path))
        yield Problem(document.name, document.line((*place, *path)), where, message)


def _refuse_key(path: Path, section: type[Section]) -> str:
    near = get_close_matches(str(path[-1]), section.model_fields, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"unknown key; {hint}allowed: {', '.join(section.model_fields)}"
