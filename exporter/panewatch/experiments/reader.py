"""One source of experiments, read in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from panewatch.experiments.opening import open_source
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import ReadCounts, Source, SourceError, Whole
from panewatch.worker import OverdueError, Worker

OVERDUE: Final = "the source does not answer"

_END_SECONDS: Final = 2.0

Open = Callable[[ExperimentsSettings], Source]


class SourceReader:
    """Reads one source whenever asked, and holds up nobody where it hangs.

    Args:
        settings: Where and how it is read.
        open_it: Opens it; in the same thread that reads it.
    """

    def __init__(self, settings: ExperimentsSettings, open_it: Open = open_source) -> None:
        self._settings = settings
        self._open = open_it
        self._source: Source | None = None
        self._seconds = 0.0
        self._worker = Worker(self._work, self._close, "panewatch-experiments")

    @property
    def counts(self) -> ReadCounts:
        """What reading has cost so far."""
        return self._source.counts if self._source else ReadCounts()

    def read(self, seconds: float, patience: float) -> Whole | None:
        """Have the source read on for about ``seconds``, as `Source.read` does.

        Raises:
            SourceError: it cannot be opened or read, or there is no answer within ``patience``
                seconds. Nobody else is asked to read before that answer has come.
        """
        self._seconds = seconds
        try:
            return self._worker.ask(patience)
        except OverdueError:
            raise SourceError("timeout", OVERDUE) from None

    def end(self, patience: float = _END_SECONDS) -> None:
        """Close the source; one that hangs is left behind after ``patience`` seconds."""
        self._worker.end(patience)

    def _work(self) -> Whole | None:
        if self._source is None:
            self._source = self._open(self._settings)
        return self._source.read(self._seconds)

    def _close(self) -> None:
        if self._source is not None:
            self._source.close()
