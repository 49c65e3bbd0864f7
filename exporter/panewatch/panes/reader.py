"""A pane's text, each line once: captures go in, new lines and gaps come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from os.path import commonprefix

from panewatch.panes.alignment import Alignment, Fit, Known, align
from panewatch.panes.capture import DEAD_NOTE, Capture, Grid, Text
from panewatch.panes.model import Frame, Line
from panewatch.panes.redraw import RedrawMemory

_REMEMBERED_ROWS = 300
"""Lines above the screen that are kept to find the place again."""

_QUIET_SECONDS = 3.0
"""An unfinished line that stays as it is for this long is handed on."""


@dataclass(slots=True)
class Reading:
    """What one capture brought.

    ``rows`` is how many rows scrolled or were printed since the last capture, the
    figure that a pane's pace is judged by; ``changed`` tells whether anything that the
    pane shows is different.
    """

    lines: list[Line] = field(default_factory=list)
    gap: bool = False
    missed: int = 0
    rows: int = 0
    changed: bool = True


class PaneReader:
    """Reads one pane for as long as it lives.

    ``from_start`` tells whether the text of the first capture is new (a pane that
    appeared under our eyes) or was there before us (it is not handed on).
    """

    __slots__ = (
        "_alternate",
        "_from_start",
        "_handed_on",
        "_known",
        "_memory",
        "_pending_since",
    )

    def __init__(self, *, from_start: bool) -> None:
        self._from_start = from_start
        self._known: Known | None = None
        self._alternate: list[str] | None = None
        self._memory = RedrawMemory()
        self._handed_on = ""
        """The unfinished line as it was handed on while it was quiet, or nothing."""
        self._pending_since = 0.0

    @property
    def from_start(self) -> bool:
        """Whether the text of the first capture counts as new."""
        return self._from_start

    @property
    def frame(self) -> Frame:
        """The primary screen at the last capture."""
        known = self._known
        if known is None:
            return Frame((), 0, alternate=False)
        top = known.text.line_at(known.grid.history)
        return Frame(known.text.lines[top:], max(0, known.cursor - top), alternate=False)

    @property
    def known(self) -> Known | None:
        """What is remembered of the last capture; None before the first."""
        return self._known

    def read(self, capture: Capture, now: float, *, whole: bool = False) -> Reading | None:
        """Take in a capture made at monotonic time ``now``.

        ``whole`` tells that no capture can reach back further.

        Returns:
            What is new, or None where a capture that reaches further back is needed;
            nothing was taken in then.
        """
        known, text = self._known, capture.text
        if text is None:
            reading = Reading(changed=False)
        elif known is None:
            reading = self._begin(capture, text, now)
        else:
            alignment = align(known, capture.grid, text, whole=whole)
            if alignment is None:
                return None
            reading = self._continue(known, alignment, capture.grid, text, now)
        self._read_alternate(capture, reading)
        return reading

    def _begin(self, capture: Capture, text: Text, now: float) -> Reading:
        cursor = _find_cursor(capture.grid, text)
        reading = Reading()
        if self._from_start:
            reading.lines = [Line(line) for line in _select_printed(capture.grid, text, 0, cursor)]
            reading.lines += self._memory.pick_new((), text.lines[cursor + 1 :])
            reading.gap = capture.grid.trims or text.start > 0
            reading.missed = text.start
        elif capture.alternate:
            self._alternate = capture.alternate
        reading.rows = len(reading.lines)
        self._keep(capture.grid, text, cursor, cursor)
        self._pending_since = now
        if self._from_start:
            self._watch_pending("", reading, now)
        return reading

    def _continue(
        self, known: Known, alignment: Alignment, grid: Grid, text: Text, now: float
    ) -> Reading:
        cursor = _find_cursor(grid, text)
        before, lines = known.text.lines, text.lines
        fit, offset, kept, missed = alignment
        lost = fit is Fit.LOST
        reading = Reading(missed=missed)
        if lost:
            # A dead pane prints no more: what a respawn wiped had been read.
            reading.gap = not known.grid.dead
            resume = kept + offset
            self._handed_on = ""
        else:
            resume = known.settled + offset
        plain = fit is Fit.EXACT and not (
            any(before[known.cursor + 1 :]) or any(lines[cursor + 1 :])
        )
        if lost or plain:
            fresh = _select_printed(grid, text, resume, cursor)
            if lost:
                _drop_known(fresh, known, kept)
            if fresh:
                reading.lines = self._finish_pending(fresh)
            if lost:
                reading.lines += self._memory.pick_new(before[known.cursor :], lines[cursor + 1 :])
        else:
            start = kept + offset
            reading.lines = self._memory.pick_new(before[kept:], lines[start:], cursor - start)
            if resume < cursor:
                self._handed_on = ""
        reading.rows = max(0, cursor - resume) + len(reading.lines)
        settled = max(resume, cursor)
        if cursor < resume and not any(lines[cursor + 1 :]):
            settled = cursor  # the lines below were erased; new ones will stand there
        reading.changed = bool(reading.lines) or reading.gap or _differs(known, grid, text, offset)
        if not lost and known.grid.width == grid.width:
            # A read that reaches back just far enough must not shorten the memory.
            longer = text.below(known.text, offset)
            more = len(longer.lines) - len(lines)
            text, settled, cursor = longer, settled + more, cursor + more
        self._keep(grid, text, settled, cursor)
        self._watch_pending(before[known.cursor], reading, now)
        return reading

    def _finish_pending(self, fresh: list[str]) -> list[Line]:
        """Turn finished lines into new ones, the first perhaps handed on in part before."""
        handed_on = self._handed_on
        if not fresh or not handed_on:
            return [Line(text) for text in fresh]
        self._handed_on = ""
        rest = [Line(text) for text in fresh[1:]]
        if fresh[0].rstrip() == handed_on:
            return rest
        return [Line(fresh[0], continued=fresh[0].startswith(handed_on)), *rest]

    def _watch_pending(self, before: str, reading: Reading, now: float) -> None:
        """Hand on the unfinished line once it has been quiet, or at the pane's death."""
        known = self._known
        if known is None:
            return
        pending = known.text.lines[known.cursor]
        if pending != before:
            self._pending_since = now
        quiet = now - self._pending_since >= _QUIET_SECONDS
        text = pending.rstrip()
        if known.grid.dead:
            quiet = not text.startswith(DEAD_NOTE)
        if not text or not quiet or text == self._handed_on or known.settled > known.cursor:
            return
        continued = bool(self._handed_on) and text.startswith(self._handed_on)
        if continued or not self._handed_on or self._memory.pick_new([self._handed_on], [text]):
            reading.lines.append(Line(text, continued=continued))
        self._handed_on = text

    def _keep(self, grid: Grid, text: Text, settled: int, cursor: int) -> None:
        # The first line of a part may be the end of a longer one: it proves nothing.
        torn = int(text.start > 0 and len(text.lines) < _REMEMBERED_ROWS)
        drop = max(torn, text.first_from(grid.history) - _REMEMBERED_ROWS)
        drop = min(drop, settled, cursor)
        self._known = Known(grid, text.drop(drop), settled - drop, cursor - drop)

    def _read_alternate(self, capture: Capture, reading: Reading) -> None:
        screen = capture.alternate
        if screen is None:
            self._alternate = None
            return
        if screen != self._alternate:
            reading.lines.extend(self._memory.pick_new(self._alternate or [], screen))
            reading.changed = True
        self._alternate = screen


