"""The ``panes`` collector: tmux servers come and go, their panes become metric families."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from operator import is_
from pathlib import Path
from typing import ClassVar

from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.panes.discovery import (
    DEFAULT,
    find_folder,
    find_running,
    find_sockets,
    name_servers,
    probe,
)
from panewatch.panes.families import build_families, keep_unchanged
from panewatch.panes.model import PaneObserver
from panewatch.panes.published import Published
from panewatch.panes.sweeper import MOST_BACKOFF_SECONDS, Sweeper
from panewatch.panes.tmux import Tmux

ObserverFactory = Callable[[], Sequence[PaneObserver]]

_NO_FAILURE = ("up", "no_server")

_SILENT_SECONDS = 10.0
"""A server's thread that has published nothing for longer (beyond its calls) hangs."""


class PanesCollector:
    """What every pane of every tmux server of this user is doing.

    ::

        panewatch_pane_state{server="default",session="work",window="0",pane="1",state="idle"} 1
        panewatch_pane_lines_total{server="default",session="work",window="0",pane="1"} 4711

    Args:
        config: The whole configuration.
        observe: Makes the observers of one server; they live in its thread.
    """

    name: ClassVar[str] = "panes"

    def __init__(self, config: Config, observe: ObserverFactory = tuple) -> None:
        self._config = config
        self._observe = observe
        self._began = time.time()
        self._sweepers: dict[str, Sweeper] = {}
        self._paths: dict[str, Path] = {}
        self._next_discovery = self._next_search = 0.0
        self._elsewhere: tuple[Path, ...] = ()
        self._named: set[Path] = set()
        """Sockets of this machine that have a name of their own in the settings."""
        self._seen: list[Published] = []
        self._families: tuple[Metric, ...] = ()
        self._discovers = not config.tmux.sockets

    def start(self) -> None:
        """Begin to watch the servers that are configured; others are found later."""
        tmux = self._config.tmux
        for server in tmux.servers:
            self._watch(server.name, server.socket, server.prefix)
            if not server.prefix:
                self._named.add(_locate(server.socket or DEFAULT))
        for name, path in name_servers(map(_locate, tmux.sockets), self._sweepers).items():
            self._watch(name, str(path), ())

    def stop(self) -> None:
        """End all threads; a tmux call in progress is waited for no longer than its limit."""
        deadline = time.monotonic() + self._config.tmux.timeout + 1.0
        sweepers = list(self._sweepers.values())
        for sweeper in sweepers:
            sweeper.ask_to_stop()
        for sweeper in sweepers:
            sweeper.stop(max(0.0, deadline - time.monotonic()))
        self._sweepers.clear()

    def collect(self) -> Iterable[Metric]:
        """Yield the families of all servers as they were last published.

        Raises:
            SourceUnavailable: a server that is there cannot be read; the others' series
                have been yielded. That no server runs is a fact, not a failure.
        """
        if self._discovers:
            self._discover(time.monotonic())
        # The first sample tells of every server, or that it does not answer.
        deadline = time.monotonic() + self._config.tmux.timeout + 1.0
        for sweeper in self._sweepers.values():
            sweeper.wait_for_first(max(0.0, deadline - time.monotonic()))
        published = [
            self._check(sweeper.published, alive=sweeper.alive)
            for sweeper in self._sweepers.values()
            if sweeper.published is not None
        ]
        if not self._sweepers:
            published = [Published(DEFAULT, "no_server", time.monotonic())]
        same = len(published) == len(self._seen) and all(map(is_, published, self._seen))
        if not same:
            self._seen = published
            self._families = tuple(keep_unchanged(self._families, build_families(published)))
        yield from self._families
        failed = [
            f"{view.server}: {view.state}" for view in published if view.state not in _NO_FAILURE
        ]
        if failed:
            raise SourceUnavailable(", ".join(failed))

    def _check(self, published: Published, *, alive: bool) -> Published:
        """Replace what a thread that hangs once knew: it is no longer true."""
        if not alive:
            return Published(published.server, "error", published.at)
        age = time.monotonic() - published.at
        longest = (
            self._config.panes.list_interval + MOST_BACKOFF_SECONDS + 3 * self._config.tmux.timeout
        )
        if age <= longest + _SILENT_SECONDS:
            return published
        return Published(published.server, "timeout", published.at)

    def _discover(self, now: float) -> None:
        if now < self._next_discovery:
            return
        settings = self._config.tmux
        self._next_discovery = now + min(1.0, settings.discovery_interval)
        if now >= self._next_search:
            self._next_search = now + settings.discovery_interval
            self._elsewhere = tuple(find_running())
        watched = self._named | set(self._paths.values())
        new = [path for path in (*find_sockets(), *self._elsewhere) if path not in watched]
        for name, path in name_servers(new, self._sweepers).items():
            if probe(path) in {"up", "permission"}:
                self._paths[name] = path
                self._watch(name, str(path), ())
        for name, path in list(self._paths.items()):
            if probe(path) in {"no_server", "missing"} and not self._sweepers[name].lives():
                self._paths.pop(name)
                self._sweepers.pop(name).ask_to_stop()

    def _watch(self, name: str, socket: str | None, prefix: Sequence[str]) -> None:
        settings = self._config.tmux
        sweeper = Sweeper(
            name,
            Tmux(settings.binary, prefix, socket, settings.timeout),
            self._config.panes,
            local=not prefix,
            observers=self._observe(),
            began=self._began,
        )
        self._sweepers[name] = sweeper
        sweeper.start()


def _locate(socket: str) -> Path:
    """Return the path of a socket that is configured by name or path."""
    path = Path(socket) if socket.startswith("/") else find_folder() / socket
    return path.resolve()
