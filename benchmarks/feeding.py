"""Panes that are busy: a thread writes to their terminals what programs would print."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from terminals import Pane

_BAR_EVERY = 5
"""One pane in so many shows a progress bar."""

_REDRAWS = 5.0
"""How often per second a bar is redrawn."""


class Feeder:
    """Prints into panes for as long as the ``with`` block lasts.

    Pane ``i`` prints ``1 + i % fastest`` lines per second; every fifth one redraws a
    progress bar five times per second instead, and ends the line after 100 steps.
    """

    def __init__(self, panes: Sequence[Pane], fastest: int) -> None:
        self._panes = panes
        self._fastest = fastest
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        steps = [0] * len(self._panes)
        now = time.monotonic()
        due = [(now + place / len(self._panes), place) for place in range(len(self._panes))]
        heapq.heapify(due)
        while due:
            at, place = due[0]
            if self._stop.wait(max(0.0, at - time.monotonic())):
                return
            bar = place % _BAR_EVERY == 0
            self._panes[place].show(_draw_bar(steps[place]) if bar else _write_line(steps[place]))
            steps[place] += 1
            pause = 1 / (_REDRAWS if bar else 1 + place % self._fastest)
            heapq.heapreplace(due, (at + pause, place))


def _draw_bar(step: int) -> str:
    percent = step % 101
    end = "\r\n" if percent == 100 else ""
    return f"\rEpoch {step // 101}: {percent:3d}% [{'#' * (percent // 2):50}] {step} steps{end}"


def _write_line(step: int) -> str:
    return f"step {step}: loss {1 / (step + 1):.6f}, {1000 + step % 7} samples/s\n"
