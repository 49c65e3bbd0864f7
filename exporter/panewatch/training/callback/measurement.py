"""What is measured of one training: batches, and the time that each of them took for what.

Times are seconds of a clock that never goes back. One thread measures, any may take a copy.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from panewatch.training.callback.quantiles import Window

BOUNDS: Final = (
    0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75,
    1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Upper bounds of the buckets of batch times."""

KEPT: Final = 65536
"""Batches whose times are kept for exact quantiles."""

_WINDOW_SECONDS: Final = 60.0
_POINT_SECONDS: Final = 0.5
"""What speeds are taken over, and how far apart its points are."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A copy of what was measured until some moment.

    ``buckets`` counts batches by the bounds of their time, the last of them those above all.
    ``wait`` and ``compute`` are all seconds so far; ``busy`` the ones of the last minute, in which
    there were ``recent_batches`` with ``recent_samples`` (None while samples cannot be counted).
    ``last`` is when a batch ended, on the clock that it was measured by.
    """

    batches: int
    samples: int | None
    wait: float
    compute: float
    buckets: Sequence[int]
    longest: float
    busy: float
    recent_batches: int
    recent_samples: int | None
    last: float | None

    def per_second(self, count: int | None) -> float | None:
        """Return a count of the last minute as a speed; None where there is none yet."""
        return count / self.busy if count is not None and self.busy > 0 else None


class Measurement:
    """Measures batches. All methods cost about a microsecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._begun: float | None = None
        self._batches = 0
        self._samples: int | None = 0
        self._wait = self._compute = self._longest = 0.0
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._times = Window(KEPT)
        self._points: deque[tuple[float, int, int]] = deque([(0.0, 0, 0)])
        self._last: float | None = None

    def ask(self, now: float) -> None:
        """Take note that the next batch is waited for from here on."""
        self._asked, self._begun = now, None

    def begin(self, now: float) -> None:
        """Take note that a batch is there, and computing begins."""
        if self._asked is None:
            self._asked = now
        self._begun = now

    def end(self, now: float, samples: int | None) -> None:
        """Count a batch that was computed; the next one is waited for from here on.

        Does nothing where none was begun.
        """
        begun, asked = self._begun, self._asked
        if begun is None or asked is None:
            return
        seconds = now - asked
        with self._lock:
            self._batches += 1
            if samples is None:
                self._samples = None
            elif self._samples is not None:
                self._samples += samples
            self._wait += begun - asked
            self._compute += now - begun
            self._longest = max(self._longest, seconds)
            self._buckets[bisect_left(BOUNDS, seconds)] += 1
            self._times.add(seconds)
            busy = self._wait + self._compute
            points = self._points
            if busy - points[-1][0] >= _POINT_SECONDS:
                points.append((busy, self._batches, self._samples or 0))
                while len(points) > 2 and busy - points[1][0] >= _WINDOW_SECONDS:  # noqa: PLR2004  # a line
                    points.popleft()
            self._last = now
        self._asked, self._begun = now, None

    def pause(self) -> None:
        """Take note that what comes now is no training: the time until `ask` does not count."""
        self._asked = self._begun = None

    def copy(self) -> Measured:
        """Return what was measured so far."""
        with self._lock:
            since, batches, samples = self._points[0]
            return Measured(
                batches=self._batches,
                samples=self._samples,
                wait=self._wait,
                compute=self._compute,
                buckets=tuple(self._buckets),
                longest=self._longest,
                busy=self._wait + self._compute - since,
                recent_batches=self._batches - batches,
                recent_samples=None if self._samples is None else self._samples - samples,
                last=self._last,
            )

    def copy_times(self) -> Sequence[float]:
        """Return the times of the last `KEPT` batches."""
        with self._lock:
            return self._times.copy()
