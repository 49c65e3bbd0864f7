"""The ``profiles`` collector: where the time of trainings goes, by traces of their profilers."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

import structlog
from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.training.callback.place import find_profiles_directory
from panewatch.training.plain_files import RefusedError
from panewatch.training.profiles.families import build_families
from panewatch.training.profiles.reader import TraceReader
from panewatch.training.profiles.shelf import Shelf, Trace, stamp

_FIRST_SECONDS: Final = 4.0
"""How long the first sample waits for traces that are there; later ones come at the next."""

_PATIENCE_SECONDS: Final = 0.5

_log = structlog.get_logger()


class ProfilesCollector:
    """The newest trace of each run in a directory.

    ::

        panewatch_profile_share_ratio{run="resnet",part="data_wait"} 0.41
        panewatch_profile_finding{run="resnet",finding="data_bound"} 1
        panewatch_profile_operator_self_seconds{run="resnet",operator="aten::mm",device="cpu"} 0.25

    Each is read once, in a process of its own, and no sample waits for that.

    Args:
        config: The whole configuration.
        wall: Unix time.
    """

    name: ClassVar[str] = "profiles"

    def __init__(self, config: Config, wall: Callable[[], float] = time.time) -> None:
        self._settings = config.training
        self._shelf = Shelf(wall)
        self._reader = TraceReader()
        self._reading: tuple[Trace, int] | None = None
        self._patience = _FIRST_SECONDS
        self._read = 0
        self._failures: Counter[str] = Counter()
        self._seen: object = None
        self._families: Sequence[Metric] = ()

    def start(self) -> None:
        """Do nothing: the first sample begins to read."""

    def stop(self) -> None:
        """Leave what is being read."""
        self._leave()

    def reconfigure(self, config: Config) -> None:
        """Go by ``config`` from the next sample on."""
        self._settings = config.training

    def collect(self) -> Iterable[Metric]:
        """Yield what is known of the runs by now.

        Raises:
            SourceUnavailable: the directory is there and cannot be read, or the system opens no
                trace or starts no process to read it; all that there is was yielded.
        """
        directory = find_profiles_directory(self._settings.profiles_directory, os.environ)
        end = time.monotonic() + self._patience
        self._patience = _PATIENCE_SECONDS
        trouble = ""
        try:
            self._shelf.look(directory, self._settings.profiles_expire_after)
        except OSError:
            trouble = "the directory of traces cannot be read"
        while self._finish(end - time.monotonic()):
            trace = self._shelf.choose()
            if trace is None or directory is None:
                break
            try:
                descriptor = self._shelf.open(directory, trace)
                self._reading = trace, descriptor
                self._reader.start(descriptor)
            except RefusedError as error:
                self._refuse(trace, error)
            except (OSError, MemoryError):
                # Nothing is known of the trace: it waits for the next sample.
                trouble = "no trace can be opened, or no process be started to read it"
                self._leave()
                break
        self._shelf.count()
        shown, states = list(self._shelf.list_shown()), self._shelf.states
        seen = shown, states, self._read, self._failures.copy()
        if seen != self._seen:
            self._seen = seen
            self._families = build_families(shown, states, self._read, self._failures)
        yield from self._families
        if trouble:
            raise SourceUnavailable(trouble)

    def _finish(self, seconds: float) -> bool:
        """Take in what is read, if that comes in time; tell whether another may be begun."""
        if self._reading is None:
            return True
        trace, descriptor = self._reading
        try:
            facts = self._reader.wait(seconds)
        except RefusedError as error:
            if self._is_same(trace, descriptor):
                self._refuse(trace, error)
        else:
            if facts is None:
                return False
            # One that was written on meanwhile is another by the next look.
            if self._is_same(trace, descriptor):
                trace.facts, trace.refused = facts, ""
                self._read += 1
        self._leave()
        return True

    @staticmethod
    def _is_same(trace: Trace, descriptor: int) -> bool:
        return stamp(os.fstat(descriptor)) == trace.stamp

    def _refuse(self, trace: Trace, error: RefusedError) -> None:
        reason = str(error)
        if self._shelf.refuse(trace, reason):
            self._failures[reason] += 1
            _log.warning("trace refused", run=trace.run, reason=reason)

    def _leave(self) -> None:
        self._reader.stop()
        if self._reading is not None:
            os.close(self._reading[1])
            self._reading = None
