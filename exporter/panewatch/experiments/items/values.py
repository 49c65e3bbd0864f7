"""Single values of an item: numbers, times, counts and texts, however they are written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from panewatch import linear
from panewatch.errors.digest import digest
from panewatch.experiments.items.paths import SkippedError

_NUMBER: Final = re.compile(
    r"\s*[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?\s*"
)
_EARLIEST: Final = 946_684_800.0
"""The year 2000: what is before it is no time of an experiment."""

_LATEST: Final = 86_400.0
"""Seconds that a time may be ahead of this machine's clock."""

_BY_SIZE: Final = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))
"""From which number on a time is in nanoseconds, microseconds, milliseconds."""

_DIGITS: Final = {"bps": 0, "kbps": 3, "Mbps": 6}
_FASTEST: Final = 1e15
"""In bit/s: no video has so many."""

MOST: Final = 0xFFFF
"""The largest count; a larger one counts as this."""

_NOTHING: Final = frozenset(
    {
        "",
        "-",
        "[]",
        "{}",
        '""',
        "''",
        "none",
        "null",
        "nil",
        "nan",
        "n/a",
        "no",
        "false",
        "no error",
    }
)
"""What programs write where there is nothing: such a text is no error and counts as none."""

_LONGEST_ERROR: Final = 4096
_TRACEBACK: Final = "Traceback (most recent call last)"
_VARIABLE: Final = linear.compile(
    r"(?:/[\w.@+-]+){2,}|0x[0-9a-fA-F]+|[0-9a-f]{8}-[0-9a-f-]{27}|\btmp[a-z0-9_]{8}\b|\d+"
)
_FINGERPRINT: Final = 16


def read_number(value: Any) -> float:
    """Return a number, also one that is written as text.

    Raises:
        SkippedError: it is neither number nor text (``type``), or not finite (``number``).
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise SkippedError("type")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise SkippedError("number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise SkippedError("number") from None
    if not math.isfinite(number):
        raise SkippedError("number")
    return number


def read_bitrate(value: Any, unit: str) -> float:
    """Return a bitrate in bit/s: ``15.04`` in ``Mbps`` is exactly 15040000.

    Raises:
        SkippedError: as of `read_number`; or it is not above zero, or larger than any that can
            be (``number``).
    """
    number = read_number(value)
    bitrate = float(Decimal(repr(number)).scaleb(_DIGITS[unit]))
    if not 0 < bitrate <= _FASTEST:
        raise SkippedError("number")
    return bitrate


def read_time(value: Any, form: str, now: float) -> float:
    """Return a time in Unix seconds; one without a zone is UTC.

    Args:
        value: A number, or text.
        form: ``seconds``, ``milliseconds``, ``iso8601`` or ``auto``.
        now: Unix seconds.

    Raises:
        SkippedError: it is no time, or one before 2000 or more than a day ahead (``time``); or
            neither number nor text (``type``).
    """
    written = isinstance(value, str) and not _NUMBER.fullmatch(value)
    if written and form in {"auto", "iso8601"}:
        seconds = _read_iso(value)
    elif form == "iso8601":
        raise SkippedError("time")
    else:
        try:
            number = read_number(value)
        except SkippedError as refused:
            raise SkippedError("time" if refused.reason == "number" else "type") from None
        seconds = number * _choose_factor(number, form)
    if not _EARLIEST <= seconds <= now + _LATEST:
        raise SkippedError("time")
    return seconds


def _choose_factor(number: float, form: str) -> float:
    if form == "milliseconds":
        return 1e-3
    if form == "seconds":
        return 1.0
    return next((factor for least, factor in _BY_SIZE if number >= least), 1.0)


def _read_iso(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip().removesuffix("UTC").rstrip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise SkippedError("time") from None


def read_count(value: Any, open_text: Callable[[Any], Any]) -> int:
    """Return how many things a value tells of: a number, a list of them, or a text of one.

    Args:
        value: Anything.
        open_text: Gives what a text that holds JSON says, or raises `SkippedError`.
    """
    if isinstance(value, str) and _is_nothing(value):
        return 0
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        try:
            value = open_text(value)
        except SkippedError:
            return 1
    if isinstance(value, bool | dict):
        return int(bool(value))
    if isinstance(value, list | set | frozenset):
        return min(len(value), MOST)
    try:
        return min(max(int(read_number(value)), 0), MOST)
    except SkippedError:
        return int(isinstance(value, str))


def name_error(value: Any) -> str:
    """Return the fingerprint of an error: the same for texts that differ in numbers and paths only.

    Of a traceback of Python its last line counts: code that was generated anew fails elsewhere.

    Returns:
        16 hexadecimal digits; empty where there is no error.
    """
    text = value if isinstance(value, str) else _write(value)
    text = text.strip().encode(errors="replace").decode()
    if _is_nothing(text):
        return ""
    if _TRACEBACK in text:
        text = text.rpartition("\n")[2].strip()
    return digest(_VARIABLE.sub("#", text[:_LONGEST_ERROR]))[:_FINGERPRINT]


def _is_nothing(text: str) -> bool:
    return text.strip().casefold() in _NOTHING


def _write(value: Any) -> str:
    if not value or isinstance(value, bool):
        return ""
    try:
        return json.dumps(value, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__
