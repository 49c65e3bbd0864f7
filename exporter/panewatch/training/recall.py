"""What a line tells, by those of its shape that were read before.

A training prints one line again and again with other numbers. Where each value stands in it is
learnt from a few of them that were read in full, and looked at again now and then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from panewatch.training.alike import Shape
from panewatch.training.values import NAMES, PERCENT, Progress

_NUMERIC: Final = b"0123456789.eE+-"
_PARTING: Final = bytes(byte if byte in _NUMERIC else ord(" ") for byte in range(256))

_EXAMPLES: Final = 3
"""Lines that have to agree on where the values stand."""

_CHECKED: Final = 16
"""One line in so many is read in full all the same."""

_MOST: Final = 1024
_SILENT_SECONDS: Final = 20.0
"""How long lines are believed to tell nothing: the numbers of one may have been the reason."""


class _Pattern:
    """Lines of one shape: the places that each value may stand in, counted in numbers.

    With each place goes what the number there is divided by: metrics may be percents.
    """

    __slots__ = ("_first", "_last", "_others", "_places", "left", "seen")

    def __init__(self) -> None:
        self._places: dict[str, set[tuple[int, int]]] = {}
        self._first: list[tuple[str, int, int]] = []
        self._others: list[tuple[str, int, int]] = []
        """A place of each value, and the others that have shown the same so far."""
        self._last: Progress | None = None
        self.seen = 0
        self.left = 0
        """Lines that may be read by the places until one is read in full."""

    def learn(self, text: str, progress: Progress) -> None:
        """Compare what a line told with the numbers in it."""
        before, self._last = self._last, progress
        alike = before is None or (
            before[1:] == progress[1:] and before.values.keys() == progress.values.keys()
        )
        if not alike or progress.format == "bar":
            self.seen = 0  # more than its values may differ from line to line
            self._places = {}
            self.left = 0
            return
        numbers = [_read_number(word) for word in _find_numbers(text)]
        places = {
            name: {(place, 1) for place, number in enumerate(numbers) if number == value}
            if name in NAMES
            else {
                (place, divisor)
                for place, number in enumerate(numbers)
                for divisor in (1, PERCENT)
                if number / divisor == value
            }
            for name, value in progress.values.items()
        }
        if self.seen:
            places = {name: found & self._places[name] for name, found in places.items()}
        self._places = places
        self.seen = self.seen + 1 if all(places.values()) else 0
        self.left = _CHECKED - 1 if self.seen >= _EXAMPLES else 0
        ordered = [(name, sorted(found)) for name, found in places.items() if found]
        self._first = [(name, *found[0]) for name, found in ordered]
        self._others = [(name, *place) for name, found in ordered for place in found[1:]]

    def read(self, text: str) -> Progress | None:
        """Return what a line tells by the numbers in their places; None where that fails."""
        self.left -= 1
        words = _find_numbers(text)
        assert self._last is not None  # noqa: S101  # it has learnt
        try:
            values = {name: float(words[place]) / divisor for name, place, divisor in self._first}
            for name, place, divisor in self._others:
                if float(words[place]) / divisor != values[name]:
                    return None  # now it shows which of them it is
        except (ValueError, IndexError):
            return None
        return Progress(values, *self._last[1:])  # a third of the time of `_replace`


class Recall:
    """Reads lines, most of them by memory. Times are monotonic seconds.

    Args:
        read: Reads a line in full.
    """

    def __init__(self, read: Callable[[str], Progress | None]) -> None:
        self._read = read
        self._patterns: dict[int, _Pattern] = {}
        self._silent: set[int] = set()
        self._silent_until = 0.0

    def read(self, text: str, shape: Shape, now: float) -> Progress | None:
        """Return what a line of this shape tells, None where it is no progress of a training."""
        key = shape.key
        if now >= self._silent_until:
            self._silent.clear()
            self._silent_until = now + _SILENT_SECONDS
        if key in self._silent:
            return None
        pattern = self._patterns.get(key)
        if pattern is not None and pattern.left > 0:
            progress = pattern.read(text)
            if progress is not None:
                return progress
        progress = self._read(text)
        if progress is None:
            self._patterns.pop(key, None)
            if len(self._silent) >= _MOST:
                self._silent.clear()
            self._silent.add(key)
            return None
        if pattern is None:
            if len(self._patterns) >= _MOST:
                self._patterns.clear()
            pattern = self._patterns[key] = _Pattern()
        pattern.learn(text, progress)
        return progress


def _find_numbers(text: str) -> list[bytes]:
    """Return what looks like a number, and more: lines of one shape have it in the same places."""
    return text.encode(errors="replace").translate(_PARTING).split()


def _read_number(word: bytes) -> float:
    """Return the number that a word is, NaN where it is none: that equals no value."""
    try:
        return float(word)
    except ValueError:
        return math.nan
