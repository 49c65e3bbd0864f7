"""The ``repositories`` collector: what the git repositories that panes are in tell."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config, RepositoriesSettings
from panewatch.panes import repository_contract as c
from panewatch.panes.contract import PANE
from panewatch.panes.directory import find_directory
from panewatch.panes.git import Git, GitError, NoRepositoryError
from panewatch.panes.model import Identity
from panewatch.panes.noticeboard import Noticeboard
from panewatch.panes.repository import Facts, find_root, read_facts

_FIRST_WAIT_SECONDS = 4.0
_BUDGET_SECONDS = 3.0
"""A sample begins to read nothing more after this long; the rest is read by the next."""

_COSTLY_SHARE = 20
"""What took long is read again after this many times as long at the earliest."""

_MOST_DOUBLINGS = 6
_DISCOURAGING = {"timeout", "output"}
"""Reasons to try ever more rarely: the next try costs as much, and brings as little."""


@dataclass(slots=True)
class _Source:
    """Something that git is asked about again and again."""

    due: float = 0.0
    failures: int = 0
    """How often in a row it was asked in vain, at some cost."""

    def plan(self, begin: float, interval: float) -> None:
        """Set when to ask again after an answer to a question of time ``begin``."""
        now = time.monotonic()
        pause = max(interval, (now - begin) * _COSTLY_SHARE)
        self.due = now + pause * 2 ** min(self.failures, _MOST_DOUBLINGS)


@dataclass(slots=True)
class _Directory(_Source):
    """A directory that panes are in; ``root`` is the top of its work tree."""

    root: bytes | None = None


@dataclass(slots=True)
class _Repository(_Source):
    """A work tree."""

    facts: Facts | None = None


class RepositoriesCollector:
    """The repositories that local panes are in, each read once for all of its panes.

    ::

        panewatch_pane_repository_dirty_files{server="default",session="work",...} 3

    Args:
        config: The whole configuration.
        board: Where the ``panes`` collector posts which panes there are.
    """

    name: ClassVar[str] = "repositories"

    def __init__(self, config: Config, board: Noticeboard) -> None:
        self._settings = self._wanted = config.repositories
        # Without panes to wait for there is no first notice either.
        self._patience = _FIRST_WAIT_SECONDS if config.collectors.panes.enabled else 0.0
        self._board = board
        self._git = Git(config.repositories.binary)
        self._directories: dict[str, _Directory] = {}
        self._repositories: dict[bytes, _Repository] = {}
        self._failures: Counter[str] = Counter()
        self._missing = False
        self._dropped = 0

    @property
    def calls(self) -> int:
        """Calls of git made so far."""
        return self._git.calls

    def reconfigure(self, config: Config) -> None:
        """Go by ``config`` from the next sample on."""
        self._wanted = config.repositories

    def collect(self) -> Iterable[Metric]:
        """Yield what is known of the repository of each pane.

        Raises:
            SourceUnavailable: git cannot be started; all there is was yielded.
        """
        self._adopt(self._wanted)
        self._board.wait(self._patience)
        self._patience = 0.0
        panes = self._locate()
        end = time.monotonic() + _BUDGET_SECONDS
        self._missing = False
        self._find_roots(set(panes.values()), end)
        self._read_repositories(end)
        yield from self._build(panes)
        if self._missing:
            raise SourceUnavailable("git cannot be started")

    def _adopt(self, settings: RepositoriesSettings) -> None:
        if settings is self._settings:
            return
        git = Git(settings.binary)
        git.calls = self._git.calls
        self._settings, self._git = settings, git
        for source in (*self._directories.values(), *self._repositories.values()):
            source.due = 0.0

    def _locate(self) -> dict[Identity, str]:
        """Return the directory of each pane whose processes can be seen."""
        found: dict[Identity, str] = {}
        for server in self._board.read():
            if server.local and server.state == "up":
                for view in server.panes:
                    directory = find_directory(view.pid) if view.pid else None
                    if directory is not None:
                        found[view.identity] = directory
        return found

    def _find_roots(self, wanted: set[str], end: float) -> None:
        """Look up in which work trees these directories are."""
        known = self._directories
        self._directories = {path: known.get(path) or _Directory() for path in sorted(wanted)}
        for path, directory in self._directories.items():
            begin = time.monotonic()
            if directory.due > begin:
                continue
            if begin >= end:
                break
            directory.root = None
            try:
                directory.root = find_root(self._git, path, begin + self._settings.timeout)
                directory.failures = 0
            except NoRepositoryError:
                directory.failures = 0
            except GitError as error:
                self._fail(directory, error)
            directory.plan(begin, self._settings.interval)

    def _read_repositories(self, end: float) -> None:
        """Read the repositories that are due, those first that have waited longest."""
        inside: dict[bytes, str] = {}
        for path, directory in self._directories.items():
            if directory.root is not None:
                inside.setdefault(directory.root, path)
        known = self._repositories
        # Those that are read already stay when others come.
        chosen = sorted(inside, key=lambda root: root not in known)[: self._settings.most]
        self._dropped = len(inside) - len(chosen)
        self._repositories = {root: known.get(root) or _Repository() for root in chosen}
        for root, repository in sorted(self._repositories.items(), key=lambda item: item[1].due):
            begin = time.monotonic()
            if repository.due > begin or begin >= end:
                break
            before, repository.facts = repository.facts, None
            try:
                repository.facts = read_facts(
                    self._git, inside[root], before, begin + self._settings.timeout
                )
                repository.failures = 0
            except NoRepositoryError:
                repository.failures = 0
            except GitError as error:
                self._fail(repository, error)
            repository.plan(begin, self._settings.interval)

    def _fail(self, source: _Source, error: GitError) -> None:
        self._failures[error.reason] += 1
        self._missing |= error.reason == "binary"
        source.failures += error.reason in _DISCOURAGING

    def _build(self, panes: Mapping[Identity, str]) -> Iterable[Metric]:
        families = {spec.name: spec.family() for spec in c.METRICS}
        oldest = time.monotonic() - 2 * self._settings.interval
        for identity, path in panes.items():
            root = self._directories[path].root
            repository = self._repositories.get(root) if root is not None else None
            # What could not be read in its time is not known any more.
            if repository is None or repository.facts is None or repository.due < oldest:
                continue
            status, committed = repository.facts
            labels = dict(zip(PANE, identity, strict=True))
            values = (status.dirty, status.unpushed, committed)
            for spec, value in zip(c.OF_PANES, values, strict=True):
                if value is not None:
                    families[spec.name].add_sample(spec.full_name, labels, float(value))
        for reason in c.FAILURES:
            families[c.REPOSITORY_FAILURES.name].add_sample(
                c.REPOSITORY_FAILURES.full_name, {"reason": reason}, float(self._failures[reason])
            )
        families[c.REPOSITORIES_DROPPED.name].add_sample(
            c.REPOSITORIES_DROPPED.full_name, {}, float(self._dropped)
        )
        return families.values()
