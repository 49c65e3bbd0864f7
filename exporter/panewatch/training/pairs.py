"""Names and numbers in a line, in any common spelling: `loss=0.3`, `lr 1e-4`, `12.5 img/s`.

This knows no format: it finds numbers, looks at the words before and the unit behind, and
keeps those that a training tells. Whether the line is one of a training at all is decided
by what was found together.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import Final

from panewatch import linear
from panewatch.training.spelling import Meaning, Spellings
from panewatch.training.values import read_duration, read_number

NUMBER: Final = (
    r"[-+]?(?:[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|0,\d+|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
    r"|[-+]?(?:[nN][aA][nN]|[iI]nf(?:inity)?)\b"
)
"""A number; commas part thousands, and after a single 0 they are the decimal sign."""

_WORD: Final = r"[A-Za-z_(][\w./'%()-]*"
_PAIR: Final = linear.compile(
    rf"({_WORD}(?:[ \t]{{1,2}}{_WORD}){{0,5}})[\"']?\]?[ \t]*[:=]{{0,2}}[ \t]*[\[\"'(]{{0,2}}[ \t]*"
    rf"({NUMBER})([kKMGB]\b)?(?:[ \t]*(/|of|-|~)[ \t]*(\d+))?"
)
_RATE: Final = linear.compile(rf"\b({NUMBER})([kKMGB])?[ \t]?([A-Za-z]+/[A-Za-z]+|wps|ups)\b")
_BEHIND: Final = linear.compile(r"^[\"'\])]*[:,|]?[ \t]*[\[(]?[ \t]*(\d+)[ \t]*/[ \t]*(\d+)")
"""The step behind an epoch, without a name: `Epoch: [3]  [20/65]`, `epoch 001: 1000 / 1637`."""

_BEHIND_RANK: Final = 8
"""It is better than a count of updates, and not as good as a step with its name."""

_STEP_TIME: Final = linear.compile(
    r"(?i)(?:step|iter(?:ation)?|batch)[ _]?(?:avg|time)\w*[ :=]{1,3}([\d.,]+|nan)[ ]?(ms|s)\b"
)
_ETA: Final = linear.compile(
    r"(?i)\b(?:eta|remaining|time left)\b[ :=]{0,3}"
    r"((?:\d+ days?, ?)?\d+:\d\d(?::\d\d)?|(?:\d+(?:\.\d+)?[dhms] ?){1,4})"
)

_MOST: Final = 60
"""Pairs of one line that are looked at."""


class Pairs:
    """What the pairs of one line tell."""

    __slots__ = ("metrics", "ranks", "values")

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.ranks: dict[str, int] = {}
        self.metrics = 0
        """How many other figures of a training were there."""

    def put(self, name: str, value: float, rank: int = 0) -> None:
        """Keep a value unless a better one is known."""
        if rank < self.ranks.get(name, 1000):
            self.values[name] = value
            self.ranks[name] = rank


def read_pairs(line: str, spellings: Spellings) -> Pairs:
    """Find the values of a training in ``line``."""
    found = Pairs()
    for match in islice(_PAIR.finditer(line), _MOST):
        meaning = spellings.look_up(match.group(1))
        if meaning is None:
            continue
        if meaning.value:
            _take(found, meaning, match, line)
        else:
            found.metrics += 1
    for match in islice(_RATE.finditer(line), _MOST):
        number, factor, unit = match.groups()
        meant = spellings.units.get(unit.lower())
        if meant is not None:
            _take_rate(found, meant, read_number(number + (factor or "")), 0)
    step_time = _STEP_TIME.search(line)
    if step_time is not None:
        number, unit = step_time.groups()
        meant = "milliseconds_per_step" if unit.lower() == "ms" else "seconds_per_step"
        _take_rate(found, meant, read_number(number), -1)
    eta = _ETA.search(line)
    seconds = None if eta is None else read_duration(eta.group(1))
    if seconds is not None:
        found.put("eta_seconds", seconds)
    return found


def _take(found: Pairs, meaning: Meaning, match: linear.Match, line: str) -> None:
    """Keep the number of a pair, and the total behind it."""
    name, rank = meaning
    _, number, factor, mark, total = match.groups()
    value = read_number(number + (factor or ""))
    if name.endswith("_per_step"):
        _take_rate(found, name, value, rank)
        return
    if name == "step" and mark in {"-", "~"} and total:
        value = float(total)  # `Batch [0-20]`: the last of them
    found.put(name, value, rank)
    if name not in {"epoch", "step"}:
        return
    if total and mark in {"/", "of"}:
        found.put(f"{name}s", float(total), rank)
    elif name == "epoch":
        behind = _BEHIND.search(line[match.end() :])
        if behind is not None:
            step, steps = map(float, behind.groups())
            found.put("step", step, _BEHIND_RANK)
            found.put("steps", steps, _BEHIND_RANK)


def _take_rate(found: Pairs, name: str, value: float, rank: int) -> None:
    if name == "seconds_per_step":
        name, value = "steps_per_second", _invert(value)
    elif name == "milliseconds_per_step":
        name, value = "steps_per_second", _invert(value / 1000)
    if math.isfinite(value) and value >= 0:  # one that is not known yet is written as nan
        found.put(name, value, rank)


def _invert(value: float) -> float:
    return 1 / value if value > 0 else float("nan")
