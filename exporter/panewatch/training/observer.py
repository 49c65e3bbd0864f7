"""What the panes of one tmux server tell of the trainings in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

from prometheus_client import Metric

from panewatch.config import Config
from panewatch.panes.model import Frame, Identity, PaneKey, PaneUpdate
from panewatch.training.alike import find_shape, leave_out_overtaken
from panewatch.training.families import build_families
from panewatch.training.reading import ProgressReader
from panewatch.training.recall import Recall
from panewatch.training.run import Run
from panewatch.training.values import Progress

_LIVE_ROWS: Final = 4
"""Lines around the cursor that a bar may be redrawn on: nested ones stand on several."""

_RESTS: Final = frozenset(("idle", "finished"))


class _Pane:
    """What is known of one pane."""

    __slots__ = ("ended", "identity", "live", "run")

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.run: Run | None = None
        self.live: Sequence[str] = ()
        self.ended = False


class TrainingObserver:
    """Finds the trainings in the panes of one tmux server; lives in that server's thread.

    Args:
        config: The whole configuration.
        clock: Wall time, for the moments that are exported.
        monotonic: The clock of the looks.
    """

    name: ClassVar[str] = "training"

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recall = Recall(ProgressReader().read)
        self._clock, self._monotonic = clock, monotonic
        self._panes: dict[PaneKey, _Pane] = {}
        self._families = self._nothing = build_families((), 0.0, 0.0, 0.0)
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Go by other settings from the next look on."""
        self._enabled = config.training.enabled
        self._forget_after = config.training.forget_after
        self._stalled_after = config.training.stalled_after
        if not self._enabled:
            self._panes.clear()

    def observe(self, update: PaneUpdate) -> None:
        """Take in one look at a pane."""
        if not self._enabled:
            return
        now = update.monotonic
        pane = self._panes.get(update.key)
        if pane is None:
            pane = self._panes[update.key] = _Pane(update.identity)
        pane.identity = update.identity
        # What another command tells is another training.
        old = pane.run is not None and now - pane.run.moved > self._forget_after
        if old or update.restarted:
            pane.run = None
        # What a shell at its prompt shows was printed by something that has ended.
        pane.ended = update.state in _RESTS or update.state == "dead"
        if update.state in _RESTS or update.frame.alternate:
            if update.state == "idle":
                pane.run = None
            return
        for progress in self._read(pane, update):
            if pane.run is None:
                if not progress.certain:
                    continue
                pane.run = Run(now)
            pane.run.take(progress, now)

    def _read(self, pane: _Pane, update: PaneUpdate) -> Iterator[Progress]:
        """Read the new lines, then the bars that stand on the screen."""
        now = update.monotonic
        texts = [line.text for line in update.lines]
        for text, shape in leave_out_overtaken(texts):
            progress = self._recall.read(text, shape, now)
            if progress is not None:
                yield progress
        live = _find_live(update.frame)
        if live != pane.live:
            known = {*texts, *pane.live}
            pane.live = live
            for text in live:
                if text in known:
                    continue
                progress = self._recall.read(text, find_shape(text), now)
                if progress is not None and progress.format != "pairs":
                    yield progress

    def move(self, places: Mapping[PaneKey, Identity]) -> None:
        """Follow panes to other places, with their runs."""
        for key, identity in places.items():
            if key in self._panes:
                self._panes[key].identity = identity

    def forget(self, pane: PaneKey) -> None:
        """Drop a pane that is gone, and its run."""
        self._panes.pop(pane, None)

    def collect(self) -> Iterable[Metric]:
        """Yield the families of this server's runs."""
        if not self._enabled:
            return ()
        runs = [
            (pane.identity, pane.run, pane.ended)
            for pane in self._panes.values()
            if pane.run is not None
        ]
        if not runs:
            return self._nothing
        now = self._monotonic()
        offset = self._clock() - now
        self._families = build_families(runs, now, offset, self._stalled_after, self._families)
        return self._families


def _find_live(frame: Frame) -> Sequence[str]:
    """Return the lines around the cursor that are not empty."""
    first = max(0, frame.cursor_line - _LIVE_ROWS)
    return [text for text in frame.lines[first : frame.cursor_line + _LIVE_ROWS] if text.strip()]
