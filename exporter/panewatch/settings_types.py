"""Kinds of values that settings have, and how a section refuses values that clash."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from panewatch.problems import Path

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = r"([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h|d)){1,5}"
MAX_SECONDS = 30 * 86400


def parse_duration(value: Any) -> Any:
    """Turn ``"1m30s"`` into seconds; numbers are seconds already.

    Raises:
        ValueError: the text is not a duration such as ``500ms``, ``30s`` or ``1h30m``.
    """
    if isinstance(value, bool):
        raise ValueError("not a duration; write for example 500ms, 30s, 5m or 1h30m")  # noqa: TRY004  # pydantic takes no other
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not re.fullmatch(_DURATION, text):
        raise ValueError("not a duration; write for example 500ms, 30s, 5m or 1h30m")
    parts = re.findall(r"([0-9.]+)(ms|[smhd])", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """Write seconds as :func:`parse_duration` reads them, to the millisecond: ``"1m30s"``."""
    rest = round(seconds * 1000)
    text = ""
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, round(size * 1000))
        if count:
            text += f"{count}{unit}"
    return text or "0s"


@dataclass(frozen=True)
class Conflict:
    """Values that are each allowed, but not together; ``keys`` are relative to the section."""

    keys: tuple[Path, ...]
    message: str


def refuse(conflicts: Iterable[Conflict]) -> None:
    """Raise all conflicts of a section as one error, if there are any.

    Raises:
        PydanticCustomError: of type ``conflict``, with them in ``ctx["conflicts"]``.
    """
    found = tuple(conflicts)
    if found:
        text = "; ".join(conflict.message for conflict in found)
        raise PydanticCustomError("conflict", "{text}", {"text": text, "conflicts": found})


def expects(words: str) -> dict[str, Any]:
    """Say in the JSON Schema, in words, what a value must be: what errors and docs show."""
    return {"x-expects": words}


Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(gt=0, le=MAX_SECONDS),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_SECONDS},
                {"type": "string", "pattern": f"^{_DURATION}$"},
            ],
            **expects("a duration such as 500ms, 30s or 1h30m, above 0 and at most 30d"),
        }
    ),
]
"""A positive span of time: a number of seconds or text such as ``500ms`` or ``1h30m``."""


_SECONDS: TypeAdapter[float] = TypeAdapter(Seconds)

NEVER = "never"

Limit = Annotated[
    float,
    Field(allow_inf_nan=True),
    BeforeValidator(lambda value: math.inf if value == NEVER else _SECONDS.validate_python(value)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_SECONDS},
                {"type": "string", "pattern": f"^({_DURATION}|{NEVER})$"},
            ],
            **expects(
                "a duration such as 500ms, 30s or 1h30m, above 0 and at most 30d, or `never`"
            ),
        }
    ),
]
"""A span of time as above, or ``never``, which becomes infinite."""

Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        json_schema_extra=expects("a name of 1 to 64 letters, digits, `_`, `.` or `-`"),
    ),
]
"""A name that becomes a label value: letters, digits, ``_``, ``.`` and ``-``."""

RuleId = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}$",
        json_schema_extra=expects("the id of a rule: small letters, digits and `-`"),
    ),
]
"""The id of a rule."""

# Control characters and the ones that reorder text would reach a terminal or a log.
_HIDDEN = r"\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"

Socket = Annotated[
    str,
    Field(
        pattern=rf"^(/[^{_HIDDEN}]{{1,106}}|[^/\s{_HIDDEN}]{{1,64}})$",
        json_schema_extra=expects("a socket name (as `tmux -L`) or absolute path (as `tmux -S`)"),
    ),
]
"""A tmux socket: a name without ``/``, or an absolute path that fits a socket address."""

Word = Annotated[
    str,
    Field(
        pattern=rf"^[^{_HIDDEN}]+$",
        json_schema_extra=expects("text, not empty, without control characters"),
    ),
]
"""Text that is not empty and safe to show."""

File = Annotated[
    str,
    Field(
        pattern=rf"^[^{_HIDDEN}]+$",
        json_schema_extra={**expects("the name of a file"), "x-file": True},
    ),
]
"""A file; a settings file names it relative to the folder that it is in itself."""


class Section(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number is meant: Python takes them for 1 and 0."""
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and field.annotation in {int, float}:
            raise ValueError("not a number")
        return value
