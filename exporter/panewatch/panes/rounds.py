"""Looking at panes: how far back to read, what a look brought, who is told."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from panewatch.config import PanesSettings
from panewatch.panes.capture import Capture
from panewatch.panes.listing import Listing, count_history, read_activity, shows_alternate
from panewatch.panes.look import Absence, Look, Request
from panewatch.panes.model import Frame, PaneUpdate
from panewatch.panes.observers import Observers
from panewatch.panes.pace import find_usual
from panewatch.panes.reader import Reading
from panewatch.panes.recut import cut_capture, lengthen
from panewatch.panes.sweep import Reader
from panewatch.panes.tracked import TrackedPane

_MARGIN_ROWS = 6
_MOST_ROWS = 20_000
_DEEP_ROWS = 500
"""Enough to reach all that is remembered of a pane, where a few lines do not tell."""

_ROUNDS = 4

_FLOODS = 10
"""A pane that has printed one part in so many of its history is read at once. One whose history
is full does not show how much it printed: tmux drops such a part whenever it is."""


class Rounds:
    """Reads the panes of one server and keeps their accounts.

    ``vanished`` counts panes that ended between being listed and being read; ``news`` is
    true when a look showed that a pane died or began anew, until it is taken. ``watched`` is
    whether anybody may soon look at what is found.
    """

    def __init__(self, reader: Reader, settings: PanesSettings, observers: Observers) -> None:
        self._reader = reader
        self._settings = settings
        self._observers = observers
        self.vanished = 0
        self.news = False
        self.watched = True

    def adopt(self, reader: Reader, settings: PanesSettings) -> None:
        """Go by other settings from the next look on."""
        self._reader, self._settings = reader, settings

    def notice(self, panes: Iterable[TrackedPane], listing: Listing) -> set[str]:
        """Return the ids of the panes that changed, and note what their rows tell."""
        woken: set[str] = set()
        for pane in panes:
            pane_id = pane.facts.pane_id
            row = listing.rows.get(pane_id, "")
            if row != pane.row:
                if pane.row and row and pane.facts.alone:
                    # A program may print the same screen again: only tmux knows that it did.
                    pane.printed |= read_activity(row) != read_activity(pane.row)
                pane.row = row
                pane.alternate = shows_alternate(row)
                pane.wanted = self._count_wanted(pane, count_history(row))
                woken.add(pane_id)
        return woken

    def _count_wanted(self, pane: TrackedPane, history: int) -> int:
        """Return how many rows of history a read of ``pane`` should reach back."""
        known = pane.reader.known
        if known is None:
            return _MOST_ROWS if pane.reader.from_start else _MARGIN_ROWS
        grid = known.grid
        grown = history - grid.history
        if grown < 0 or grid.trims:
            grown %= grid.step
        return min(grown + _MARGIN_ROWS, _MOST_ROWS)

    def request(self, pane: TrackedPane, now: float) -> Request:
        """Return what to ask of tmux for ``pane`` at monotonic time ``now``."""
        rows = max(pane.wanted, _MARGIN_ROWS) + pane.pace.count_expected(now)
        if self._recuts(pane) and pane.reader.known is not None:
            known = pane.reader.known
            rows += max(0, known.grid.history - known.text.start)
        pane.wanted = min(rows, _MOST_ROWS)
        return Request(pane.facts.pane_id, pane.facts.limit, pane.wanted, pane.alternate)

    def _recuts(self, pane: TrackedPane) -> bool:
        """Tell whether what is remembered of a pane is cut shorter than it should be."""
        return pane.line_length < self._settings.line_length

    def read_due(
        self,
        panes: Collection[TrackedPane],
        woken: Iterable[TrackedPane],
        *,
        bursts: bool,
        tells: bool = True,
    ) -> None:
        """Read the panes that are due and those that woke.

        Args:
            panes: All of them.
            woken: Those that changed since they were read.
            bursts: Whether one of them floods.
            tells: Whether that would show, by what the server reads.

        Raises:
            TmuxError: the server does not answer.
        """
        now = time.monotonic()
        # One that was read just now waits a moment: it may be printing still.
        pause = self._settings.min_interval / 2
        patience = find_usual(self._settings, watched=False)
        for pane in woken:
            hurries = self.watched or bursts or _may_lose(pane, tells=tells)
            soon = pane.read_at + (pause if hurries else max(pause, patience))
            pane.pace.due = min(pane.pace.due, max(now, soon))
        due = {pane.facts.pane_id: pane for pane in panes if pane.pace.due <= now}
        for attempt in range(_ROUNDS):
            if not due:
                break
            requests = [self.request(pane, now) for pane in due.values()]
            asked, due = due, {}
            for looks in self._reader.read(requests):
                for pane_id, look in looks.items():
                    if not self.take(asked[pane_id], look, whole=attempt > 0):
                        due[pane_id] = asked[pane_id]

    def take(self, pane: TrackedPane, look: Look | Absence, *, whole: bool) -> bool:
        """Take in a look at a pane, and tell whether it is settled or needs another one."""
        now = time.monotonic()
        if isinstance(look, Absence):
            if look is Absence.VANISHED:
                self.vanished += 1
            else:
                pane.counts.failures += 1
            pane.pace.due = now + self._settings.busy_interval
            return True
        if look.capture is None:
            pane.alternate = look.alternate
            return False
        capture, recuts = look.capture, self._recuts(pane)
        if recuts:
            capture = cut_capture(capture, pane.line_length)
        before = pane.reader.known
        reading = pane.reader.read(capture, now, whole=whole and pane.wanted >= _MOST_ROWS)
        if reading is None:
            pane.wanted = _DEEP_ROWS if pane.wanted < _DEEP_ROWS else _MOST_ROWS
            return False
        restarted = before is not None and before.grid.pid != capture.grid.pid
        pane.counts.overflows += reading.gap and not restarted and _overflowed(capture)
        self._account(pane, reading, capture, now, restarted=restarted)
        known, text = pane.reader.known, look.capture.text
        if recuts and known and text and lengthen(known.text, text, pane.line_length):
            pane.line_length = self._settings.line_length
        return True

    def _account(
        self, pane: TrackedPane, reading: Reading, capture: Capture, now: float, *, restarted: bool
    ) -> None:
        limit = pane.line_length
        counts = pane.counts
        counts.captures += 1
        counts.gaps += reading.gap
        counts.missed += reading.missed
        lines = []
        for line in reading.lines:
            counts.lines += not line.continued
            if len(line.text) > limit:
                counts.truncated += 1
                lines.append(line._replace(text=line.text[:limit]))
            else:
                lines.append(line)
        if (capture.grid.dead, capture.grid.pid) != (pane.facts.dead, pane.facts.pid):
            self.news = True  # its end, or its new start
        first = pane.read_at < 0
        pane.read_at = now
        pane.wanted = 0
        changed = pane.printed or (reading.changed and not first)
        pane.printed = False
        pane.pace.note(
            now,
            rows=reading.rows,
            limit=capture.grid.limit,
            changed=changed,
            watched=self.watched,
        )
        if reading.lines or changed:
            pane.note_output(now, time.time())
        if capture.alternate is not None:
            frame = Frame(capture.alternate, capture.alternate_cursor, alternate=True)
        else:
            frame = pane.reader.frame
        ended = pane.pop_ended()
        pane.take_look(frame, lines, ended, now)
        if not self._observers:
            return
        update = PaneUpdate(
            key=pane.key,
            identity=pane.identity,
            frame=frame,
            lines=lines,
            gap=reading.gap,
            command=pane.program.command,
            state=pane.state,
            monotonic=now,
            screen=pane.screen,
            ended=ended,
            restarted=restarted,
        )
        self._observers.observe(update)


def _may_lose(pane: TrackedPane, *, tells: bool) -> bool:
    """Tell whether lines that a pane prints now may be gone before it is read in its turn."""
    known = pane.reader.known
    full = known is not None and known.grid.trims
    return pane.wanted * _FLOODS > pane.facts.limit or (full and not tells)


def _overflowed(capture: Capture) -> bool:
    """Tell whether a gap comes from more output than can be read back.

    A history that was wiped (``clear``, a respawn) begins anew and is read whole.
    """
    unread = capture.text is not None and capture.text.start > 0
    return capture.grid.trims or unread
