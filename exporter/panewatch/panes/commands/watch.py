"""The commands of all panes of one local tmux server."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

from prometheus_client import Metric

from panewatch.config import PanesSettings
from panewatch.panes.commands.durations import Durations
from panewatch.panes.commands.following import Activity, PaneCommands
from panewatch.panes.commands.journal import Journal, find_folder, name_journal
from panewatch.panes.commands.sampled import ForegroundWatch
from panewatch.panes.model import PaneKey

_PAUSE: Final = 0.1
"""Seconds between two looks at the process tree, as long as they cost little."""

_COSTLY_SHARE: Final = 500
"""A look is repeated after this many times its own CPU time at the earliest."""

_MOST_KEPT: Final = 100
"""Panes of which a file stays open: a process may have a thousand."""

_SLACK: Final = 7200.0
"""Seconds that the clock may have been set back since the server was started."""


class Shell(NamedTuple):
    """A pane that lives: its process, and whether it appeared under our eyes."""

    pid: int
    fresh: bool


class CommandWatch:
    """Sees commands begin and end, by the process tree and by what shells report.

    Fed by one thread. Nothing that it is told leaves the process but numbers, and names of
    programs that are on the list of the settings.
    """

    def __init__(self, settings: PanesSettings) -> None:
        self._settings = settings
        self._panes: dict[PaneKey, PaneCommands] = {}
        self._pids: dict[PaneKey, int] = {}
        self._known: dict[PaneKey, Activity] = {}
        self._durations = Durations()
        self._names = frozenset(settings.commands.names)
        self._next = 0.0
        self._anew = False
        """Whether all panes are followed anew: what their shells wrote so far is known."""

    def adopt(self, settings: PanesSettings) -> None:
        """Go by other settings: what is known of panes stays where they are the same."""
        known = self._settings
        self._settings, self._names = settings, frozenset(settings.commands.names)
        if (known.commands, known.shells) != (settings.commands, settings.shells):
            self._panes, self._pids, self._known = {}, {}, {}
            self._anew = True

    def follow(self, panes: Mapping[PaneKey, Shell]) -> None:
        """Take in which panes there are; those that are not there any more are forgotten."""
        if not self._settings.commands.enabled:
            return
        for key in self._panes.keys() - panes.keys():
            del self._panes[key], self._pids[key]
            self._known.pop(key, None)
        for key, (pid, fresh) in panes.items():
            if self._pids.get(key) == pid:
                continue
            self._pids[key] = pid
            foreground = ForegroundWatch(
                pid, self._settings.shells, self._names, keep=len(self._pids) <= _MOST_KEPT
            )
            if key in self._panes:
                self._panes[key].foreground = foreground  # it was respawned
            else:
                self._panes[key] = self._make(key, foreground, fresh=fresh and not self._anew)
        self._anew = False

    def _make(self, key: PaneKey, foreground: ForegroundWatch, *, fresh: bool) -> PaneCommands:
        folder = find_folder(self._settings.commands.directory, os.environ)
        return PaneCommands(
            foreground, None if folder is None else Journal(folder / name_journal(key)),
            fresh=fresh, since=key.server_start - _SLACK, names=self._names,
        )  # fmt: skip

    def is_due(self, now: float) -> bool:
        """Tell whether it is time for another look, at monotonic time ``now``."""
        return bool(self._panes) and now >= self._next

    def look(self, *, listed: bool) -> dict[PaneKey, Activity]:
        """Look at every pane that is followed.

        Args:
            listed: Ask for the reports of all shells; else only for those of shells whose
                command is gone.

        Returns:
            What is known of those panes of which it has changed.
        """
        begin, worked, wall = time.monotonic(), time.thread_time(), time.time()
        news: dict[PaneKey, Activity] = {}
        for key, pane in self._panes.items():
            activity = pane.look(wall, listed=listed)
            known = self._known.get(key)
            if activity is known:
                continue
            if activity != known:
                news[key] = activity
            self._known[key] = activity._replace(ended=()) if activity.ended else activity
            for command in activity.ended:
                self._durations.add(command.name, command.seconds, self._names)
        worked = time.thread_time() - worked
        self._next = begin + max(_PAUSE, worked * _COSTLY_SHARE)
        return news

    def collect(self, server: str) -> tuple[Metric, ...]:
        """Return what is counted for the whole server, under its present name."""
        return (self._durations.collect(server),) if self._panes else ()
