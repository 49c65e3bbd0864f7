"""Attributes of DynamoDB with their types → plain values, whatever is in them."""

from __future__ import annotations

import math
import re
from typing import Any, Final

_DEEPEST: Final = 40
"""DynamoDB nests to 32 levels."""

_WHOLE: Final = re.compile(r"-?[0-9]{1,100}")
_PLAIN: Final[dict[str, type]] = {
    "S": str, "B": bytes, "BOOL": bool, "SS": list, "NS": list, "BS": list,
}  # fmt: skip
UNKNOWN: Final = object()
"""Stands for an attribute of a type that there is not; wherever it is looked at, it is of another
kind."""


def open_item(item: Any) -> dict[str, Any]:
    """Return an item's values by their names.

    Numbers become int or float, and NaN where they are none; sets become lists, null None.
    """
    if not isinstance(item, dict):
        return {}
    return {name: open_attribute(attribute) for name, attribute in item.items()}


def open_attribute(attribute: Any, depth: int = 0) -> Any:
    """Return the value of an attribute; `UNKNOWN` where it is none or nested too deeply."""
    if not isinstance(attribute, dict) or len(attribute) != 1 or depth > _DEEPEST:
        return UNKNOWN
    ((kind, value),) = attribute.items()
    if kind == "N":
        return _open_number(value)
    if kind == "M" and isinstance(value, dict):
        return {name: open_attribute(inner, depth + 1) for name, inner in value.items()}
    if kind == "L" and isinstance(value, list):
        return [open_attribute(inner, depth + 1) for inner in value]
    if kind == "NULL":
        return None
    plain = _PLAIN.get(kind)
    return value if plain is not None and isinstance(value, plain) else UNKNOWN


def _open_number(text: Any) -> int | float:
    # boto3's own decoder makes NaN of bad digits too, but raises for many or large ones.
    if not isinstance(text, str) or len(text) > 200:  # noqa: PLR2004  # DynamoDB has 38 digits
        return math.nan
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return math.nan
