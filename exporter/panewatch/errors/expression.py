"""Regular expressions of rules, rewritten for one scan over a block of lines.

Rules are written in RE2's syntax for one line. The scanner sees many lines at once, so
whatever could match a line's end is kept from doing so.
"""

from __future__ import annotations

import re
from typing import Final

_BOUND: Final = re.compile(r"\{(\d+),(\d*)\}")
_LARGEST_BOUND: Final = 12
"""Repeats that may be more than this many may be any number: counting states is dear."""

_CLASSES: Final = {"s": r"[\t ]", "W": r"[^\w\n]", "D": r"[^\d\n]", "N": r"[^\n]"}
_IN_CLASS: Final = {"s": r"\t "}


def confine(expression: str, *, anchored: bool = True) -> str:
    """Rewrite ``expression`` so that it never matches across the end of a line.

    Without ``anchored`` it also loses its ``^``: what it then matches is a superset, for
    lines that may stand behind a timestamp.
    """
    result: list[str] = []
    place, inside, negated = 0, False, False
    while place < len(expression):
        character = expression[place]
        pair = expression[place : place + 2]
        if character == "\\" and len(pair) == 2:  # noqa: PLR2004  # an escape and its letter
            table = _IN_CLASS if inside else _CLASSES
            result.append(table.get(pair[1], pair))
            place += 2
            continue
        if inside:
            if pair == "[:":
                end = expression.find(":]", place) + 2
                result.append(expression[place:end])
                place = max(end, place + 1)
                continue
            if character == "]":
                result.append("]")
                inside = False
                place += 1
                continue
        elif character == "[":
            inside, negated = True, pair == "[^"
            place += 2 if negated else 1
            result.append("[^\\n" if negated else "[")
            if expression[place : place + 1] == "]":  # a bracket that stands first is itself
                result.append("\\]")
                place += 1
            continue
        elif character == "{" and (bound := _BOUND.match(expression, place)):
            least, most = bound.groups()
            large = not most or int(most) > _LARGEST_BOUND
            repeat = ("*" if least == "0" else "+") if large else bound.group()
            result.append(repeat)
            place = bound.end()
            continue
        elif character == "^" and not anchored:
            place += 1
            continue
        result.append(character)
        place += 1
    return "".join(result)


def is_anchored(expression: str) -> bool:
    """Tell whether ``expression`` matches only at the beginning of a line."""
    return re.match(r"(?:\(\?[a-z]+\))?\^", expression) is not None and "|^" not in expression
