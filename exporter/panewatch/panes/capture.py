"""One capture of one pane: rows and joined lines of tmux's grid at one instant.

Rows are counted from the top of the pane's grid, history first: row ``history``
is the top of the screen. A joined line may fill several rows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from panewatch.panes.text import clean, count_rows

_PLAIN = bytes(range(ord(" "), ord("~") + 1))
"""Letters of ASCII that are shown as they are."""

DEAD_NOTE = "Pane is dead ("
"""How tmux's own note at the bottom of a dead pane begins, unless it is configured."""


class Grid(NamedTuple):
    """The numbers that tmux gives with a capture.

    ``history`` and ``limit`` are rows, ``cursor_y`` is counted from the top of the
    screen. ``pid`` is the process that the pane was started with.
    """

    pid: int
    history: int
    limit: int
    width: int
    height: int
    cursor_y: int
    dead: bool = False

    @property
    def step(self) -> int:
        """Rows that tmux drops at once when the history is full (a tenth of the limit)."""
        return max(1, self.limit // 10)

    @property
    def trims(self) -> bool:
        """Whether rows may have been dropped since the pane was created or cleared."""
        return self.history > self.limit - self.step


class Text:
    """Joined lines and the row at which each one starts."""

    __slots__ = ("lines", "start", "starts", "stop")

    def __init__(self, lines: list[str], starts: Sequence[int], stop: int) -> None:
        self.lines = lines
        self.starts = starts
        self.stop = stop
        self.start = starts[0] if lines else stop

    @classmethod
    def from_terminal(
        cls, raw: list[str], stop: int, width: int, limit: int, rows: int | None = None
    ) -> Text:
        """Place joined lines so that the last one ends above row ``stop``, and clean them.

        Counting from the bottom keeps the rows near the cursor right even where the
        width of a character further up is in doubt. ``rows`` is how many rows the lines fill
        together, where that is known. A line over ``limit`` characters is
        cut to ``limit + 1``, so that a reader can tell that it was longer.
        """
        together = "".join(raw)
        ascii_only = together.isascii()
        if len(raw) == rows:
            starts: Sequence[int] = range(stop - rows, stop)
        else:
            starts = _place(raw, stop, width, ascii_only=ascii_only)
        # One look at all the text is cheaper than one at each line.
        if ascii_only:
            plain = not together.encode().translate(None, _PLAIN)
        else:
            plain = together.isprintable()
        lines = [line.rstrip() for line in (raw if plain else map(clean, raw))]
        if len(together) > limit and max(map(len, lines)) > limit:
            lines = [line[: limit + 1] for line in lines]
        return cls(lines, starts, stop)

    def below(self, known: Text, offset: int) -> Text:
        """Return this text with the lines of ``known`` put back that stood above it.

        Line ``i`` of ``known`` is line ``i + offset`` here. The first line here may be the
        end of a longer one, which is taken from ``known``.
        """
        count = 1 - offset
        if count < 2 or count >= len(known.lines) or len(self.lines) < 2:  # noqa: PLR2004
            return self
        lines = known.lines[:count] + self.lines[1:]
        if isinstance(known.starts, range) and isinstance(self.starts, range):
            return Text(lines, range(self.stop - len(lines), self.stop), self.stop)
        shift = known.starts[count] - self.starts[1]
        starts = [start - shift for start in known.starts[:count]]
        return Text(lines, [*starts, *self.starts[1:]], self.stop)

    def drop(self, count: int) -> Text:
        """Return the text without its first ``count`` lines."""
        return Text(self.lines[count:], self.starts[count:], self.stop)

    def line_at(self, row: int) -> int:
        """Return the index of the line that covers ``row``."""
        if isinstance(self.starts, range):  # a line for each row
            index = row - self.start
            return max(0, min(index, len(self.lines) - 1))
        return max(0, bisect_right(self.starts, row) - 1)

    def row_of(self, index: int) -> int:
        """Return the row at which line ``index`` starts; the end where there is none."""
        return self.starts[index] if index < len(self.lines) else self.stop

    def first_from(self, row: int) -> int:
        """Return the index of the first line that starts at ``row`` or below."""
        if isinstance(self.starts, range):
            index = row - self.start
            return 0 if index < 0 else min(index, len(self.lines))
        return bisect_left(self.starts, row)


def _place(lines: list[str], stop: int, width: int, *, ascii_only: bool) -> Sequence[int]:
    longest = max(map(len, lines), default=0)
    if longest <= width and (ascii_only or longest * 2 <= width):
        return range(stop - len(lines), stop)
    starts: list[int] = []
    row = stop
    for line in reversed(lines):
        row -= count_rows(line, width)
        starts.append(row)
    starts.reverse()
    return starts


@dataclass(slots=True)
class Capture:
    """The primary screen with the history above it that was asked for, and any alternate.

    ``text`` is the primary screen even while an alternate one is shown; then
    ``grid`` holds the primary's saved cursor. It is None where the primary screen could
    not be put together under an alternate one. ``alternate`` is the alternate screen as
    joined lines, or None. ``alternate_cursor`` is the index of its cursor line.
    """

    grid: Grid
    text: Text | None
    alternate: list[str] | None = None
    alternate_cursor: int = 0
