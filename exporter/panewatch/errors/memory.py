"""What panewatch remembers of open incidents over a restart; all servers' threads share it."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import Metric

from panewatch.config import ErrorsSettings
from panewatch.errors import contract as c
from panewatch.errors.kept import KeptKey, KeptPane, NotKeptError, read, write
from panewatch.errors.state_file import StateFile, StateFileError, Trouble, find_path

_SECONDS: Final = 2.0
"""Least time between two writes."""

_COSTLY: Final = 20
"""A write that took long is followed by a pause of so many times that."""

_FAILED_SECONDS: Final = 30.0
"""How soon a write that failed is tried again."""

_RETRY_SECONDS: Final = 1.0
"""How soon a file that could not be read is tried again, at first."""

_READ_SECONDS: Final = 2.0
"""How long the start waits for what is remembered: a disk that hangs holds up nobody."""

_CLAIM_SECONDS: Final = 600.0
"""A pane that is not seen within so long after the start is gone."""

_END_SECONDS: Final = 1.0
"""How long the last write may take: a disk that hangs keeps nobody from ending."""

_log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Turn:
    """One thread that writes, and its file: one that hangs is left with what is its own."""

    file: StateFile
    changed: bool = False
    stopping: bool = False
    tried: bool = False
    """Whether it has read the file, or failed to."""

    thread: threading.Thread | None = None


class Memory:
    """Panes with open incidents, in memory and in a file.

    Whatever is wrong with the file, panes are remembered as long as this process lives. No
    method waits for a disk for longer than a moment.
    """

    def __init__(self) -> None:
        self._panes: dict[KeptKey, KeptPane] = {}
        self._strangers: dict[KeptKey, KeptPane] = {}
        """What was read of panes that nobody has asked for yet."""
        self._gone: set[KeptKey] = set()
        """Panes that were gone before the file was read."""
        self._setting: str | None = None
        self._path: Path | None = None
        self._opened, self._known = False, True
        self._read_at = 0.0
        self._lock = threading.Lock()
        """Of what is remembered; never held while a disk is waited for."""
        self._wake = threading.Condition(self._lock)
        self._turn: _Turn | None = None
        self._troubles: Counter[Trouble] = Counter()
        self._failing: Trouble | None = None
        self._told: tuple[dict[Trouble, int], Metric] | None = None

    @property
    def known(self) -> bool:
        """Whether the file was read, or there is none: until then :meth:`recall` knows nothing."""
        return self._known

    def open(self, settings: ErrorsSettings) -> None:
        """Read what there is, the first time; go over to another file later.

        What takes long to read, or is another program's for now, is known later.
        """
        with self._lock:
            setting = settings.state_file
            if self._opened and setting == self._setting:
                return
            first, self._opened = not self._opened, True
            self._setting, self._path = setting, find_path(setting, os.environ)
            if first:
                self._known = self._path is None
            before = self._turn
            if before is not None:
                before.changed, before.stopping = False, True
                self._turn = None
                self._wake.notify_all()
            if first or before is not None:
                # Where the system has no thread left, the start tells.
                with suppress(RuntimeError):
                    self._begin()
            if first and not self._known:
                self._wake.wait_for(self._is_tried, _READ_SECONDS)

    def start(self) -> None:
        """Begin to write.

        Raises:
            RuntimeError: the system has no thread left.
        """
        with self._lock:
            if self._turn is None:
                self._begin()

    def stop(self) -> None:
        """Write what has changed, and leave the file to whoever comes next."""
        with self._lock:
            turn, self._turn = self._turn, None
            if turn is None:
                return
            turn.stopping = True
            self._wake.notify_all()
        if turn.thread is not None:
            turn.thread.join(_END_SECONDS)

    def recall(self, key: KeptKey) -> KeptPane | None:
        """Return what was read of a pane; whoever asks notes how it goes on."""
        with self._lock:
            kept = self._strangers.pop(key, None)
            if kept is not None:
                self._panes.setdefault(key, kept)
            return kept

    def note(self, key: KeptKey, pane: KeptPane | None) -> None:
        """Remember a pane as it is now, or that nothing is open in it. From any thread."""
        with self._lock:
            if pane is not None:
                self._panes[key] = pane
            elif self._panes.pop(key, None) is None:
                return
            self._change()

    def forget(self, key: KeptKey) -> None:
        """Remember nothing of a pane, also of what is read later. From any thread."""
        with self._lock:
            if not self._known:
                self._gone.add(key)
            known = self._panes.pop(key, None), self._strangers.pop(key, None)
            if known != (None, None):
                self._change()

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

    def _begin(self) -> None:
        """Let a thread of its own read and write the file; the lock is held."""
        if self._path is None:
            return
        turn = _Turn(StateFile(self._path), changed=bool(self._panes))
        turn.thread = threading.Thread(
            target=self._run, args=(turn,), name="errors-memory", daemon=True
        )
        turn.thread.start()
        self._turn = turn

    def _is_tried(self) -> bool:
        """Tell whether there is nothing to wait for; the lock is held."""
        return self._turn is None or self._turn.tried

    def _change(self) -> None:
        """Have what is remembered written; the lock is held."""
        if self._turn is not None:
            self._turn.changed = True
            self._wake.notify_all()

    def _run(self, turn: _Turn) -> None:
        """Read the file, then write what changes, until it is time to end."""
        try:
            pause = _RETRY_SECONDS
            while not self._read(turn):
                with self._lock:
                    if turn.stopping or self._wake.wait_for(
                        lambda: turn.stopping, min(pause, _FAILED_SECONDS)
                    ):
                        return
                pause *= 2
            self._keep(turn)
        finally:
            turn.file.close()

    def _read(self, turn: _Turn) -> bool:
        """Read the file; tell whether it may be written now.

        What another program writes, or the disk does not give, is not written over. What is
        none of ours is moved aside.
        """
        panes: dict[KeptKey, KeptPane] = {}
        trouble: Trouble | None = None
        usable = True
        try:
            content = turn.file.read()
            panes = read(content) if content is not None else {}
        except StateFileError as error:
            trouble, usable = error.reason, error.reason not in {"busy", "unwritable"}
        except NotKeptError as error:
            trouble = "newer" if error.newer else "corrupt"
        if trouble is not None and usable:
            try:
                turn.file.set_aside()
            except StateFileError:
                usable = False
        with self._lock:
            turn.tried = True
            if trouble is not None:
                self._tell(trouble)
            if usable and turn is self._turn and not self._known:
                self._take(panes)
            self._wake.notify_all()
        return usable

    def _take(self, panes: dict[KeptKey, KeptPane]) -> None:
        """Know what was read; the lock is held."""
        self._strangers = {key: pane for key, pane in panes.items() if key not in self._gone}
        self._gone.clear()
        self._known, self._read_at = True, time.monotonic()
        if panes:
            _log.info("open incidents are remembered", panes=len(panes))

    def _keep(self, turn: _Turn) -> None:
        """Write what changes, until it is time to end."""
        pause = 0.0
        while True:
            with self._lock:
                self._wake.wait_for(lambda: turn.stopping or turn.changed, _CLAIM_SECONDS)
                if pause:
                    self._wake.wait_for(lambda: turn.stopping, pause)
                if turn is self._turn:
                    self._forget_strangers()
                changed, turn.changed = turn.changed, False
                stopping = turn.stopping
                panes = tuple({**self._strangers, **self._panes}.values())
            pause = self._write(turn, panes) if changed else 0.0
            if stopping:
                return

    def _write(self, turn: _Turn, panes: tuple[KeptPane, ...]) -> float:
        """Write, and return for how long not to write again."""
        begin = time.monotonic()
        try:
            turn.file.write(write(panes))
        except StateFileError as error:
            with self._lock:
                self._tell(error.reason)
                turn.changed = True
            return _FAILED_SECONDS
        with self._lock:
            again, self._failing = self._failing is not None, None
        if again:
            _log.info("state file is in use again")
        return max(_SECONDS, (time.monotonic() - begin) * _COSTLY)

    def _forget_strangers(self) -> None:
        """Forget the panes that have not come again since they were read: they are gone."""
        if self._strangers and time.monotonic() - self._read_at >= _CLAIM_SECONDS:
            self._strangers.clear()
            self._change()

    def _tell(self, reason: Trouble) -> None:
        """Count a fault, and log one that is new."""
        self._troubles[reason] += 1
        if reason != self._failing:
            self._failing = reason
            _log.warning("state file cannot be used", reason=reason)
