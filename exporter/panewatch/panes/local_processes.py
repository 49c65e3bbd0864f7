"""What runs in the panes of a server on this machine: their commands, and what these use."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import structlog
from prometheus_client import Metric

from panewatch.config import PanesSettings
from panewatch.panes.commands.watch import CommandWatch, Shell
from panewatch.panes.observers import find_place
from panewatch.panes.tracked import TrackedPane
from panewatch.panes.trees import Trees

COSTLY_SHARE = 20
"""What costs much is repeated after this many times its own duration at the earliest."""

_UNWATCHED_SHARE = 0.6
"""By how much longer the interval is while nobody looks: with the default settings a program that
was seen to work still counts as working (``panes.working_for``) when it is measured again."""

_NEVER = 1e12

_log = structlog.get_logger(__name__)


class LocalProcesses:
    """Follows the processes of one server's panes; where it is not local, there are none.

    Args:
        settings: How panes are read.
        local: Whether the server's processes run on this machine.
    """

    def __init__(self, settings: PanesSettings, *, local: bool) -> None:
        self._settings = settings
        self._local = local
        self._commands = CommandWatch(settings)
        self._trees = Trees()
        self._next_measure = 0.0

    def adopt(self, settings: PanesSettings) -> None:
        """Go by other settings from now on."""
        self._settings = settings
        self._commands.adopt(settings)
        self._next_measure = 0.0

    def is_due(self, now: float) -> bool:
        """Tell whether commands have to be looked at between two listings."""
        return self._commands.is_due(now)

    def choose(self, panes: Iterable[TrackedPane]) -> None:
        """Follow these panes, and no others."""
        if self._local:
            living = [pane for pane in panes if not pane.facts.dead]
            self._commands.follow(
                {pane.key: Shell(pane.facts.pid, pane.reader.from_start) for pane in living}
            )

    def follow(self, server: str, panes: Mapping[str, TrackedPane], *, listed: bool) -> float:
        """Tell the panes which of their commands began and ended.

        Args:
            server: Its name, for the log.
            panes: The panes by their ids.
            listed: Whether all panes are listed now, too.

        Returns:
            When the first of those that have news is to be read, in monotonic seconds.
        """
        try:
            news = self._commands.look(listed=listed)
        except Exception as error:  # noqa: BLE001  # panes are read without it too
            _log.error("commands cannot be followed", server=server,
                       error=type(error).__name__, at=find_place(error))  # fmt: skip
            return _NEVER
        now, due = time.monotonic(), _NEVER
        for key, activity in news.items():
            pane = panes[key.pane_id]
            pane.take_activity(activity, now)
            due = min(due, pane.pace.due)
        return due

    def measure(self, panes: Iterable[TrackedPane], *, watched: bool = True) -> None:
        """Tell the panes what their processes use, where that is due.

        While nobody looks (``watched``) it is due less often.
        """
        now = time.monotonic()
        pause = 0.0 if watched else self._settings.process_interval * _UNWATCHED_SHARE
        if not self._local or now < self._next_measure + pause:
            return
        panes = tuple(panes)
        usages = self._trees.measure(
            {pane.key: pane.facts.pid for pane in panes if not pane.facts.dead}
        )
        for pane in panes:
            pane.take_usage(usages.get(pane.key), now)
        spent = time.monotonic() - now
        self._next_measure = now + max(self._settings.process_interval, spent * COSTLY_SHARE)

    def collect(self, server: str) -> Iterable[Metric]:
        """Yield the families of the commands."""
        return self._commands.collect(server)
