"""One training run, from what its lines tell one after the other. Times are monotonic seconds."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from panewatch.training.values import LOSSES, NAMES, Progress, is_nonfinite

_WINDOW_SECONDS: Final = 60.0
_MOST_POINTS: Final = 120
_LEAST_SECONDS: Final = 2.0
"""What a rate is taken over: shorter, and a look that came late would bend it."""

_STALE_SECONDS: Final = 30.0
_STALE_GAPS: Final = 5
"""A run that has not moved on for so long, and for so many of its usual pauses, stands."""

_LEADS_SECONDS: Final = 60.0
"""How long the format that last told a step is the only one that does."""

_FALLS_SECONDS: Final = 5.0
"""A step that is below the last one for so long has gone back: several ranks take turns."""

_NAMES: Final = frozenset(NAMES)
_RATES: Final = ("samples_per_second", "tokens_per_second", "steps_per_second")


class Run:
    """A training that moves on.

    ``losses`` and ``metrics`` hold the last finite ones, of each split and by name; ``rates``
    what was printed. ``began`` is when it was first told of, ``moved`` when it last moved on.
    """

    def __init__(self, now: float) -> None:
        self.framework = ""
        self.epoch: float | None = None
        self.epochs: float | None = None
        self.step: float | None = None
        self.steps: float | None = None
        self.losses: dict[str, float] = {}
        self.learning_rate: float | None = None
        self.metrics: dict[str, float] = {}
        self.rates: dict[str, float] = {}
        self.nonfinite = 0
        self.restarts = 0
        self.began = self.moved = now
        self._printed_eta: float | None = None
        self._from_zero = False
        self._points: deque[tuple[float, float]] = deque(maxlen=_MOST_POINTS)
        self._gap = 0.0
        self._leader = ""
        self._led = now
        self._fell: float | None = None
        self._drawn: tuple[str, float | None, float | None] | None = None
        """Of which loss and where a bar told last that it was no number."""

    def take(self, progress: Progress, now: float) -> None:
        """Take in what a line told at ``now``."""
        values = progress.values
        if not all(map(math.isfinite, values.values())):
            # A loss may be none that a series can go on with, which is news; nothing else may.
            values = {
                name: value
                for name, value in values.items()
                if name in LOSSES or math.isfinite(value)
            }
        self.framework = progress.framework or self.framework
        moved = self._take_losses(values, progress) | self._take_metrics(values)
        if progress.split == "val":
            self._note(now, moved=moved)
            return
        moved |= self._take_epoch(values)
        moved |= self._take_step(values, progress.format, now)
        self.learning_rate = values.get("learning_rate", self.learning_rate)
        if moved:
            for name in _RATES:
                if name in values:
                    self.rates[name] = values[name]
            self._printed_eta = values.get("eta_seconds", self._printed_eta)
        self._note(now, moved=moved)

    def goes_back(self, progress: Progress) -> bool:
        """Tell whether a line tells of a place before the one where it is."""
        epoch, step = (progress.values.get(name) for name in ("epoch", "step"))
        if progress.split == "val":
            return False
        if epoch is not None and self.epoch is not None and epoch != self.epoch:
            return epoch < self.epoch
        if step is None or self.step is None or progress.format != self._leader:
            return False
        return step < self.step

    def _take_losses(self, values: dict[str, float], progress: Progress) -> bool:
        moved = False
        for name, split in LOSSES.items():
            loss = values.get(name)
            if loss is None:
                continue
            if is_nonfinite(loss):
                # A bar is drawn again and again at one step.
                drawn = (split, values.get("epoch"), values.get("step"))
                if progress.format != "bar" or drawn != self._drawn:
                    self.nonfinite += 1
                    moved = True
                self._drawn = drawn if progress.format == "bar" else None
            elif self.losses.get(split) != loss:
                self.losses[split] = loss
                moved = True
        return moved

    def _take_metrics(self, values: dict[str, float]) -> bool:
        moved = False
        for name, value in values.items():
            if name not in _NAMES and self.metrics.get(name) != value:
                self.metrics[name] = value
                moved = True
        return moved

    def _take_epoch(self, values: dict[str, float]) -> bool:
        self.epochs = values.get("epochs", self.epochs)
        epoch = values.get("epoch")
        if epoch is None or epoch == self.epoch:
            return False
        self._from_zero |= epoch < 1
        if self.epoch is not None and epoch < self.epoch:
            self.restarts += 1
        if self.epoch is None or int(epoch) != int(self.epoch):
            self._points.clear()
            if self.steps is not None:
                self._fell = None
                self.step = None  # it begins anew with the epoch, or goes on: the next one tells
        self.epoch = epoch
        return True

    def _take_step(self, values: dict[str, float], told_by: str, now: float) -> bool:
        step = values.get("step")
        if step is None:
            return False
        if told_by != self._leader:
            # Two counts of one run, a bar and a log line, must not take turns.
            if self._leader and now - self._led < _LEADS_SECONDS:
                return False
            self._leader = told_by
            self._points.clear()
        self._led = now
        self.steps = values.get("steps", self.steps)
        if step == self.step:
            return False
        if self.step is not None and step < self.step:
            if self._fell is None:
                self._fell = now
            if now - self._fell < _FALLS_SECONDS:
                return False
            self.restarts += 1
            self._points.clear()
        self.step, self._fell = step, None
        if self._points and self._points[-1][0] == now:
            self._points.pop()  # of what came in one look only the last is of its time
        self._points.append((now, step))
        return True

    def _note(self, now: float, *, moved: bool) -> None:
        if moved:
            pause = now - self.moved
            self._gap = pause if not self._gap else 0.7 * self._gap + 0.3 * pause
            self.moved = now

    def stands(self, now: float, least: float = _STALE_SECONDS) -> bool:
        """Tell whether it has not moved on for ``least`` seconds and several usual pauses."""
        return now - self.moved > max(least, _STALE_GAPS * self._gap)

    def steps_per_second(self, now: float) -> float | None:
        """Return how its step grows, else what was printed; None while it stands."""
        if self.stands(now):
            return None
        points = self._points
        while len(points) > 2 and now - points[0][0] > _WINDOW_SECONDS:  # noqa: PLR2004  # a line
            points.popleft()
        if points:
            seconds = points[-1][0] - points[0][0]
            if seconds >= _LEAST_SECONDS:
                return (points[-1][1] - points[0][1]) / seconds
        return self.rates.get("steps_per_second")

    @property
    def progress(self) -> float | None:
        """How much is done, from 0 to 1; of the epoch, where the epochs are not known."""
        part = None
        if self.steps and self.step is not None:
            part = min(1.0, max(0.0, self.step / self.steps))
        if self.epochs and self.epoch is not None:
            if self.epoch != int(self.epoch):  # 1.75 epochs
                return min(1.0, max(0.0, self.epoch / self.epochs))
            done = self.epoch - (0 if self._from_zero else 1) + (part or 0.0)
            return min(1.0, max(0.0, done / self.epochs))
        return part

    def eta(self, now: float) -> float | None:
        """Return the seconds until it ends; None while that cannot be told."""
        rate, done = self.steps_per_second(now), self.progress
        if rate and self.steps and done is not None:
            whole = self.steps * (self.epochs if self.epochs and self.epoch is not None else 1)
            return whole * (1 - done) / rate
        return None if self.stands(now) else self._printed_eta
