"""What a pane showed at one instant, and which of its rows are new since an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from panewatch.panes.text import clean, count_cells

LIVE_ROWS = 10
"""Rows at the bottom of what is drawn that a prompt is looked for in."""

_NUMBERS = (
    "pid",
    "start_time",
    "pane_pid",
    "pane_dead",
    "pane_in_mode",
    "pane_input_off",
    "pane_synchronized",
    "alternate_on",
    "history_size",
    "cursor_x",
    "cursor_y",
    "pane_width",
    "pane_height",
)
HEADER = " ".join(f"#{{{name}}}" for name in ("pane_id", *_NUMBERS, "pane_current_command"))
"""The format whose answer precedes the rows."""

Place: TypeAlias = tuple[bool, int]
"""A row of one of a pane's two screens, counted from the beginning of its history."""


@dataclass(frozen=True, slots=True)
class View:
    """One look at a pane.

    ``server`` tells servers apart that use the same socket one after the other.
    ``blocked`` says why keys would not reach the program alone, empty where they do.
    ``rows`` is the screen from top to bottom, without control characters.
    """

    server: tuple[int, int]
    pane_pid: int
    dead: bool
    blocked: str
    alternate: bool
    history: int
    cursor: tuple[int, int]
    width: int
    command: str
    rows: tuple[str, ...]

    @property
    def content(self) -> tuple[object, ...]:
        """What is the same in two looks if nothing was printed in between."""
        return self.alternate, self.history, self.cursor, self.rows

    def text(self, y: int) -> str:
        """Return a row, the cursor's one with spaces up to the cursor at least."""
        row = self.rows[y]
        column, cursor_y = self.cursor
        return row + " " * (column - count_cells(row)) if y == cursor_y else row

    @property
    def before_cursor(self) -> str:
        """The text of the cursor's row that is left of the cursor."""
        column, y = self.cursor
        row = self.text(y)
        length = min(column, len(row))
        while length and count_cells(row[:length]) > column:
            length -= 1
        return row[:length]

    def live(self) -> Iterator[int]:
        """Yield the indexes of the rows at the bottom of what is drawn, the lowest first."""
        drawn = [y for y, row in enumerate(self.rows) if row.strip() or y == self.cursor[1]]
        yield from reversed(drawn[-LIVE_ROWS:])

    def place(self, y: int) -> Place:
        """Return where a row stands, however far it scrolls."""
        return self.alternate, self.history + y


def parse_view(text: str) -> View | None:
    """Read the header and the rows; None where the pane is not there."""
    header, *lines = text.split("\n")
    pane, *fields = header.split(" ", len(_NUMBERS) + 1)
    if not pane:
        return None
    *numbers, command = fields
    facts = {name: int(value or 0) for name, value in zip(_NUMBERS, numbers, strict=True)}
    blocks = {
        "it is in copy mode": facts["pane_in_mode"],
        "its input is switched off": facts["pane_input_off"],
        "its keys go to other panes too": facts["pane_synchronized"],
    }
    height = facts["pane_height"]
    rows = [clean(line) for line in lines[:height]]
    rows += [""] * (height - len(rows))
    return View(
        server=(facts["pid"], facts["start_time"]),
        pane_pid=facts["pane_pid"],
        dead=bool(facts["pane_dead"]),
        blocked=next((why for why, set_ in blocks.items() if set_), ""),
        alternate=bool(facts["alternate_on"]),
        history=facts["history_size"],
        cursor=(facts["cursor_x"], min(facts["cursor_y"], height - 1)),
        width=facts["pane_width"],
        command=clean(command),
        rows=tuple(rows),
    )


class Baseline:
    """The rows that a view had: they count as old until they change or are wiped."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._old = _list_rows(view)

    def follow(self, view: View) -> None:
        """Take a later look into account."""
        last, self._view = self._view, view
        if view.width != last.width:
            # Reflowed: nobody knows which row is which.
            known = set(self._old.values())
            self._old = {place: row for place, row in _list_rows(view).items() if row in known}
            return
        if view.history < last.history:
            self._old = self._shift(view, last.history - view.history)
        shown = {view.place(y): row for y, row in enumerate(view.rows)}
        self._old = {place: row for place, row in self._old.items() if shown.get(place, row) == row}

    def has(self, view: View, y: int) -> bool:
        """Tell whether a row of the view that was followed last is an old one."""
        return view.place(y) in self._old

    def _shift(self, view: View, least: int) -> dict[Place, str]:
        """Find the old rows again after tmux has thrown the oldest history away.

        ``least`` is how many rows that were at least. Only the lowest of the old rows may
        have changed meanwhile, and one other has to be there still.
        """
        shown = _list_rows(view)
        lowest = max(self._old, default=None)
        for shift in range(least, least + len(view.rows)):
            moved = {(kind, row - shift): text for (kind, row), text in self._old.items()}
            free = None if lowest is None else (lowest[0], lowest[1] - shift)
            kept = [place for place in moved if place[1] >= view.history and place != free]
            if kept and all(shown.get(place) == moved[place] for place in kept):
                return moved
        return {}


def _list_rows(view: View) -> dict[Place, str]:
    """Return the rows that are not empty, by where they stand."""
    return {view.place(y): row for y, row in enumerate(view.rows) if row.strip()}
