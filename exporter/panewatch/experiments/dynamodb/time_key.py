"""The sort key that is a time: where to begin to read again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:([T ])(\d\d:\d\d(?::\d\d)?))?")


def shift(attribute: Any, time: float, until: float) -> dict[str, str] | None:
    """Return the sort key of an earlier time, written as one that was read is.

    Args:
        attribute: A sort key with its type.
        time: The time that it tells, in Unix seconds.
        until: The earlier time, in Unix seconds.

    Returns:
        One that no later time is sorted before; None where the way it is written does not sort
        by time.
    """
    if not isinstance(attribute, dict) or until > time:
        return None
    number, text = attribute.get("N"), attribute.get("S")
    if isinstance(number, str):
        earlier = _shift_number(number, time, until)
        return None if earlier is None else {"N": earlier}
    if not isinstance(text, str):
        return None
    digits = text.isascii() and text.isdecimal()
    earlier = _shift_number(text, time, until) if digits else _shift_text(text, time - until)
    if earlier is None or (digits and len(earlier) != len(text)):
        return None
    return {"S": earlier}


def _shift_number(text: str, time: float, until: float) -> str | None:
    try:
        return str(int(float(text) * (until / time)))
    except (ValueError, OverflowError, ZeroDivisionError):
        return None


def _shift_text(text: str, seconds: float) -> str | None:
    found = _MOMENT.match(text)
    if found is None:
        return None
    day, between, clock = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}").replace(tzinfo=UTC)
        # Part of a second is cut off what is written, so one more is taken.
        moment -= timedelta(seconds=seconds + 1)
    except (ValueError, OverflowError):
        return None
    return moment.strftime(f"%Y-%m-%d{between}%H:%M:%S" if between else "%Y-%m-%d")
