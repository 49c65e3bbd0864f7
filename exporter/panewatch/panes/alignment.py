"""Where a new capture continues the one before.

``history_size`` alone is no cursor: tmux drops a tenth of a full history at once,
``clear-history`` drops all of it, a resize wraps every line anew and a respawn
wipes the screen under the same pane id. So the rows say where the text should
continue and the text itself has to agree.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class Known(NamedTuple):
    """What is remembered of the last capture of a pane.

    The lines of ``text`` before index ``settled`` were handed on; ``cursor`` is the
    index of the line that the cursor was on.
    """

    grid: Grid
    text: Text
    settled: int
    cursor: int


class Alignment(NamedTuple):
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
    beyond = text.start > 0 and not whole
    if known.grid.width == grid.width:
        trims = grid.trims
        candidates = _place(known, grid, text, trims=trims)
        reaching = [place for place in candidates if place.begin < known.settled]
        if not reaching and known.settled and beyond:
            return None
        if trims and beyond:
            candidates = reaching = [place for place in reaching if _distinguish(known, place)]
        found = _align_by_rows(known, grid, text, reaching or candidates)
        if found is not None:
            return found
        if trims and beyond:
            return None
    found = _align_by_text(known, grid, text)
    speaks = _count_distinct(known.text.lines[: known.settled])
    return None if beyond and (found.fit is Fit.LOST or not speaks) else found


def _align_by_rows(
    known: Known, grid: Grid, text: Text, places: Sequence[_Place]
) -> Alignment | None:
    same_process = known.grid.pid == grid.pid
    if not known.settled and grid.trims and not known.grid.trims:
        # There is no line to compare, and a history that filled up may have dropped some.
        places = [place for place in places if _goes_on(known, text, place)]
    for place in places:
        if _agree(known, text, place):
            # A respawn wipes the screen, and with it what was printed since.
            fit = Fit.EXACT if same_process else Fit.LOST
            return Alignment(fit, place.offset, known.settled)
    for place in places:
        kept = _count_kept(known, text, place, wiped=not same_process, trims=grid.trims)
        if kept is not None:
            return Alignment(Fit.REDRAWN if same_process else Fit.LOST, place.offset, kept)
    return None


def _align_by_text(known: Known, grid: Grid, text: Text) -> Alignment:
    same_width = known.grid.width == grid.width
    same_process = known.grid.pid == grid.pid
    spoken = _count_distinct(known.text.lines[: known.settled])
    if not spoken and same_process and not grid.trims:
        # Nothing was printed that could be missing: all that is there is new.
        return Alignment(Fit.EXACT, -known.settled, known.settled)
    found = _search(known, text, known.settled, strict=same_width)
    if found is not None:
        enough = _CONVINCING_IN_FLOOD if same_width and grid.trims else _CONVINCING
        # A few lines are not enough to be sure that nothing is lost, but not to be repeated.
        sure = same_process and found.length >= min(enough, spoken)
        return Alignment(Fit.EXACT if sure else Fit.LOST, found.offset, known.settled)
    if not same_process:
        # A respawn wiped the screen; the lines above it are still there.
        survives = known.text.line_at(known.grid.history)
        found = _search(known, text, survives, strict=False)
        if found is not None:
            kept = _follow(known, text, found.offset, survives)
            return Alignment(Fit.LOST, found.offset, kept)
    return Alignment(Fit.LOST, missed=_count_missed(known, grid, text))


class _Place(NamedTuple):
    """A place where the text may continue the known one.

    ``begin`` is the first known line whose start is in the text: the line before it may
    be there in part.
    """

    offset: int
    begin: int


def _place(known: Known, grid: Grid, text: Text, *, trims: bool) -> list[_Place]:
    """Return the places that the row numbers allow, fewest new rows first."""
    places: list[_Place] = []
    before, end = known.text, len(text.lines)
    first, last = before.start, before.stop
    dropped = 0
    while dropped <= last - text.start:
        scrolled = grid.history - known.grid.history + dropped
        if dropped == 0 or (trims and scrolled > 0):
            index = before.first_from(max(first, text.start + dropped))
            if index < len(before.lines):
                row = before.starts[index] - dropped
                place = text.first_from(row)
                if place < end and text.starts[place] == row:
                    places.append(_Place(place - index, index))
        if not trims:
            break
        dropped += grid.step
    if grid.history < known.grid.history and not trims:
        # clear-history drops all of it and leaves the screen.
        index = before.first_from(known.grid.history)
        place = text.first_from(0)
        if place < end and text.starts[place] == 0:
            places.append(_Place(place - index, index))
    return places


def _count_distinct(lines: Sequence[str]) -> int:
    """Count different lines: blank ones and repeated ones prove no place."""
    return len(set(filter(None, lines)))


def _distinguish(known: Known, place: _Place) -> bool:
    """Tell whether the lines that can be compared are enough to tell a place from another.

    A history that is full drops whole tenths, and a log repeats itself: a few lines that
    agree may be the wrong ones. Where all that is known is compared, there are no more.
    """
    lines = known.text.lines[place.begin : known.settled]
    return place.begin <= 1 or _count_distinct(lines) >= _CONVINCING_IN_FLOOD


def _agree(known: Known, text: Text, place: _Place) -> bool:
    """Tell whether all known settled lines that the text reaches back to are in it."""
    offset, begin = place
    if begin > known.settled or (begin == known.settled and begin > 0):
        return False
    stop = known.settled + offset
    return (
        stop <= len(text.lines)
        and known.text.lines[begin : known.settled] == text.lines[begin + offset : stop]
    )


def _goes_on(known: Known, text: Text, place: _Place) -> bool:
    """Tell whether the line that was not finished is there, perhaps with its rest."""
    unfinished = known.text.lines[known.cursor]
    index = known.cursor + place.offset
    known_place = 0 <= index < len(text.lines)
    return known_place and bool(unfinished) and text.lines[index].startswith(unfinished)


def _count_kept(known: Known, text: Text, place: _Place, *, wiped: bool, trims: bool) -> int | None:
    """Return how many known lines stand unchanged before the first one that differs.

    Rows in the history cannot be drawn over: they have to agree. Where there are none
    to compare, one line of the screen must have stayed in its place, unless a new
    process began with the screen ``wiped``.
    """
    lines = known.text.lines
    offset, begin = place
    # A line that reaches from the history into the screen may lose its end.
    history = known.text.line_at(known.grid.history)
    stop = min(known.settled, len(text.lines) - offset)
    kept = _follow(known, text, offset, begin)
    if kept < min(history, stop):
        return None
    if wiped:
        rest = text.lines[kept + offset] if kept < stop else ""
        return kept + bool(rest and lines[kept].startswith(rest))
    if (
        trims
        and begin > 1
        and (begin >= history or _count_distinct(lines[begin:kept]) < _CONVINCING)
    ):
        return None  # a line that stands where one stood may be another one like it
    if any(lines[begin:kept]):
        return kept
    stayed = any(
        lines[i] and lines[i] == text.lines[i + offset]
        for i in range(kept, min(len(lines), len(text.lines) - offset))
    )
    return kept if stayed else None


def _follow(known: Known, text: Text, offset: int, begin: int) -> int:
    """Return the first settled line from ``begin`` on that the text does not have."""
    stop = min(known.settled, len(text.lines) - offset)
    index = begin
    while index < stop and known.text.lines[index] == text.lines[index + offset]:
        index += 1
    return index


class _Found(NamedTuple):
    """Where known lines were found, and how many different ones of them agree."""

    offset: int
    length: int


def _search(known: Known, text: Text, wanted: int, *, strict: bool) -> _Found | None:
    """Look for the first ``wanted`` known lines anywhere in the text, latest place first.

    ``strict`` asks that all of them agree that can be there; otherwise a few do.
    """
    lines = known.text.lines
    spoken = _count_distinct(lines[:wanted])
    if not spoken:
        return None
    anchor = lines[wanted - 1]
    for place in range(len(text.lines) - 1, -1, -1):
        if text.lines[place] != anchor:
            continue
        length = 1
        longest = min(wanted, place + 1)
        while length < longest and lines[wanted - 1 - length] == text.lines[place - length]:
            length += 1
        # The first line of the text may be the end of a longer one: it need not agree.
        whole = length >= min(wanted, place)
        length = _count_distinct(lines[wanted - length : wanted])
        if length >= min(1 if whole else _CONVINCING, spoken) and (whole or not strict):
            return _Found(place + 1 - wanted, length)
    return None


def _count_missed(known: Known, grid: Grid, text: Text) -> int:
    """Return the least number of rows that scrolled out unseen, 0 where unknown."""
    if not grid.trims or known.grid.width != grid.width or known.grid.pid != grid.pid:
        return 0
    settled = known.text.row_of(known.settled)
    # Everything above the settled row is gone, and tmux drops whole steps.
    least = -settled % grid.step
    unfinished = known.text.lines[known.cursor]
    if not least and unfinished and not text.lines[0].startswith(unfinished):
        return grid.step
    return least
