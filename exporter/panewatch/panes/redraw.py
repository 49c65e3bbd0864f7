"""New text on a screen that a program draws over: each text counts once.

A spinner that turns, a bar that grows and a box that moves down are the same
lines as before; what is left after those are taken away is new.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence

from panewatch.panes.model import Line
from panewatch.panes.text import sign

_REMEMBERED = 512


class RedrawMemory:
    """The texts that a pane's screen showed lately, for screens that flip back and forth."""

    __slots__ = ("_seen", "_turning")

    def __init__(self) -> None:
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._turning: OrderedDict[int, None] = OrderedDict()
        """The letters of lines that changed in all but their letters: bars and spinners."""

    def pick_new(
        self, before: Sequence[str], after: Sequence[str], cursor: int | None = None
    ) -> list[Line]:
        """Return the lines of ``after`` that are new text against ``before``, in order.

        A line of ``before`` takes away one equal line, and failing that one line with
        the same letters. One that grew in its place is handed on as continued, one that
        shrank is not. Lines above the last ``len(before)`` ones were pushed up by the
        program and count even if they were seen earlier; those below only if not. The
        line at index ``cursor`` is not looked at: it is not finished.
        """
        before, after = _strip_end(before), _strip_end(after)
        equal = Counter(before)
        rest: list[tuple[int, str]] = []
        for place, line in enumerate(after):
            if equal[line] > 0:
                equal[line] -= 1
            elif place != cursor:
                rest.append((place, line))
        alike = Counter(sign(line) for line in equal.elements())
        pushed = len(after) - len(before)
        new: list[Line] = []
        for place, line in rest:
            letters = sign(line)
            if alike[letters] > 0:
                alike[letters] -= 1
                _note(self._turning, letters)
                continue
            if not letters and not any(map(str.isdigit, line)):
                continue
            seen = _note(self._seen, line) or (letters and hash(letters) in self._turning)
            if seen and place >= pushed:
                continue
            grown = _find_grown(letters, place, before, pushed, alike)
            if grown != letters:
                new.append(Line(line, continued=bool(grown), redrawn=True))
        for line in before:
            _note(self._seen, line)
        return new


def _find_grown(
    letters: str, place: int, before: Sequence[str], pushed: int, gone: Counter[str]
) -> str:
    """Return the letters that a line ``before`` had which grew into the one at ``place``.

    Nothing where there was none; ``letters`` itself where the line there shrank instead.
    """
    for index in (place, place - pushed):
        if not 0 <= index < len(before):
            continue
        old = sign(before[index])
        if not old or not gone[old]:
            continue
        if letters.startswith(old):
            gone[old] -= 1
            return old
        if old.startswith(letters):
            gone[old] -= 1
            return letters
    return ""


def _strip_end(lines: Sequence[str]) -> Sequence[str]:
    """Return ``lines`` without the blank ones at the end: an empty part of the screen."""
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    return lines[:end]


def _note(memory: OrderedDict[int, None], text: str) -> bool:
    """Note ``text`` and tell whether it was noted before; only its hash is kept."""
    key = hash(text)
    seen = key in memory
    memory[key] = None
    memory.move_to_end(key)
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
    return seen
