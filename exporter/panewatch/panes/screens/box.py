"""The box at the bottom of a screen: what is typed stands in it, or what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

_MOST_BELOW: Final = 16
"""Rows that may stand below a box: status lines, and lists of agents and tasks."""

_MOST_INSIDE: Final = 60

_OPENS: Final = {"╰": "╭", "└": "┌", "┗": "┏", "╚": "╔", "▀": "▄", "╹": "┃"}
"""How a box that ends with a row that begins like this begins."""

_SIDES: Final = "│┃║|"
_RULES: Final = "─━═▔╌"
_PROMPTS: Final = "❯>›!#$&→❭*"  # noqa: RUF001 - each as programs print it
_ANSWERS: Final = ("Yes", "No", "Allow", "Deny", "Accept", "Approve", "Trust", "Continue")
_LEAST_RULE: Final = 8


class Box(NamedTuple):
    """The first and the last row of a box."""

    top: int
    bottom: int


def find_box(rows: Sequence[str]) -> Box | None:
    """Find the lowest box of a screen without blank rows."""
    count = len(rows)
    for bottom in range(count - 1, max(-1, count - 2 - _MOST_BELOW), -1):
        row = rows[bottom]
        if row.isascii():  # no edge is drawn with such letters
            continue
        row = row.lstrip()
        first = row[0]
        if first in _OPENS:
            box = _find_frame(rows, bottom, _OPENS[first], row)
        elif first in _RULES and is_rule(row):
            box = _find_ruled(rows, bottom)
        else:
            continue
        if box is not None:
            return box
    return None


def find_draft(rows: Sequence[str], box: Box) -> str:
    """Return the prompt behind which somebody writes between two rules; empty where none does.

    A menu between two rules is no draft: it begins with its first answer.
    """
    first = rows[box.top + 1].lstrip()
    written = first[1:].lstrip()
    ruled = is_rule(rows[box.top].lstrip()) and is_rule(rows[box.bottom].lstrip())
    if not ruled or first[0] not in _PROMPTS or written[:1].isdigit():
        return ""
    return "" if written.startswith(_ANSWERS) else first[0]


def is_rule(row: str) -> bool:
    """Tell whether a row without blanks at its ends is a line drawn across; it may bear a name."""
    return (
        len(row) >= _LEAST_RULE
        and row[0] in _RULES
        and row[-1] in _RULES
        and row.count(row[0]) * 2 >= len(row)
    )


def _find_frame(rows: Sequence[str], bottom: int, opening: str, closing: str) -> Box | None:
    if closing.count("─") + closing.count("━") + closing.count("═") + closing.count("▀") < 4:  # noqa: PLR2004
        return None  # a branch of a tree
    if opening == "┃":  # open at the top: its rows end where the edge does
        top = bottom
        while top and rows[top - 1].lstrip().startswith("┃"):
            top -= 1
        return Box(top, bottom) if top < bottom else None
    for top in range(bottom - 1, max(-1, bottom - 1 - _MOST_INSIDE), -1):
        row = rows[top].lstrip()
        if row[0] == opening:
            return Box(top, bottom)
        if opening != "▄" and row[0] not in _SIDES:
            return None
    return None


def _find_ruled(rows: Sequence[str], bottom: int) -> Box | None:
    for top in range(bottom - 1, max(-1, bottom - 1 - _MOST_INSIDE), -1):
        row = rows[top].lstrip()
        if is_rule(row):
            inside = rows[top + 1 : bottom]
            return Box(top, bottom) if inside and _is_typed(inside) else None
    return None


def _is_typed(inside: Sequence[str]) -> bool:
    """Tell whether rows between two rules are what is typed: one prompt, then more of the same."""
    first = inside[0].lstrip()
    if first[0] not in _PROMPTS:
        return False
    return all(row[0] == " " for row in inside[1:])
