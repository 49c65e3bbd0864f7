"""One capture of one pane: rows and joined lines of tmux's grid at one instant.

Rows are counted from the top of the pane's grid, history first: row ``history``
is the top of the screen. A joined line may fill several rows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from panewatch.panes.text import count_rows


@dataclass(frozen=True, slots=True)
class Grid:
    """The numbers that tmux gives with a capture.

    ``history`` and ``limit`` are rows, the cursor is counted from the top left of
    the screen. ``pid`` is the process that the pane was started with.
    """

    pid: int
    history: int
    limit: int
    width: int
    height: int
    cursor_x: int
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

    def __init__(self, lines: list[str], stop: int, width: int) -> None:
        """Place ``lines`` so that the last one ends above row ``stop``.

        Counting from the bottom keeps the rows near the cursor right even where
        the width of a character further up is in doubt.
        """
        self.lines = lines
        self.stop = stop
        self.starts: Sequence[int] = _place(lines, stop, width)
        self.start = self.starts[0] if lines else stop

    def line_at(self, row: int) -> int:
        """Return the index of the line that covers ``row``."""
        return max(0, bisect_right(self.starts, row) - 1)

    def first_from(self, row: int) -> int:
        """Return the index of the first line that starts at ``row`` or below."""
        return bisect_left(self.starts, row)


def _place(lines: list[str], stop: int, width: int) -> Sequence[int]:
    longest = max(map(len, lines), default=0)
    if longest <= width and (longest * 2 <= width or all(map(str.isascii, lines))):
        return range(stop - len(lines), stop)
    starts: list[int] = []
    row = stop
    for line in reversed(lines):
        row -= count_rows(line, width)
        starts.append(row)
    starts.reverse()
    return starts


@dataclass(frozen=True, slots=True)
class Capture:
    """The primary screen with the history above it that was asked for, and any alternate.

    ``text`` is the primary screen even while an alternate one is shown; then
    ``grid`` holds the primary's saved cursor. ``alternate`` is the alternate screen
    as joined lines, or None. ``alternate_cursor`` is the index of its cursor line.
    """

    grid: Grid
    text: Text
    alternate: list[str] | None = None
    alternate_cursor: int = 0

    @property
    def complete(self) -> bool:
        """Whether the text starts at the very top of the grid."""
        return self.text.start <= 0
