"""Whether a pane goes round in circles: much output, and hardly any of it new.

Output is a loop where over a whole window of minutes hardly any line is new once its
numbers are left out, and most are not new with them either. Lines that differ in their
numbers only (steps, percentages, losses, addresses) are progress as long as those numbers
change in more than half of them. When something was printed is no difference.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from panewatch.config import PanesSettings
from panewatch.panes.model import EndedCommand, Line

_SLOTS = 5
"""Parts of half a window; output keeps coming where all but one of each half had some."""

_MOST_IN_SLOT = 40
"""Lines of one slot that are compared: they tell enough, and a flood costs no more."""

_LONGEST = 200
"""Characters of a line that are compared."""

_MOST_NEW = 0.5
"""Share of different lines, their numbers kept, above which they are progress."""

_WITHOUT_DIGITS = str.maketrans("", "", "0123456789")
_TIMES = ("::", "--", "//")
_AROUND_TIMES = "[](){}<>,;.|+-/:TZ"
_MONTHS = frozenset("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())
"""A web server's log says ``[22/Nov/2026:10:00:01``."""


def leave_out_times(text: str) -> str:
    """Return ``text`` without words that tell a date or a time of day."""
    # Each time has two of one of these, and few other lines do.
    if text.count(":") < 2 and text.count("-") < 2 and text.count("/") < 2:  # noqa: PLR2004
        return text
    return " ".join([word for word in text.split() if not _tells_time(word)])


def _tells_time(word: str) -> bool:
    rest = word.translate(_WITHOUT_DIGITS)
    if rest == word or not any(sign in rest for sign in _TIMES):
        return False
    inside = rest.strip(_AROUND_TIMES)
    return not inside or inside in _MONTHS


class _Half:
    """Half a window of lines."""

    __slots__ = ("active", "bare", "compared", "in_slot", "kept", "slot")

    def __init__(self) -> None:
        self.slot = -1
        self.in_slot = 0
        self.active = 0
        """Slots that had lines."""
        self.compared = 0
        self.bare: set[int] = set()
        self.kept: set[int] = set()


class LoopWatch:
    """Follows the output of one pane. All times are monotonic seconds.

    Other ``settings`` hold from the next line on.
    """

    __slots__ = ("_begin", "_ends", "_half", "_last", "_line", "_older", "_program", "_repeats",
                 "settings")  # fmt: skip

    def __init__(self, settings: PanesSettings, now: float) -> None:
        self.settings = settings
        self._begin = now
        self._half, self._older = _Half(), _Half()
        self._last = float("-inf")
        self._repeats = False
        """Whether the lines of the last whole window repeated themselves."""
        self._line = self._program = ""
        self._ends: deque[float] = deque(maxlen=settings.looping_repeats)

    def take(self, lines: Sequence[Line], now: float) -> None:
        """Take in new lines."""
        if not lines:
            return
        self._turn(now)
        half = self._half
        slot = int((now - self._begin) / (self.settings.looping_window / 2 / _SLOTS))
        room = _MOST_IN_SLOT - half.in_slot if slot == half.slot else _MOST_IN_SLOT
        texts = [text for line in lines[:room] if (text := line.text[:_LONGEST].strip())]
        if texts or not room:
            self._last = now
        if not texts:
            return
        if slot != half.slot:
            half.slot, half.in_slot = slot, 0
            half.active += 1
        half.in_slot += len(texts)
        half.compared += len(texts)
        for text in texts:
            half.bare.add(hash(text.translate(_WITHOUT_DIGITS)))
            half.kept.add(hash(leave_out_times(text)))

    def take_commands(self, ended: Iterable[EndedCommand], now: float) -> None:
        """Take in commands that ended."""
        most = self.settings.looping_repeats
        for command in ended:
            # Of lines that are kept from us nobody knows whether they are the same.
            same = bool(command.line) and command.line == self._line
            if not same or self._ends.maxlen != most:
                self._line, self._program = command.line, command.name
                self._ends = deque(self._ends if same else (), maxlen=most)
            self._ends.append(now)

    def judge(self, now: float) -> bool:
        """Tell whether the pane loops at ``now``."""
        self._turn(now)
        window = self.settings.looping_window
        if self._repeats and now - self._last < window / _SLOTS:
            return True
        ends = self._ends
        return (
            len(ends) == ends.maxlen
            and now - ends[0] < window
            and now - ends[-1] < window / _SLOTS
            and self._program not in self.settings.looping_except
        )

    def _turn(self, now: float) -> None:
        """Go over to the next half of a window where that has begun."""
        span = self.settings.looping_window / 2
        if now < self._begin + span:
            return
        self._repeats = self._compare()
        late = now >= self._begin + 2 * span
        self._older, self._half = _Half() if late else self._half, _Half()
        self._begin = now if late else self._begin + span

    def _compare(self) -> bool:
        halves = (self._older, self._half)
        lines = sum(half.compared for half in halves)
        if lines < self.settings.looping_lines or any(h.active < _SLOTS - 1 for h in halves):
            return False
        different = len(self._older.bare | self._half.bare)
        return (
            different <= self.settings.looping_distinct * lines
            and len(self._older.kept | self._half.kept) <= _MOST_NEW * lines
        )
