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

_SPINS = 10.0
_TOLD = 30
_RULE = "─" * 70
_BOX = (
    "",
    "{spinner} Imagining… ({seconds}s · ↓ {tokens:.1f}k tokens)",
    "",
    _RULE,
    "❯ ",
    _RULE,
    "  ⏵⏵ accept edits on (shift+tab to cycle)",
)
"""The live part of an agent's screen."""


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
            self._panes[place].show(self.draw(place, steps[place]))
            steps[place] += 1
            heapq.heapreplace(due, (at + 1 / self.find_rate(place), place))

    def draw(self, place: int, step: int) -> str:
        """Return what pane ``place`` prints next."""
        return _write_line(step) if place % _BAR_EVERY else _draw_bar(step)

    def find_rate(self, place: int) -> float:
        """Return how often per second it prints."""
        return 1 + place % self._fastest if place % _BAR_EVERY else _REDRAWS


class AgentFeeder(Feeder):
    """Draws what coding agents at work draw: a box under a spinner that turns ten times a second.

    Every third second a line of a tool's output is pushed up above it.
    """

    def __init__(self, panes: Sequence[Pane]) -> None:
        super().__init__(panes, fastest=1)

    def draw(self, place: int, step: int) -> str:
        """Return the whole box anew, as Ink draws it."""
        erase = "\x1b[2K" + "\x1b[1A\x1b[2K" * (len(_BOX) - 1) + "\r" if step else ""
        told = f"  ⎿  Read src/part_{place}_{step}.py (120 lines)\r\n" if step % _TOLD == 0 else ""
        seconds, spinner = step // int(_SPINS), "·✢✳✶✻✽"[step % 6]
        drawn = "\r\n".join(_BOX).format(spinner=spinner, seconds=seconds, tokens=step / 10)
        return erase + told + drawn

    def find_rate(self, place: int) -> float:  # noqa: ARG002  # all of them are as quick
        """Return how often per second the spinner turns."""
        return _SPINS


def _draw_bar(step: int) -> str:
    percent = step % 101
    end = "\r\n" if percent == 100 else ""
    return f"\rEpoch {step // 101}: {percent:3d}% [{'#' * (percent // 2):50}] {step} steps{end}"


def _write_line(step: int) -> str:
    return f"step {step}: loss {1 / (step + 1):.6f}, {1000 + step % 7} samples/s\n"
