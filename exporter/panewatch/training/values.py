"""What a line of progress tells, by name, and how its numbers and times are written."""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple, get_args

Name = Literal[
    "epoch", "epochs", "step", "steps", "loss", "val_loss", "learning_rate",
    "samples_per_second", "tokens_per_second", "steps_per_second", "eta_seconds",
]  # fmt: skip
"""What may be read. Epochs and steps are as printed; rates and times in base units."""

NAMES: Final[tuple[Name, ...]] = get_args(Name)

LOSSES: Final = {"loss": "train", "val_loss": "val"}
"""The losses by the split that each is of."""


class Progress(NamedTuple):
    """What one line tells.

    ``values`` are named as in `values.Name`, others as metrics are exported. ``split`` is
    ``train`` or ``val``. ``certain`` tells that it is a training that moves on; a bare bar may be
    anything that takes long. ``finished`` tells of a bar that it stands at its end. ``format`` is
    the id of the format that knew the line, ``bar`` or ``pairs``; ``framework`` is empty where it
    is not known.
    """

    values: dict[str, float]
    split: str = "train"
    certain: bool = True
    finished: bool = False
    format: str = "pairs"
    framework: str = ""


_FACTORS: Final = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
_DAY: Final = 86400.0

PERCENT: Final = 100


class NotANumberError(ValueError):
    """What stands where a number should be is none: `1.2.3`, `...`."""


def read_number(text: str) -> float:
    """Read a number with thousands' commas and K, M, G behind it; `nan` and `inf` are such.

    Raises:
        NotANumberError: it is none.
    """
    try:
        return _read_number(text)
    except ValueError:
        raise NotANumberError(text) from None


def _read_number(text: str) -> float:
    plain = text.strip()
    plain = plain.replace(",", ".") if plain.startswith("0,") else plain.replace(",", "")
    factor = _FACTORS.get(plain[-1:].lower()) if plain[-1:].isalpha() else None
    if factor is None or plain.lower().endswith(("nan", "inf")):
        return float(plain)
    return float(plain[:-1]) * factor


def read_duration(text: str) -> float | None:
    """Read `1:02:03`, `02:03`, `1 day, 2:03:04`, `5.7s`, `1h 2m`; None where it is none."""
    days, comma, clock = text.rpartition(",")
    seconds = 0.0
    if comma:
        count = days.split(None, 1)[0]
        if not count.isdigit():
            return None
        seconds = int(count) * _DAY
    if ":" in clock:
        parts = clock.strip().split(":")
        if not all(part.replace(".", "", 1).isdigit() for part in parts):
            return None
        total = 0.0
        for part in parts:
            total = total * 60 + float(part)
        return seconds + total
    return _read_worded(clock, seconds)


_UNITS: Final = {"d": _DAY, "h": 3600.0, "m": 60.0, "s": 1.0}


def _read_worded(text: str, seconds: float) -> float | None:
    digits = ""
    for character in text:
        if character.isdigit() or character == ".":
            digits += character
        elif digits and character in _UNITS:
            try:
                seconds += float(digits) * _UNITS[character]
            except ValueError:
                return None
            digits = ""
        elif not character.isspace():
            return None
    return None if digits else seconds


def is_nonfinite(value: float) -> bool:
    """Tell whether a value is no number that a series may go on with."""
    return math.isnan(value) or math.isinf(value)
