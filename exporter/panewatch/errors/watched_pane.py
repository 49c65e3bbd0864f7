"""What is known of one watched pane, and which of its new lines are to be read now."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import Final

from panewatch.errors.classifier import Classifier
from panewatch.errors.friction import FrictionWatch
from panewatch.errors.incident import Incidents
from panewatch.errors.rulebook import Rulebook
from panewatch.errors.runs import Runs
from panewatch.errors.transfer import RateWatch
from panewatch.panes.model import Frame, Identity, Line, PaneUpdate
from panewatch.panes.text import sign

_DRAWN: Final = 64
"""Redrawn lines that told something, of which a grown one tells no more."""


_AGAIN: Final = 30.0
"""Seconds after which it is remembered that an incident was seen again."""


class WatchedPane:
    """One pane, as long as it lives."""

    __slots__ = (
        "_drawn", "_held", "_remembered", "_remembered_at", "_repeats", "bar", "classifier",
        "friction", "identity", "incidents", "percent", "rate", "runs", "seen", "taken",
    )  # fmt: skip

    def __init__(self, identity: Identity, rulebook: Rulebook, incidents: Incidents) -> None:
        self.identity = identity
        self.incidents = incidents
        self.friction = FrictionWatch()
        self.bar = RateWatch()
        self.rate: float | None = None
        self.percent: int | None = None
        self.seen = 0.0
        """When it was looked at last."""
        self._remembered = (0, 0)
        self._remembered_at, self._repeats = 0.0, 0
        self.begin(rulebook)

    def begin(self, rulebook: Rulebook) -> None:
        """Begin to read, at first or after another program began in the pane."""
        self.classifier = Classifier(rulebook, self.incidents)
        self.runs = Runs()
        self._drawn: deque[str] = deque(maxlen=_DRAWN)
        self._held: Line | None = None
        """A command line that was not finished when it was handed on."""
        self.taken = False
        """Whether the last line meant something: its rest, handed on later, tells no more."""

    def has_news(self, now: float) -> bool:
        """Tell, once, whether there is something to remember of its incidents.

        That one was merely seen again is remembered now and then.
        """
        incidents = self.incidents
        state = incidents.changes, self.classifier.session.run
        again = incidents.repeats != self._repeats
        if state == self._remembered and not (again and now >= self._remembered_at + _AGAIN):
            return False
        news = incidents.changes != self._remembered[0] or bool(incidents.open)
        self._remembered, self._remembered_at, self._repeats = state, now, incidents.repeats
        return news

    def choose_lines(self, update: PaneUpdate) -> list[Line]:
        """Return the lines to read now.

        The rest of a line that told something tells no more. A command line is read when it
        is finished: what stands there before that is not what is run.
        """
        begin = int(self.taken and update.lines[0].continued)
        lines = list(update.lines[begin:])
        if self._drawn:
            lines = [line for line in lines if not self._is_told(line)]
        if self._held is not None and not update.lines[0].continued:
            lines.insert(0, self._held)
        self.taken, self._held = bool(begin) and not lines, None
        if lines and _is_unfinished(lines[-1], update.frame):
            prompt = self.classifier.read_prompt(lines[-1].text)
            if prompt is not None and prompt.kind == "shell":
                self._held = lines.pop()
        return lines

    def release(self, commands: Collection[str]) -> list[Line]:
        """Return the line that is held back, if it is one of ``commands``: those were run."""
        prompt = self.classifier.read_prompt(self._held.text) if self._held is not None else None
        if self._held is None or prompt is None or prompt.command.text not in commands:
            return []
        held, self._held = self._held, None
        return [held]

    def note_told(self, lines: Sequence[Line], told: Collection[int]) -> None:
        """Note which of the lines that were read, by index, told of an error."""
        self.taken = len(lines) - 1 in told
        for index in told:
            if 0 <= index < len(lines) and lines[index].redrawn and sign(lines[index].text):
                self._drawn.append(sign(lines[index].text))

    def _is_told(self, line: Line) -> bool:
        """Tell whether a redrawn line is one that told something, and grew since."""
        told = tuple(self._drawn)
        return line.redrawn and line.continued and sign(line.text).startswith(told)


def _is_unfinished(line: Line, frame: Frame) -> bool:
    """Tell whether a line that was handed on is the one that the cursor is still on."""
    if frame.alternate or not frame.lines:
        return False
    return frame.lines[frame.cursor_line].rstrip() == line.text
