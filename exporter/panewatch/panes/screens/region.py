"""Where on a screen something counts: the rows at its bottom, and the box that is typed into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from panewatch.panes.model import Frame
from panewatch.panes.screens.box import Box, find_box, find_draft

Place: TypeAlias = Literal["last", "live", "box", "above", "below", "cursor", "screen"]

PLACES: Final[tuple[Place, ...]] = Place.__args__  # type: ignore[attr-defined]

_MOST_ROWS: Final = 80
_LONGEST_ROW: Final = 512
_ONE_ROW: Final = 2
_EDGES: Final = " \t│┃║|▌▐▏▕"

_NOWHERE: Final = (0, 0)
_CURSOR: Final = (-1, 0)

_AROUND_BOX: Final = frozenset(("live", "box", "above", "below"))


class Region(NamedTuple):
    """A part of a screen, and at most how many of its rows; blank rows are in none."""

    place: Place
    rows: int


class Text:
    """The rows of one region."""

    __slots__ = ("_encoded", "_flow", "rows")

    def __init__(self, rows: Sequence[str]) -> None:
        self.rows = rows
        self._encoded: bytes | None = None
        self._flow: str | None = None

    @property
    def encoded(self) -> bytes:
        """The rows, one a line."""
        if self._encoded is None:
            self._encoded = "\n".join(self.rows).encode(errors="replace")
        return self._encoded

    @property
    def flow(self) -> str:
        """The words as they follow each other, without the edges of boxes and line breaks."""
        if self._flow is None:
            self._flow = " ".join([row.strip(_EDGES) for row in self.rows])
        return self._flow


class View:
    """One screen, as regions of it are asked for."""

    __slots__ = (
        "_asked", "_box", "_cursor", "_looked", "_slices", "_texts", "alternate", "rows", "whole",
    )  # fmt: skip

    def __init__(self, frame: Frame) -> None:
        lines = frame.lines
        end = len(lines)
        while end and not lines[end - 1].strip():
            end -= 1
        begin = max(0, end - _MOST_ROWS)
        shown = [line[:_LONGEST_ROW].rstrip() for line in lines[begin:end]]
        self.rows = [row for row in shown if row]
        self.whole = "\n".join(self.rows)
        place = frame.cursor_line - begin
        self._cursor = shown[place] if 0 <= place < len(shown) else ""
        self.alternate = frame.alternate
        self._box: Box | None = None
        self._looked = False
        self._asked: View | None = None
        self._texts: dict[Region, Text] = {}
        self._slices: dict[tuple[int, int], Text] = {}

    def find(self, region: Region) -> Text:
        """Return the text of a region; it has no rows where the screen has no such region."""
        text = self._texts.get(region)
        if text is None:
            ends = self._cut(region)
            text = self._slices.get(ends)
            if text is None:
                begin, end = ends
                rows = self.rows[begin:end] if begin >= 0 else [self._cursor]
                text = self._slices[ends] = Text(rows)
            self._texts[region] = text
        return text

    @property
    def box(self) -> Box | None:
        """The lowest box, where it is near the bottom."""
        if not self._looked:
            self._looked = True
            # No box is drawn with the letters of plain output.
            self._box = None if self.whole.isascii() else find_box(self.rows)
        return self._box

    @property
    def asked(self) -> View:
        """The screen without what somebody writes to an agent: that asks nobody for anything."""
        if self._asked is None:
            self._asked = self
            box = self.box
            prompt = find_draft(self.rows, box) if box and box.bottom - box.top > _ONE_ROW else ""
            if box and prompt:
                rows = (*self.rows[: box.top + 1], prompt, *self.rows[box.bottom :])
                self._asked = View(Frame(rows, box.top + 1, alternate=self.alternate))
        return self._asked

    def _cut(self, region: Region) -> tuple[int, int]:
        """Return the first row of a region and the one behind its last."""
        place, count = region
        begin, end = 0, len(self.rows)
        box = self.box if place in _AROUND_BOX else None
        match place:
            case "cursor":
                return _CURSOR if self._cursor else _NOWHERE
            case "above":
                begin, end = (0, box.top) if box else _NOWHERE
            case "box":
                begin, end = (box.top, box.bottom + 1) if box else _NOWHERE
            case "below":
                begin = box.bottom + 1 if box else end
                end = min(end, begin + count)
            case "live":
                begin = box.top if box else 0
        return max(begin, end - count), end
