"""New text on a screen that a program draws over: each text counts once.

A spinner that turns, a bar that grows and a box that moves down are the same
lines as before; what is left after those are taken away is new.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence

from panewatch.panes.text import sign

_REMEMBERED = 512


class RedrawMemory:
    """The texts that a pane's screen showed lately, for screens that flip back and forth."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def pick_new(self, before: Sequence[str], after: Sequence[str]) -> list[str]:
        """Return the lines of ``after`` that are new text against ``before``, in order.

        A line of ``before`` takes away one equal line, and failing that one line with
        the same letters. Lines above the last ``len(before)`` ones were pushed up by
        the program and count even if they were seen earlier; those below only if not.
        """
        equal = Counter(before)
        rest: list[tuple[int, str]] = []
        for place, line in enumerate(after):
            if equal[line] > 0:
                equal[line] -= 1
            else:
                rest.append((place, line))
        alike = Counter(sign(line) for line in equal.elements())
        volatile = len(after) - len(before)
        new: list[str] = []
        for place, line in rest:
            letters = sign(line)
            if alike[letters] > 0:
                alike[letters] -= 1
            elif letters or any(map(str.isdigit, line)):
                seen = self._remember(line)
                if place < volatile or not seen:
                    new.append(line)
        for line in before:
            self._remember(line)
        return new

    def _remember(self, line: str) -> bool:
        """Note ``line`` and tell whether it was noted before."""
        seen = line in self._seen
        self._seen[line] = None
        self._seen.move_to_end(line)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return seen
