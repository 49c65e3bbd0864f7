"""The ``training`` collector: what panes and callbacks tell of trainings, as one."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from operator import is_
from typing import ClassVar, Final

from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.panes.model import Identity
from panewatch.panes.noticeboard import Noticeboard
from panewatch.panes.proc import read_proc
from panewatch.panes.published import Published
from panewatch.training import contract as c
from panewatch.training.callback.place import find_directory
from panewatch.training.callback_runs import CallbackFamilies, CallbackRuns
from panewatch.training.joining import Joiner, find_moved
from panewatch.training.textfiles import Textfiles

FAMILIES: Final = frozenset(
    spec.full_name.removesuffix("_total") for spec in (*c.RUNS, *c.CALLBACKS)
)
"""The families of runs, by the names that prometheus_client gives them."""

_LOOK_SECONDS: Final = 5.0
_FIRST_WAIT_SECONDS: Final = 4.0
_MOST_ANCESTORS: Final = 64


class TrainingCollector:
    """The trainings that are read from panes, and those that tell of themselves in files.

    ::

        panewatch_training_step{run="default/work:0.1"} 1200
        panewatch_training_batch_seconds_count{run="resnet"} 4711
        panewatch_training_textfiles{state="running"} 1

    Args:
        config: The whole configuration.
        board: Where the ``panes`` collector posts what its observers know.
        monotonic: The clock of the looks.
        wall: Unix time.
    """

    name: ClassVar[str] = "training"

    def __init__(
        self,
        config: Config,
        board: Noticeboard,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = config.training
        # Without panes to wait for there is no first notice either.
        self._patience = _FIRST_WAIT_SECONDS if config.collectors.panes.enabled else 0.0
        self._board = board
        self._monotonic = monotonic
        self._textfiles = Textfiles(monotonic, wall)
        self._runs = CallbackRuns(monotonic, wall)
        self._due = monotonic()
        self._unreadable = False
        self._joiner = Joiner(wall)
        self._going_on: AbstractSet[str] = frozenset()
        self._told = CallbackFamilies([], Counter(), {}, {})
        self._seen: Sequence[Published] = ()
        self._families: Sequence[Metric] = ()

    def reconfigure(self, config: Config) -> None:
        """Go by ``config`` from the next sample on."""
        self._settings = config.training
        self._due = self._monotonic()

    def collect(self) -> Iterable[Metric]:
        """Yield the families of all runs, and what became of the files.

        Raises:
            SourceUnavailable: the directory of the files is there and cannot be read; all
                that there is was yielded.
        """
        self._board.wait(self._patience)
        self._patience = 0.0
        panes = [server for server in self._board.read() if server.state == "up"]
        looks = self._monotonic() >= self._due
        same = len(panes) == len(self._seen) and all(map(is_, panes, self._seen))
        read: Sequence[Metric] = ()
        if looks or not same:
            read = [each for server in panes for each in server.families if each.name in FAMILIES]
            before, self._going_on = self._going_on, find_moved(read).keys()
            # What begins in a pane may have a callback: it is not to be told of by two names.
            looks = looks or not self._going_on <= before
        if looks:
            self._due = self._monotonic() + _LOOK_SECONDS
            self._look(panes)
        if looks or not same:
            self._seen = panes
            self._families = [*self._joiner.join(read, self._told), *self._build_own()]
        yield from self._families
        if self._unreadable:
            raise SourceUnavailable("the directory of textfiles cannot be read")

    def _look(self, panes: Sequence[Published]) -> None:
        """Read the files that have changed, and drop those that are no longer true."""
        directory = find_directory(self._settings.textfile_directory, os.environ)
        self._unreadable = False
        try:
            files = self._textfiles.look(directory) if directory else {}
        except OSError:
            files, self._unreadable = {}, True
        pids = {view.pid: view.identity for each in panes if each.local for view in each.panes}

        def find_pane(pid: int) -> Identity | None:
            return next((pids[each] for each in _list_ancestors(pid) if each in pids), None)

        self._told = self._runs.build(
            files,
            self._textfiles.failures,
            find_pane,
            self._settings.stalled_after,
            self._settings.textfile_expires_after,
        )

    def _build_own(self) -> Iterable[Metric]:
        for spec, choices, counts in (
            (c.TRAINING_TEXTFILES, c.TEXTFILE_STATES, self._told.states),
            (c.TRAINING_TEXTFILE_FAILURES, c.TEXTFILE_FAILURES, self._textfiles.failures),
        ):
            family = spec.family()
            for choice in choices:
                labels = {spec.labels[0]: choice}
                family.add_sample(spec.full_name, labels, float(counts[choice]))
            yield family


def _list_ancestors(pid: int) -> Iterable[int]:
    """Yield a process and those that it descends from, nearest first."""
    for _ in range(_MOST_ANCESTORS):
        if pid <= 1:
            return
        yield pid
        fields = (read_proc(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()
        pid = int(fields[1]) if len(fields) > 1 else 0
