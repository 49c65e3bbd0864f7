"""Packs of screens as files, read with every mistake named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from panewatch import linear, own_data, strict_yaml
from panewatch.panes.model import Screen, Tasks
from panewatch.panes.screens.pack import (
    KINDS,
    STATES,
    Example,
    Kind,
    Marker,
    Pack,
    State,
    Tally,
    TaskList,
)
from panewatch.panes.screens.region import PLACES, Region
from panewatch.problems import Path, Problem, ProblemsError, show_path
from panewatch.settings_types import Section

_MOST_ROWS: Final = 80
_TEXTS: Final = "text, or a list of texts, none of them empty"
_ALLOWED: Final = {
    "id": "a name of small letters, digits and `-`, at most 64",
    "agent": "a name of 1 to 64 letters, digits, `_`, `.` or `-`",
    "state": f"one of {', '.join(STATES)}",
    "kind": f"one of {', '.join(KINDS)}, with the state waiting_input and no other",
    "in": f"one of {', '.join(PLACES)}, and a number of rows from 1 to {_MOST_ROWS} after it"
    " where fewer count, as in `last 6`",
    "priority": "a whole number from -100 to 100",
    "date": "a day such as 2026-08-19",
    "carries": "true or false",
    "alternate": "true or false",
    "always": "true or false",
    "alone": "true or false",
}


class ScreensError(ProblemsError):
    """A pack cannot be used; those in use stay."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _parse_region(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("not a region")  # noqa: TRY004 - pydantic takes no TypeError
    place, _, count = value.partition(" ")
    rows = int(count) if count.isdecimal() and count.isascii() else 0 if count else _MOST_ROWS
    if place not in PLACES or not 1 <= rows <= _MOST_ROWS:
        raise ValueError("not a region")
    return Region(place, rows)


def _check_expression(text: str) -> str:
    try:
        linear.compile(text)
    except ValueError as error:
        told = f"`{text}` is no regular expression of RE2: {error}"
        raise ValueError(told) from None
    return text


_Text = Annotated[str, Field(min_length=1, max_length=4096)]
_Texts = Annotated[list[_Text], BeforeValidator(_listed)]
_Expressions = Annotated[
    list[Annotated[_Text, AfterValidator(_check_expression)]], BeforeValidator(_listed)
]
_Region = Annotated[Region, BeforeValidator(_parse_region)]
_Number = Annotated[int, Field(ge=0, le=9999, strict=True)]
_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
_Agent = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,64}$")]


def _check_kind(state: State, kind: Kind) -> None:
    if (state == "waiting_input") != bool(kind):
        raise ValueError(f"kind must be {_ALLOWED['kind']}")


class _Sign(Section):
    region: _Region = Field(alias="in")
    match: _Expressions = Field(default=[])
    says: _Texts = Field(default=[])
    unless: _Expressions = Field(default=[])
    alternate: bool = False


class _Marker(_Sign):
    state: State
    kind: Kind = ""

    @model_validator(mode="after")
    def _check(self) -> _Marker:
        _check_kind(self.state, self.kind)
        if not self.match and not self.says:
            raise ValueError("needs `match`, `says` or both")
        return self


class _Otherwise(Section):
    state: State
    kind: Kind = ""

    @model_validator(mode="after")
    def _check(self) -> _Otherwise:
        _check_kind(self.state, self.kind)
        return self


class _Tally(Section):
    region: _Region = Field(alias="in")
    match: Annotated[_Expressions, Field(min_length=1)]


class _TaskList(Section):
    region: _Region = Field(alias="in")
    pending: _Expressions = Field(default=[])
    in_progress: _Expressions = Field(default=[])
    done: _Expressions = Field(default=[])


class _Tasks(Section):
    pending: _Number = 0
    in_progress: _Number = 0
    done: _Number = 0


class _Seen(Section):
    name: _Text
    source: _Text
    date: dt.date
    screen: _Text


class _Example(_Seen):
    state: State
    kind: Kind = ""
    alone: bool = True
    jobs: _Number | None = None
    tasks: _Tasks | None = None


class _Pack(Section):
    id: _Id
    title: _Text
    agent: _Agent = ""
    processes: _Texts = Field(default=[])
    process_match: _Expressions = Field(default=[])
    carries: bool = False
    priority: Annotated[int, Field(ge=-100, le=100, strict=True)] = 0
    always: bool = False
    signs: list[_Sign] = Field(default=[])
    markers: list[_Marker] = Field(default=[])
    otherwise: _Otherwise | None = None
    jobs: list[_Tally] = Field(default=[])
    tasks: list[_TaskList] = Field(default=[])
    examples: list[_Example] = Field(default=[])
    counterexamples: list[_Seen] = Field(default=[])


