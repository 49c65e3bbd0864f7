"""Text from a terminal made safe: no control characters, known widths, bounded lines."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from wcwidth import wcswidth, wcwidth

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_JOINER = "\N{ZERO WIDTH JOINER}"


@lru_cache(maxsize=4096)
def _keep(character: str) -> str:
    """Return what a character is shown as: itself, a space, or nothing."""
    category = unicodedata.category(character)
    if category == "Cs":
        return _REPLACEMENT
    # Controls (C0, C1, ESC) and formats (bidi overrides, zero-width) steer a
    # terminal or a reader's eye; joiners inside emoji carry no meaning for us.
    if category in {"Cc", "Cf"}:
        return " " if character == "\t" else ""
    if category in {"Zs", "Zl", "Zp"}:
        return " "
    return character


def clean(text: str) -> str:
    """Return ``text`` without control, format and lone surrogate characters."""
    if text.isprintable():
        return text
    return "".join(map(_keep, text))


def count_cells(text: str) -> int:
    """Return how many terminal columns ``text`` takes."""
    if text.isascii():
        return len(text)
    width = wcswidth(text)
    return width if width >= 0 else len(text)


@lru_cache(maxsize=4096)
def _count_alone(character: str) -> int:
    """Return how many columns tmux gives a character that nothing joins to the last one."""
    # A flag is a pair of letters, one column each.
    return 1 if "\U0001f1e6" <= character <= "\U0001f1ff" else max(0, wcwidth(character))


def count_rows(text: str, width: int) -> int:
    """Return how many rows of ``width`` columns a joined line fills, at least one."""
    if text.isascii():
        return max(1, -(-len(text) // max(1, width)))
    if 2 * len(text) <= width:
        return 1
    rows, column = 1, 0
    joined = False
    for character in text:
        cells = 0 if joined else _count_alone(character)
        joined = character == _JOINER
        # A wide character that does not fit leaves the last column empty.
        if column + cells > width:
            rows, column = rows + 1, 0
        column += cells
    return rows


def clean_label(text: str, limit: int = 128) -> str:
    """Return ``text`` as a label value: printable, stripped, at most ``limit`` characters."""
    cleaned = clean(text).strip()
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


_SIGNED = 256
"""Characters of a line that are looked at: lines that are remembered must stay small."""


def sign(text: str) -> str:
    """Return the letters of ``text``: what stays while a counter or a spinner turns."""
    return _sign(text[:_SIGNED])


@lru_cache(maxsize=4096)
def _sign(text: str) -> str:
    return "".join(filter(str.isalpha, text))
