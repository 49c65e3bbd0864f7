"""The training in one pane: when it begins, goes on and ends. Times are monotonic seconds."""

from __future__ import annotations

from panewatch.panes.model import Identity
from panewatch.training.run import Run
from panewatch.training.values import Progress


class PaneRun:
    """What is known of the training in one pane.

    Attributes:
        identity: Where the pane is.
        run: The training that was told of last; None where there is none.
        ended: Since when it counts as ended; None while it goes on.
        over: Whether its program has ended: what is told from then on is another training.
    """

    __slots__ = ("ended", "identity", "over", "run")

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.run: Run | None = None
        self.ended: float | None = None
        self.over = False

    def drop(self) -> None:
        """Forget the training."""
        self.run, self.ended, self.over = None, None, False

    def rest(self, now: float) -> None:
        """Note that its program shows nothing new: it has ended, unless it goes on."""
        if self.ended is None:
            self.ended = now

    def end(self, now: float) -> None:
        """Note that its program has ended."""
        self.rest(now)
        self.over = True

    def go_on(self) -> None:
        """Note that a program runs: the one that rested, if it was not over."""
        if not self.over:
            self.ended = None

    def take(self, progress: Progress, now: float) -> None:
        """Take in what a line tells; one that tells of a training for sure may begin another."""
        if self.run is None or self.over:
            if not progress.certain:
                return
            self.drop()
            self.run = Run(now)
        self.run.take(progress, now)

    def finish(self, progress: Progress, now: float) -> bool:
        """Take in what a line tells of a program that has ended by now.

        Returns:
            False where it cannot be of that program: nothing was taken in.
        """
        if self.run is None or self.over or self.run.goes_back(progress):
            return False
        self.run.take(progress, now)
        return True

    def is_old(self, now: float, ended_for: float, silent_for: float) -> bool:
        """Tell whether it ended, or last moved on, longer ago than that."""
        if self.run is None:
            return False
        ended = self.ended is not None and now - self.ended > ended_for
        return ended or now - self.run.moved > silent_for
