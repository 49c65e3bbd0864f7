"""Where the elements of a list end, in a part of its text: by suspicion, or bracket by bracket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

DEEPEST: Final = 1000
_MOST_CUTS: Final = 3
_MOST_BRACES: Final = 64
"""Braces, from the end of a piece, among which an event begins in any usual trace."""

_BETWEEN: Final = re.compile(rb"[\s,]*")
# A quote that nothing closes is the last thing in a piece.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)


@dataclass(slots=True)
class Scan:
    """Looks for whole elements bracket by bracket, and goes on where more is there.

    Attributes:
        edges: Where the elements begin and end that were found last.
        depth: How many brackets are open.
        closed: Whether the list has ended.
    """

    edges: list[tuple[int, int]] = field(default_factory=list)
    depth: int = 0
    closed: bool = False
    _at: int = 0
    _begin: int = 0

    def go_on(self, buffer: bytes, most: int) -> tuple[int, int]:
        """Look at what is new in a buffer that began with what was looked at before.

        Args:
            buffer: The text, from where the list or the rest of it begins.
            most: Brackets and strings that are looked at.

        Returns:
            Where the last whole element, or the list, ends, 0 where none does; and how many
            brackets and strings that took.
        """
        count = 0
        for count, token in enumerate(_TOKEN.finditer(buffer, self._at), start=1):
            word = token.group()
            if word in {b"{", b"["}:
                if self.depth == 0:
                    self._begin = token.start()
                self.depth += 1
                if self.depth > DEEPEST:
                    break  # whatever this is, it is no trace from here on
            elif word in {b"}", b"]"}:
                if self.depth == 0:
                    self.closed = True
                    return token.end(), count
                self.depth -= 1
                if self.depth == 0:
                    self.edges.append((self._begin, token.end()))
            elif word == b'"':
                break
            self._at = token.end()
            if count >= most:
                break
        return (self.edges[-1][1] if self.edges else 0), count


def find_cuts(buffer: bytes, start: int) -> Iterator[int]:
    """Yield places behind objects that others follow, the last first.

    They are so by suspicion: what looks like it may stand in a string or within an event.
    """
    at = len(buffer)
    found = 0
    for _ in range(_MOST_BRACES):
        at = buffer.rfind(b"{", start, at)
        if at < 0 or found >= _MOST_CUTS:
            return
        before = buffer[max(start, at - _MOST_BRACES) : at].rstrip()
        if before.endswith(b",") and before[:-1].rstrip().endswith(b"}"):
            found += 1
            yield buffer.rfind(b"}", start, at) + 1


def skip_between(buffer: bytes) -> int:
    """Return where the next element begins."""
    match = _BETWEEN.match(buffer)
    return match.end() if match else 0