def load_builtin() -> tuple[Pack, ...]:
    """Read the packs that come with panewatch, in order of their names."""
    found = own_data.load_folder("panewatch.panes.screens", "packs")
    return tuple(_build(_Pack.model_validate(content), name) for name, content in found)


def load_file(path: str) -> Pack:
    """Read a pack of the user's.

    Raises:
        ScreensError: with every problem: its file, line, pack, key and what is allowed.
    """
    try:
        document = strict_yaml.read(path)
    except ProblemsError as error:
        raise ScreensError(error.problems) from None
    try:
        content = _Pack.model_validate(document.value)
    except ValidationError as error:
        raise ScreensError(_explain(document, error)) from None
    return _build(content, path, document)


def _build(content: _Pack, origin: str, document: strict_yaml.Document | None = None) -> Pack:
    otherwise = content.otherwise
    return Pack(
        id=content.id,
        title=content.title,
        agent=content.agent,
        processes=frozenset(content.processes),
        process_match=tuple(content.process_match),
        carries=content.carries,
        priority=content.priority,
        always=content.always,
        signs=tuple(_build_marker(sign, "unknown", "") for sign in content.signs),
        markers=tuple(_build_marker(one, one.state, one.kind) for one in content.markers),
        otherwise=(
            None
            if otherwise is None
            else Marker(otherwise.state, otherwise.kind, Region("screen", 1))
        ),
        jobs=tuple(Tally(one.region, tuple(one.match)) for one in content.jobs),
        tasks=tuple(
            TaskList(one.region, tuple(one.pending), tuple(one.in_progress), tuple(one.done))
            for one in content.tasks
        ),
        examples=tuple(_build_examples(content, document)),
        origin=origin,
    )


def _build_marker(sign: _Sign, state: State, kind: Kind) -> Marker:
    return Marker(
        state=state,
        kind=kind,
        region=sign.region,
        match=tuple(sign.match),
        says=tuple(sign.says),
        unless=tuple(sign.unless),
        alternate=sign.alternate,
    )


def _build_examples(content: _Pack, document: strict_yaml.Document | None) -> Iterator[Example]:
    for key, listed in (
        ("examples", content.examples),
        ("counterexamples", content.counterexamples),
    ):
        for index, one in enumerate(listed):
            example = one if isinstance(one, _Example) else None
            yield Example(
                screen=one.screen,
                means=None if example is None else _tell(content, example),
                alone=example is None or example.alone,
                name=one.name,
                source=one.source,
                date=one.date.isoformat(),
                at=document.line((key, index)) if document else 0,
            )


def _tell(content: _Pack, example: _Example) -> Screen:
    tasks = None
    if example.tasks is not None:
        listed = example.tasks
        tasks = Tasks(listed.pending, listed.in_progress, listed.done)
    jobs = example.jobs
    return Screen(example.state, example.kind, content.id, content.agent, jobs, tasks)


def _explain(document: strict_yaml.Document, error: ValidationError) -> Iterable[Problem]:
    value = document.value
    name = value.get("id") if isinstance(value, dict) else None
    pack = f" ({name})" if isinstance(name, str) else ""
    for details in error.errors(include_url=False, include_input=False):
        path: Path = details["loc"]
        where = [part for part in path if isinstance(part, str)]
        key = where[-1] if where else ""
        match details["type"]:
            case "extra_forbidden":
                section = _SECTIONS.get(where[0], _Pack) if len(where) > 1 else _Pack
                names = (field.alias or name for name, field in section.model_fields.items())
                message = f"unknown key; allowed: {', '.join(names)}"
            case "missing":
                message = f"is missing; give {_ALLOWED.get(key, _TEXTS)}"
            case "value_error" if key not in _ALLOWED:
                message = str(details["ctx"]["error"])
            case _:
                message = f"must be {_ALLOWED.get(key, _TEXTS)}"
        if not path:
            message = f"must be a file of keys: {', '.join(_Pack.model_fields)}"
        shown = show_path(path) + pack if path else ""
        yield Problem(document.name, document.line(path), shown, message)


_SECTIONS: Final[dict[str, type[Section]]] = {
    "signs": _Sign,
    "markers": _Marker,
    "otherwise": _Otherwise,
    "jobs": _Tally,
    "tasks": _TaskList,
    "examples": _Example,
    "counterexamples": _Seen,
}
