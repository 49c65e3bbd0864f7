"""Losses that are no numbers, in lines that come more than once: each counts once.

A line that stands unfinished on the screen is read there, and again with its rest.
"""

from __future__ import annotations

import math
from typing import Final

from panewatch.training.values import LOSSES, Progress, is_nonfinite

_MOST: Final = 16
"""Such lines of one pane that may come again; the oldest are forgotten."""


class Unfinished:
    """The lines of one pane that told such losses, and may come again."""

    __slots__ = ("_lines", "_screen")

    def __init__(self) -> None:
        self._lines: dict[str, frozenset[str]] = {}
        self._screen: dict[str, frozenset[str]] = {}

    def note_screen(self, text: str, progress: Progress) -> None:
        """Note what a line tells that stands on the screen: once finished it comes as a line."""
        _note(self._screen, text, _find_nonfinite(progress))

    def leave_out(self, text: str, progress: Progress, *, continued: bool) -> Progress:
        """Return what a line tells, without such losses as it has told already.

        Args:
            text: The line.
            progress: What all of it tells.
            continued: Whether it was handed on before, without its end.
        """
        if all(map(math.isfinite, progress.values.values())):
            return progress
        names = _find_nonfinite(progress)
        if not names:
            return progress
        told = _take(self._screen, text)
        if continued:
            told |= _take(self._lines, text)
        _note(self._lines, text, names)
        if not told:
            return progress
        values = {name: x for name, x in progress.values.items() if name not in told & names}
        return progress._replace(values=values)


def _find_nonfinite(progress: Progress) -> frozenset[str]:
    return frozenset(
        name for name in LOSSES if name in progress.values and is_nonfinite(progress.values[name])
    )


def _note(known: dict[str, frozenset[str]], text: str, names: frozenset[str]) -> None:
    if names:
        known[text] = names
        if len(known) > _MOST:
            del known[next(iter(known))]


def _take(known: dict[str, frozenset[str]], text: str) -> frozenset[str]:
    """Return the losses of the lines that ``text`` begins with, which are finished by it."""
    begun = [line for line in known if text.startswith(line)]
    return frozenset[str]().union(*(known.pop(line) for line in begun))
