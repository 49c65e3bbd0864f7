"""The ``experiments`` collector: how a search goes, by what its experiments have come to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.experiments.completions import Completions
from panewatch.experiments.families import SourceState, build_found, build_state
from panewatch.experiments.figures import Figures, compute
from panewatch.experiments.opening import open_source
from panewatch.experiments.plan import expect
from panewatch.experiments.reader import Open, SourceReader
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import ReadCounts, SourceError, Whole
from panewatch.experiments.verdict import judge

_MOST_READ_SECONDS: Final = 5.0
_READ_SHARE: Final = 0.25
_PATIENCE_SHARE: Final = 0.75
"""Of a sample's timeout: for how long the source is asked to read, and how long its answer is
waited for, which is the length of one more request. What is left is for the figures."""


class ExperimentsCollector:
    """What a search loop found, and the verdict on it.

    ::

        panewatch_experiments{status="completed"} 26
        panewatch_experiments_bitrate_best_bits_per_second 1.504e+07
        panewatch_experiments_verdict{verdict="restart",reason="identical"} 1

    Nothing of a source is shown before all of it was read. Where it cannot be read any more, what
    was last read stays for a while.

    Args:
        config: The whole configuration.
        open_it: Opens the source that settings name.
        monotonic: The clock of what expires.
        wall: Unix time.
    """

    name: ClassVar[str] = "experiments"

    def __init__(
        self,
        config: Config,
        open_it: Open = open_source,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._open = open_it
        self._monotonic = monotonic
        self._wall = wall
        self._reader: SourceReader | None = None
        self._source: object = None
        self._before = ReadCounts()
        """What sources that are not read any more have cost."""
        self._state = SourceState()
        self._completions = Completions()
        self._known_since = 0.0
        """When what is shown was read, by the monotonic clock."""
        self._expired: float | None = None
        """When what has expired was read, in Unix time: it is not shown again."""
        self._shown: object = None
        self._figures: Figures | None = None
        self._found: Sequence[Metric] = ()

    def start(self) -> None:
        """Do nothing: the first sample opens the source."""

    def stop(self) -> None:
        """Let go of the source."""
        self._leave()

    def reconfigure(self, config: Config) -> None:
        """Go by ``config`` from the next sample on."""
        self._config = config

    def collect(self) -> Iterable[Metric]:
        """Yield what is known of the experiments by now.

        Raises:
            SourceUnavailable: the source cannot be read; all that is known was yielded.
        """
        config = self._config
        settings = config.experiments
        self._change_source(settings)
        trouble: Exception | None = None
        if self._reader is not None:
            try:
                self._read(self._reader, config)
            except SourceError as error:
                self._state.up = False
                self._state.failures[error.reason] += 1
                trouble = SourceUnavailable(error.detail)
            except Exception as error:  # noqa: BLE001 - what is known is shown all the same
                self._state.up = False
                trouble = error
        if self._state.up is False and self._is_expired(settings):
            self._forget()
            self._expired = self._state.last_read
        yield from self._found
        yield from self._tell_state(settings)
        if trouble is not None:
            raise trouble

    def _change_source(self, settings: ExperimentsSettings) -> None:
        """Open the source of the settings, where it is another one or is read in another way."""
        source = settings.source and (settings.source, settings.dynamodb, settings.item)
        if source == self._source:
            return
        self._leave()
        self._forget()
        self._state.up = self._state.last_read = self._expired = None
        self._source = source
        if source:
            self._reader = SourceReader(settings, self._open)

    def _read(self, reader: SourceReader, config: Config) -> None:
        timeout = config.collectors.experiments.timeout
        seconds = min(_MOST_READ_SECONDS, timeout * _READ_SHARE)
        whole = reader.read(seconds, timeout * _PATIENCE_SHARE)
        if whole is not None and whole.time != self._expired:
            self._take(whole, config.experiments)

    def _take(self, whole: Whole, settings: ExperimentsSettings) -> None:
        if whole.time != self._state.last_read:
            age = max(0.0, self._wall() - whole.time)
            self._known_since = self._monotonic() - age
        self._state.up, self._state.last_read = True, whole.time
        shown = whole.version, settings.verdict, settings.newest
        if shown == self._shown:
            return
        experiments = self._completions.watch(whole.experiments)
        self._figures = compute(experiments, settings, whole.left_out)
        verdict = judge(self._figures, settings)
        self._found = build_found(self._figures, verdict, whole.skipped, self._completions.total)
        self._shown = shown

    def _tell_state(self, settings: ExperimentsSettings) -> Iterable[Metric]:
        now = self._reader.counts if self._reader else ReadCounts()
        self._state.items = self._before.items + now.items
        self._state.capacity_units = self._before.capacity_units + now.capacity_units
        started = None if self._figures is None else self._figures.started
        return build_state(
            self._state,
            settings.verdict if settings.source else None,
            None if started is None else expect(started, self._wall(), settings.plan),
        )

    def _is_expired(self, settings: ExperimentsSettings) -> bool:
        return self._monotonic() - self._known_since > settings.expires_after

    def _forget(self) -> None:
        self._shown, self._figures, self._found = None, None, ()

    def _leave(self) -> None:
        if self._reader is None:
            return
        self._reader.end()
        spent = self._reader.counts
        self._before.items += spent.items
        self._before.capacity_units += spent.capacity_units
        self._reader = None
