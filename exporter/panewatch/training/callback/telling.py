"""From the start of a training to its end, who is told of it: a file, and MLflow."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from collections.abc import Callable
from typing import Any

from panewatch.training.callback.rank import find_rank, name_run
from panewatch.training.callback.report import Report
from panewatch.training.callback.textfile import Facts

_live: weakref.WeakSet[Telling] = weakref.WeakSet()


class Telling:
    """Tells of a training in the process that it was started in; a forked child is silent.

    Args:
        gather: Gives what is known now.
        summarize: Gives the same for MLflow.
        end: What is called where the program ends before the training does.
        run: What the run is called; the name of the script where it is empty.
        directory: Where the file is written; None for where the exporter looks.
        interval: Seconds between two writes.
        every_rank: Whether each rank tells of itself, or only the first.
        mlflow: Whether the active MLflow run gets the numbers too.
    """

    def __init__(
        self,
        gather: Callable[[], Facts],
        summarize: Callable[[], dict[str, Any]],
        end: Callable[[], None],
        *,
        run: str,
        directory: str | None,
        interval: float,
        every_rank: bool,
        mlflow: bool,
    ) -> None:
        self._gather, self._summarize, self._end = gather, summarize, end
        self._run = run
        self._directory = directory
        self._interval = max(0.05, interval)
        self._every_rank = every_rank
        self._mlflow = mlflow
        self._report: Report | None = None
        self.started = False
        self.due = 0.0
        """From when on, by ``time.perf_counter``, it wants to `look`."""

    @property
    def run(self) -> str:
        """What the run is called."""
        return self._report.run if self._report else name_run(self._run, find_rank())

    @property
    def failures(self) -> int:
        """How often the file could not be written."""
        return self._report.failures if self._report else 0

    def start(self) -> None:
        """Begin."""
        rank = find_rank()
        quiet = rank > 0 and not self._every_rank
        self._report = Report(
            None if quiet else self._gather,
            self._summarize,
            name_run(self._run, rank),
            directory=self._directory,
            interval=self._interval,
            mlflow=self._mlflow and not quiet,
        )
        self.started = True
        self.due = time.perf_counter() + self._interval
        _live.add(self)
        atexit.register(self._end)
        self._report.start()

    def look(self, now: float) -> None:
        """Do what has to be done now and then in the training's own thread."""
        self.due = now + self._interval
        if self._report is not None:
            self._report.look()

    def stop(self) -> None:
        """Tell a last time, and wait for that two seconds at most."""
        self.leave()
        atexit.unregister(self._end)
        if self._report is not None:
            self._report.stop()

    def leave(self) -> None:
        """Become silent, without a last word."""
        self.started = False
        _live.discard(self)


def _leave_all() -> None:
    """Have a forked child tell nothing: the training is its parent's."""
    for telling in tuple(_live):
        telling.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
