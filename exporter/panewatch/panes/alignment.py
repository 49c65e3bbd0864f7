"""Where a new capture continues the one before.

``history_size`` alone is no cursor: tmux drops a tenth of a full history at once,
``clear-history`` drops all of it, a resize wraps every line anew and a respawn
wipes the screen under the same pane id. So the rows say where the text should
continue and the text itself has to agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from panewatch.panes.capture import Grid, Text

_CONVINCING = 3
_CONVINCING_IN_FLOOD = 10
"""Lines that must agree where only the text speaks for a place; more of them where
rows may have been dropped, because then the rows would have shown a real overlap."""


class Fit(Enum):
    """How well a capture continues the known text."""

    EXACT = "every line handed on before is still there, unchanged"
    REDRAWN = "the place is certain, lines on the screen were drawn over"
    LOST = "nothing agrees: text in between is gone"


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of the last capture of a pane.

    The lines of ``text`` before index ``settled`` were handed on; ``cursor`` is the
    index of the line that the cursor was on.
    """

    grid: Grid
    text: Text
    settled: int
    cursor: int


@dataclass(frozen=True, slots=True)
class Alignment:
    """Known line ``i`` is line ``i + offset`` of the capture.

    ``kept`` is the number of known lines, counted from the first, after which the
    two differ; it is ``settled`` of the known text where the fit is exact.
    ``missed`` is a lower bound for the rows that are gone where the fit is lost.
    """

    fit: Fit
    offset: int = 0
    kept: int = 0
    missed: int = 0


def align(known: Known, grid: Grid, text: Text, *, whole: bool = False) -> Alignment | None:
    """Find where ``text``, the end of ``grid``, continues ``known``.

    Args:
        known: The last capture.
        grid: The numbers of the new one.
        text: Its lines.
        whole: Whether the text is all that there is to be had.

    Returns:
        The alignment, or None where the text does not reach back far enough and
        a longer one may tell.
    """
    same_width = known.grid.width == grid.width
    same_process = known.grid.pid == grid.pid
    if same_width:
        candidates = list(_place(known, grid, text))
        for offset in candidates:
            if _agree(known, text, offset):
                # A respawn wipes the screen, and with it what was printed since.
                fit = Fit.EXACT if same_process else Fit.LOST
                return Alignment(fit, offset, known.settled)
        for offset in candidates:
            kept = _count_kept(known, text, offset, wiped=not same_process)
            if kept is not None:
                return Alignment(Fit.REDRAWN if same_process else Fit.LOST, offset, kept)
    found = _search(known, text, strict=same_width)
    enough = _CONVINCING_IN_FLOOD if same_width and grid.trims else _CONVINCING
    if found is not None and found.length >= min(enough, known.settled):
        return Alignment(Fit.EXACT, found.offset, known.settled)
    if text.start > 0 and not whole:
        return None
    if found is not None:
        # Too few lines to be sure that nothing is lost, enough not to repeat them.
        return Alignment(Fit.LOST, found.offset, known.settled)
    return Alignment(Fit.LOST, missed=_count_missed(known, grid))


def _place(known: Known, grid: Grid, text: Text) -> Iterator[int]:
    """Yield the offsets that the row numbers allow, fewest new rows first."""
    first, last = known.text.start, known.text.stop
    dropped = 0
    while dropped <= last - text.start:
        scrolled = grid.history - known.grid.history + dropped
        if dropped == 0 or (grid.trims and scrolled > 0):
            index = known.text.first_from(max(first, text.start + dropped))
            if index < len(known.text.lines):
                row = known.text.starts[index] - dropped
                place = text.first_from(row)
                if place < len(text.lines) and text.starts[place] == row:
                    yield place - index
        if not grid.trims:
            break
        dropped += grid.step
    if grid.history < known.grid.history and not grid.trims:
        # clear-history drops all of it and leaves the screen.
        index = known.text.first_from(known.grid.history)
        place = text.first_from(0)
        if place < len(text.lines) and text.starts[place] == 0:
            yield place - index


def _agree(known: Known, text: Text, offset: int) -> bool:
    """Tell whether all known settled lines that the text reaches back to are in it."""
    begin = max(0, -offset)
    if begin > known.settled or (begin == known.settled and begin > 0):
        return False
    stop = known.settled + offset
    return (
        stop <= len(text.lines)
        and known.text.lines[begin : known.settled] == text.lines[begin + offset : stop]
    )


def _count_kept(known: Known, text: Text, offset: int, *, wiped: bool) -> int | None:
    """Return how many known lines stand unchanged before the first one that differs.

    Rows in the history cannot be drawn over: they have to agree. Where there are none
    to compare, one line of the screen must have stayed in its place, unless a new
    process began with the screen ``wiped``.
    """
    lines = known.text.lines
    begin = max(0, -offset)
    history = known.text.first_from(known.grid.history)
    stop = min(known.settled, len(text.lines) - offset)
    kept = begin
    while kept < stop and lines[kept] == text.lines[kept + offset]:
        kept += 1
    if kept < min(history, stop):
        return None
    if wiped or any(lines[begin:kept]):
        return kept
    stayed = any(
        lines[i] and lines[i] == text.lines[i + offset]
        for i in range(kept, min(len(lines), len(text.lines) - offset))
    )
    return kept if stayed else None


class _Found(NamedTuple):
    """Where known lines were found, and how many of them agree."""

    offset: int
    length: int


def _search(known: Known, text: Text, *, strict: bool) -> _Found | None:
    """Look for the known settled lines anywhere in the text, latest place first.

    ``strict`` asks that all of them agree that can be there; otherwise a few do.
    """
    lines, wanted = known.text.lines, known.settled
    if not any(lines[:wanted]):
        return None
    anchor = lines[wanted - 1]
    for place in range(len(text.lines) - 1, -1, -1):
        if text.lines[place] != anchor:
            continue
        length = 1
        # The first line of a part may be the end of a longer one: it proves nothing.
        longest = min(wanted, place + 1 - (text.start > 0))
        while length < longest and lines[wanted - 1 - length] == text.lines[place - length]:
            length += 1
        whole = 0 < length == longest
        convincing = length >= min(_CONVINCING, wanted)
        if whole if strict else convincing:
            return _Found(place + 1 - wanted, length)
    return None


def _count_missed(known: Known, grid: Grid) -> int:
    """Return the least number of rows that scrolled out unseen, 0 where unknown."""
    if not grid.trims or known.grid.width != grid.width or known.grid.pid != grid.pid:
        return 0
    settled = known.text.row_of(known.settled)
    # Everything above the settled row is gone, and tmux drops whole steps.
    return -settled % grid.step
