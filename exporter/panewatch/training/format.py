"""Formats of progress as data: an expression with named groups, and the proof that it works."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from panewatch import linear, own_data
from panewatch.training.pairs import read_pairs
from panewatch.training.spelling import load_spellings
from panewatch.training.values import NAMES, Progress, read_duration, read_number

if TYPE_CHECKING:
    from panewatch.training.spelling import Spellings

_INVERSE: Final = {"seconds_per_step": 1.0, "milliseconds_per_step": 1e-3}
_GROUPS: Final = frozenset((*NAMES, *_INVERSE, "minutes_per_step", *load_spellings().metrics))


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        id: Its name.
        framework: What prints so; empty where many do.
        match: RE2 expressions; their groups are named as the values are.
        pairs: Whether what else the line holds is read by common spellings, or ``metrics`` for
            no more than those.
        split: ``train`` or ``val``.
        examples: Lines, each with the values that they tell.
        counterexamples: Lines that are none.
    """

    id: str
    framework: str
    match: tuple[str, ...]
    pairs: bool | Literal["metrics"]
    split: str
    examples: tuple[tuple[str, dict[str, float]], ...]
    counterexamples: tuple[str, ...]

    def read(self, line: str, expression: str, spellings: Spellings) -> Progress | None:
        """Return what ``line`` tells by one of the expressions, None where it does not match.

        Raises:
            NotANumberError: what stands where a number should be is none.
        """
        match = linear.compile(expression).search(line)
        if match is None:
            return None
        values: dict[str, float] = {}
        if self.pairs:
            pairs = read_pairs(line, spellings)
            values |= pairs.name_metrics(self.split)
            values |= {} if self.pairs == "metrics" else pairs.values
        values |= _read_groups(match.groupdict())
        return Progress(values, self.split, format=self.id, framework=self.framework)


def _read_groups(groups: dict[str, str | None]) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, text in groups.items():
        if text is None or text == "":
            continue
        if name == "eta_seconds":
            seconds = read_duration(text)
            if seconds is not None:
                values[name] = seconds
        elif name in _INVERSE:
            number = read_number(text) * _INVERSE[name]
            if number > 0:
                values["steps_per_second"] = 1 / number
        else:
            values[name] = read_number(text)
    return values


@lru_cache(maxsize=1)
def load_formats() -> tuple[Format, ...]:
    """Read the formats that come with panewatch, in order of their files' names."""
    found = own_data.load_folder("panewatch.training", "formats")
    return tuple(_build(entry) for _, content in found for entry in content["formats"])


def _build(entry: dict[str, Any]) -> Format:
    match = entry["match"]
    expressions = (match,) if isinstance(match, str) else tuple(match)
    for expression in expressions:
        unknown = set(linear.compile(expression).groupindex) - _GROUPS
        if unknown:
            raise ValueError(f"{entry['id']}: no value is called {', '.join(sorted(unknown))}")
    return Format(
        id=entry["id"],
        framework=entry.get("framework", ""),
        match=expressions,
        pairs=entry.get("pairs", True),
        split=entry.get("split", "train"),
        examples=tuple((one["line"], one["values"]) for one in entry["examples"]),
        counterexamples=tuple(entry.get("counterexamples", ())),
    )
