"""What the panes of one tmux server tell of the trainings in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import ClassVar, Final

from prometheus_client import Metric

from panewatch.config import Config
from panewatch.panes.kinds import find_kind
from panewatch.panes.model import Frame, Identity, PaneKey, PaneUpdate
from panewatch.training.alike import find_shape, leave_out_overtaken
from panewatch.training.families import build_families
from panewatch.training.pane_run import PaneRun
from panewatch.training.reading import ProgressReader
from panewatch.training.recall import Recall
from panewatch.training.unfinished import Unfinished
from panewatch.training.values import Progress

_LIVE_ROWS: Final = 4
"""Lines around the cursor that a bar may be redrawn on: nested ones stand on several."""

_EARLY_SECONDS: Final = 2.0
_MOST_EARLY: Final = 100
"""How late a program may be seen that a shell runs, and how many lines of it are kept so long."""

_TRAINS: Final = frozenset(("program", "remote"))
_FOLLOWS: Final = frozenset(("tail", "cat"))
"""Programs that show what others print, and whose silence tells nothing of those."""


class _Pane(PaneRun):
    """The training in a pane, and what was read of its screen."""

    __slots__ = ("early", "early_at", "live", "stood", "unfinished")

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.early: Sequence[Progress] = ()
        """What was told since ``early_at``, while the shell seemed to be at its prompt."""
        self.early_at = 0.0
        self.live: Sequence[str] = ()
        self.stood: Sequence[str] | None = None
        """The screen as it was while nothing was known to be at work with it: a bar that stands
        there may be what an old training has left. None before the first look."""
        self.unfinished = Unfinished()

    def awaits_state(self, state: str) -> bool:
        """Tell whether no training is known, and not either whether anything is at work."""
        return state == "unknown" and (self.run is None or self.over)

    def stand(self, frame: Frame) -> None:
        """Take note of a screen that nothing is known to be at work with."""
        if not frame.alternate:
            self.stood = frame.lines
            self.live = _find_live(frame)


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
        self._shells = config.panes.shells
        self._finished_for = config.panes.finished_for
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
        if update.restarted or pane.is_old(now, self._finished_for, self._forget_after):
            pane.drop()
        if pane.stood is None or self._is_over(update) or pane.awaits_state(update.state):
            pane.stand(update.frame)
        if self._is_over(update):
            self._finish(pane, update)
            return
        if update.state == "idle" and not self._trains_in_silence(update):
            pane.rest(now)
        else:
            pane.go_on()
        for progress in pane.early:
            pane.take(progress, now)
        pane.early = ()
        if not update.frame.alternate:
            self._follow(pane, update)
        elif self._has_ended(pane, update):
            pane.end(now)

    def _is_over(self, update: PaneUpdate) -> bool:
        """Tell whether what runs in a pane is at its prompt, or has ended with the pane."""
        if update.state != "idle":
            return update.state in {"dead", "finished"}
        # Programs are idle in silence too. Of others than shells only the screen tells.
        return update.screen.state == "idle" or _find_name(update.command) in self._shells

    def _follow(self, pane: _Pane, update: PaneUpdate) -> None:
        """Take in what a program tells that runs."""
        now = update.monotonic
        told = iter(self._read(pane, update))
        if self._has_ended(pane, update):
            # Of the lines that came together, the first may be of the program that has ended.
            for progress in told:
                if not pane.finish(progress, now):
                    pane.end(now)
                    pane.take(progress, now)
                    break
            else:
                pane.end(now)
        for progress in told:
            pane.take(progress, now)

    def _finish(self, pane: _Pane, update: PaneUpdate) -> None:
        """Take in what a program has printed since the last look, which has ended by now."""
        told = () if update.frame.alternate else self._read_lines(pane, update)
        taken = 0
        while taken < len(told) and pane.finish(told[taken], update.monotonic):
            taken += 1
        pane.end(update.monotonic)
        # The state may be that of a moment before: what began since then shows at a later look.
        if update.ended or update.monotonic - pane.early_at > _EARLY_SECONDS:
            pane.early, pane.early_at = (), update.monotonic
        if not update.ended and update.state != "dead":
            pane.early = (*pane.early, *told[taken:])[-_MOST_EARLY:]

    def _trains_in_silence(self, update: PaneUpdate) -> bool:
        """Tell whether a program that rests may be in the middle of a training all the same.

        That of an interpreter without a script, or behind ssh, rests whenever it is silent.
        """
        name = _find_name(update.command)
        return name not in _FOLLOWS and find_kind(name, None) in _TRAINS

    def _has_ended(self, pane: _Pane, update: PaneUpdate) -> bool:
        """Tell whether the program of the training has ended since the last look."""
        if pane.run is None or pane.over or not update.ended:
            return False
        offset = self._clock() - self._monotonic()
        return any(
            command.started + command.seconds - offset >= pane.run.began for command in update.ended
        )

    def _read(self, pane: _Pane, update: PaneUpdate) -> Sequence[Progress]:
        """Read the new lines, then the bars that stand on the screen."""
        read = self._read_lines(pane, update) if update.lines else ()
        live, before = _find_live(update.frame), pane.live
        if live == before:
            return read
        pane.live = live
        left_out = {*before, *(pane.stood or ()), *(line.text for line in update.lines)}
        told: list[Progress] = []
        for text in live:
            if text in left_out or not text.strip():
                continue
            progress = self._recall.read(text, find_shape(text), update.monotonic)
            if progress is not None and progress.format != "pairs":
                pane.unfinished.note_screen(text, progress)
                told.append(progress)
        if (pane.run is None or pane.over) and not any(progress.certain for progress in read):
            if told:
                told = [*self._read_beside(live, left_out, update.monotonic), *told]
            # The outer one of nested bars may be anything until the inner one tells.
            told.sort(key=lambda progress: not progress.certain)
        return [*read, *told] if told else read

    def _read_beside(
        self, live: Sequence[str], left_out: Collection[str], now: float
    ) -> Iterable[Progress]:
        """Read the bars that stand still right beside one that moves: nested bars are of one."""
        bars = [self._recall.read(text, find_shape(text), now) for text in live]
        for place, progress in enumerate(bars):
            if progress is None or progress.format != "bar" or progress.finished:
                continue
            beside = (each for each in (place - 1, place + 1) if 0 <= each < len(live))
            if live[place] in left_out and any(
                bars[each] is not None and live[each] not in left_out for each in beside
            ):
                yield progress

    def _read_lines(self, pane: _Pane, update: PaneUpdate) -> Sequence[Progress]:
        texts = [line.text for line in update.lines]
        continued = {line.text for line in update.lines if line.continued}
        told: list[Progress] = []
        for text, shape in leave_out_overtaken(texts):
            progress = self._recall.read(text, shape, update.monotonic)
            if progress is not None:
                told.append(pane.unfinished.leave_out(text, progress, continued=text in continued))
        return told

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
        now = self._monotonic()
        for pane in self._panes.values():
            if pane.is_old(now, self._finished_for, self._forget_after):
                pane.drop()
        runs = [
            (pane.identity, pane.run, pane.ended is not None)
            for pane in self._panes.values()
            if pane.run is not None
        ]
        if not runs:
            return self._nothing
        offset = self._clock() - now
        self._families = build_families(runs, now, offset, self._stalled_after, self._families)
        return self._families


def _find_name(command: str) -> str:
    return command.removeprefix("-").rstrip("/").rpartition("/")[2] or command


def _find_live(frame: Frame) -> Sequence[str]:
    """Return the lines around the cursor."""
    first = max(0, frame.cursor_line - _LIVE_ROWS)
    return frame.lines[first : frame.cursor_line + _LIVE_ROWS]