def _find_cursor(grid: Grid, text: Text) -> int:
    return text.line_at(grid.history + grid.cursor_y)


def _drop_known(fresh: list[str], known: Known, kept: int) -> None:
    """Cut off what is known of the first line.

    A respawn wipes the screen under a line that reached into it, and tmux joins the
    new program's first line to what is left of the old one in the history.
    """
    if fresh and 0 < kept < len(known.text.lines):
        common = commonprefix([fresh[0], known.text.lines[kept]])  # noqa: RUF071  # no paths
        if len(common) >= known.grid.width:
            fresh[0] = fresh[0][len(common) :]


def _select_printed(grid: Grid, text: Text, first: int, end: int) -> list[str]:
    """Return the lines from index ``first`` to the cursor's, ``end``.

    tmux moves the cursor of a dead pane to the bottom: blank lines there are not its own.
    """
    while grid.dead and end > first and not text.lines[end - 1]:
        end -= 1
    return text.lines[first:end]


def _differs(known: Known, grid: Grid, text: Text, offset: int) -> bool:
    """Tell whether the pane printed: a change of its shape alone is not its doing."""
    before = known.grid
    if (before.width, before.height) != (grid.width, grid.height):
        return False
    if (before.pid, before.history, before.cursor_y) != (grid.pid, grid.history, grid.cursor_y):
        return True
    begin = max(0, -offset)
    return known.text.lines[begin:] != text.lines[begin + offset :]
