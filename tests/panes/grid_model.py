"""tmux's grid as far as reading needs it: rows that scroll, wrap, and are dropped by tenths."""

from __future__ import annotations

from itertools import pairwise

from panewatch.panes.capture import Capture, Grid, Text


class GridModel:
    """A pane of ``height`` rows whose program prints whole lines."""

    def __init__(self, *, width: int = 20, height: int = 6, limit: int = 30) -> None:
        self.width = width
        self.height = height
        self.limit = limit
        self.pid = 1
        self._rows: list[tuple[str, bool]] = []
        """Text, and whether it goes on in the next row."""
        self._history = 0

    @property
    def history(self) -> int:
        """Rows above the screen."""
        return self._history

    def print(self, line: str) -> None:
        """Print one line and go to the next."""
        for begin in range(0, max(1, len(line)), self.width):
            part = line[begin : begin + self.width]
            self._rows.append((part, begin + self.width < len(line)))
            # The cursor stands below what is printed.
            while len(self._rows) + 1 - self._history > self.height:
                self._scroll()

    def _scroll(self) -> None:
        if self._history >= self.limit:
            drop = min(max(1, self.limit // 10), self._history)
            del self._rows[:drop]
            self._history -= drop
        self._history += 1

    def clear_screen(self) -> None:
        """Scroll what is on the screen out of sight."""
        for _ in range(len(self._rows) - self._history):
            self._scroll()

    def clear_history(self) -> None:
        """Drop all rows above the screen."""
        del self._rows[: self._history]
        self._history = 0

    def wipe(self) -> None:
        """Drop everything."""
        self._rows.clear()
        self._history = 0

    def respawn(self) -> None:
        """Start another program: the screen is empty, the history stays."""
        self.pid += 1
        del self._rows[self._history :]
        if self._rows:
            # tmux would join the next line to one that is cut here: not told apart by rows.
            self._rows[-1] = (self._rows[-1][0], False)

    def capture(self, rows: int) -> Capture:
        """Return what a look that reaches ``rows`` above the screen shows."""
        cursor = len(self._rows) - self._history
        grid = Grid(self.pid, self._history, self.limit, self.width, self.height, cursor)
        blank = self.height - cursor
        lines = self._join(max(0, self._history - rows)) + [""] * blank
        return Capture(grid, Text.from_terminal(lines, self._history + self.height, self.width, 99))

    def _join(self, first: int) -> list[str]:
        rows = self._rows[first:]
        lines = [rows[0][0]] if rows else []
        for (_, goes_on), (text, _) in pairwise(rows):
            if goes_on:
                lines[-1] += text
            else:
                lines.append(text)
        return lines
