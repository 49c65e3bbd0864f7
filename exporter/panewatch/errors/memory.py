"""What panewatch remembers of open incidents over a restart; all servers' threads share it."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from typing import Final

import structlog
from prometheus_client import Metric

from panewatch.config import ErrorsSettings
from panewatch.errors import contract as c
from panewatch.errors.kept import KeptPane, NotKeptError, read, write
from panewatch.errors.state_file import StateFile, StateFileError, Trouble, find_path
from panewatch.panes.model import PaneKey

_SECONDS: Final = 2.0
"""Least time between two writes."""

_COSTLY: Final = 20
"""A write that took long is followed by a pause of so many times that."""

_FAILED_SECONDS: Final = 30.0
"""How soon a write that failed is tried again."""

_CLAIM_SECONDS: Final = 600.0
"""A pane that is not seen within so long after the start is gone."""

_END_SECONDS: Final = 1.0
"""How long the last write may take: a disk that hangs keeps nobody from ending."""

_log = structlog.get_logger(__name__)


class Memory:
    """Panes with open incidents, in memory and in a file.

    Whatever is wrong with the file, panes are remembered as long as this process lives.
    """

    def __init__(self) -> None:
        self._panes: dict[PaneKey, KeptPane] = {}
        self._strangers: set[PaneKey] = set()
        """Of those the ones that were read, and that nobody has asked for yet."""
        self._setting: str | None = None
        self._file: StateFile | None = None
        self._opened = self._changed = False
        self._opened_at = 0.0
        self._lock = threading.Lock()
        """Of what is remembered; never held while a disk is waited for, but for the first read."""
        self._wake = threading.Condition(self._lock)
        self._writer: threading.Thread | None = None
        self._stopping = False
        self._troubles: Counter[Trouble] = Counter()
        self._failing: Trouble | None = None
        self._told: tuple[dict[Trouble, int], Metric] | None = None

    def open(self, settings: ErrorsSettings) -> None:
        """Read what there is, the first time; go over to another file later, without reading."""
        with self._lock:
            setting = settings.state_file
            if self._opened and setting == self._setting:
                return
            path = find_path(setting, os.environ)
            self._setting, self._file = setting, StateFile(path) if path else None
            if not self._opened:
                self._opened, self._opened_at = True, time.monotonic()
                self._read()
            elif self._panes:
                self._changed = True
                self._wake.notify()

    def start(self) -> None:
        """Begin to write.

        Raises:
            RuntimeError: the system has no thread left.
        """
        if self._writer is None:
            self._stopping = False
            writer = threading.Thread(target=self._run, name="errors-memory", daemon=True)
            writer.start()
            self._writer = writer

    def stop(self) -> None:
        """Write what has changed, and leave the file to whoever comes next."""
        with self._lock:
            self._stopping = True
            self._wake.notify()
        if self._writer is not None:
            self._writer.join(_END_SECONDS)
            self._writer = None

    def recall(self, key: PaneKey) -> KeptPane | None:
        """Return what is remembered of a pane that is seen for the first time."""
        with self._lock:
            self._strangers.discard(key)
            return self._panes.get(key)

    def note(self, key: PaneKey, pane: KeptPane | None) -> None:
        """Remember a pane as it is now, or that nothing is open in it. From any thread."""
        with self._lock:
            if pane is None:
                if self._panes.pop(key, None) is None:
                    return
            else:
                self._panes[key] = pane
            self._changed = True
            self._wake.notify()

    def collect(self) -> Metric:
        """Return what went wrong with the file; the same object while nothing does."""
        with self._lock:
            counts = dict(self._troubles)
        if self._told is None or self._told[0] != counts:
            family = c.STATE_FILE_ERRORS.family()
            for reason in c.STATE_FILE_TROUBLES:
                number = float(counts.get(reason, 0))
                family.add_sample(c.STATE_FILE_ERRORS.full_name, {"reason": reason}, number)
            self._told = counts, family
        return self._told[1]

    def _read(self) -> None:
        """Read the file; the lock is held, as nobody can go on without it."""
        if self._file is None:
            return
        try:
            content = self._file.read()
            self._panes = read(content) if content is not None else {}
        except StateFileError as error:
            self._tell(error.reason)
        except NotKeptError as error:
            self._tell("newer" if error.newer else "corrupt")
        self._strangers = set(self._panes)
        if self._panes:
            _log.info("open incidents are remembered", panes=len(self._panes))

    def _run(self) -> None:
        """Write what changes, until it is time to end."""
        pause, held = 0.0, self._file
        while True:
            with self._lock:
                self._wake.wait_for(lambda: self._stopping or self._changed, _CLAIM_SECONDS)
                if pause:
                    self._wake.wait_for(lambda: self._stopping, pause)
                self._forget_strangers()
                changed, stopping, file = self._changed, self._stopping, self._file
                panes = tuple(self._panes.values())
                self._changed = False
            if held is not None and held is not file:
                held.close()
            held = file
            pause = self._write(file, panes) if changed and file is not None else 0.0
            if stopping:
                if file is not None:
                    file.close()
                return

    def _write(self, file: StateFile, panes: tuple[KeptPane, ...]) -> float:
        """Write, and return for how long not to write again."""
        begin = time.monotonic()
        try:
            file.write(write(panes))
        except StateFileError as error:
            with self._lock:
                self._tell(error.reason)
                self._changed = True
            return _FAILED_SECONDS
        if self._failing is not None:
            self._failing = None
            _log.info("state file is in use again")
        return max(_SECONDS, (time.monotonic() - begin) * _COSTLY)

    def _forget_strangers(self) -> None:
        """Forget the panes that have not come again since the start: they are gone."""
        if self._strangers and time.monotonic() - self._opened_at >= _CLAIM_SECONDS:
            for key in self._strangers:
                self._panes.pop(key, None)
            self._strangers.clear()
            self._changed = True

    def _tell(self, reason: Trouble) -> None:
        """Count a fault, and log one that is new."""
        self._troubles[reason] += 1
        if reason != self._failing:
            self._failing = reason
            _log.warning("state file cannot be used", reason=reason)
