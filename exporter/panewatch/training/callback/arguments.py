"""The arguments of callbacks: numbers that configurations hand over as text are numbers too.

What is wrong with one is told where the callback is made, never in the middle of a training.
"""

from __future__ import annotations

import math
from typing import Any, overload


@overload
def read_count(name: str, value: Any, least: int = 0) -> int: ...
@overload
def read_count(name: str, value: Any, least: int = 0, *, optional: bool) -> int | None: ...
def read_count(name: str, value: Any, least: int = 0, *, optional: bool = False) -> int | None:
    """Return a whole number; numerals are taken as such.

    Args:
        name: What the argument is called.
        value: What was given.
        least: The smallest number that is allowed.
        optional: Whether None is allowed.

    Raises:
        ValueError: it is none; the message names the argument and what is allowed.
    """
    if optional and value is None:
        return None
    number = _read(value)
    if number is None or number != int(number) or number < least:
        allowed = f"a whole number of at least {least}{' or None' if optional else ''}"
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
    return int(number)


def read_seconds(name: str, value: Any) -> float:
    """Return a time above 0; numerals are taken as such.

    Raises:
        ValueError: it is none; the message names the argument and what is allowed.
    """
    number = _read(value)
    if number is None or number <= 0:
        raise ValueError(f"{name} must be a number of seconds above 0, not {value!r}")
    return number


def _read(value: Any) -> float | None:
    """Return a finite number, None where it is none; NumPy's numbers are such."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
