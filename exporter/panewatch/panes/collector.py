"""The ``panes`` collector: tmux servers come and go, their panes become metric families."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import is_
from pathlib import Path
from typing import ClassVar

from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.panes.discovery import DEFAULT, find_running, find_sockets, name_servers, probe
from panewatch.panes.families import CommandNames, build_families
from panewatch.panes.lost_servers import LostServers
from panewatch.panes.model import PaneObserver
from panewatch.panes.noticeboard import Noticeboard
from panewatch.panes.outage import MOST_BACKOFF_SECONDS
from panewatch.panes.published import Published
from panewatch.panes.servers import Address, list_configured, match, name_path
from panewatch.panes.sight import Blind, ScreenReader
from panewatch.panes.sweeper import Sweeper
from panewatch.panes.tmux import Tmux

ObserverFactory = Callable[[Config], Sequence[PaneObserver]]
ScreensFactory = Callable[[Config], ScreenReader]

_NO_FAILURE = ("up", "no_server")

_FLEETING_SECONDS = 5.0
"""A discovered server may fail for so long: it starts or ends, and none of it is a fault."""

_SILENT_SECONDS = 10.0
"""A server's thread that has published nothing for longer (beyond its calls) hangs."""


class ObserverFailedError(Exception):
    """An observer of a server raised; what, and where, was logged when it did."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A server that is watched. ``discovered`` tells that no setting names it."""

    address: Address
    sweeper: Sweeper
    discovered: bool


class PanesCollector:
    """What every pane of every tmux server of this user is doing.

    ::

        panewatch_pane_state{server="default",session="work",window="0",pane="1",state="idle"} 1
        panewatch_pane_lines_total{server="default",session="work",window="0",pane="1"} 4711

    Args:
        config: The whole configuration.
        observe: Makes the observers of one server; they live in its thread.
        find_screens: Gives what reads screens under a configuration; all servers share it.
        board: Where what is known is posted for other collectors.
        elsewhere: Families of observers that one of those shows.
        watched: Tells whether somebody may look within a moment: while nobody does, what is
            known is published rarely.
    """

    name: ClassVar[str] = "panes"

    def __init__(
        self,
        config: Config,
        *,
        observe: ObserverFactory = lambda _: (),
        find_screens: ScreensFactory = lambda _: Blind(),
        board: Noticeboard | None = None,
        elsewhere: Collection[str] = (),
        watched: Callable[[], bool] = lambda: True,
    ) -> None:
        self._board = board or Noticeboard()
        self._shown_elsewhere = elsewhere
        self._watched = watched
        self._config = self._wanted = config
        self._observe = observe
        self._find_screens = find_screens
        self._began = time.time()
        self._adopted_at = 0.0
        self._servers: dict[str, _Watched] = {}
        self._lost = LostServers()
        self._unreadable: dict[str, float] = {}
        """Since when each server cannot be read that is there."""
        self._next_discovery = self._next_search = 0.0
        self._elsewhere: tuple[Path, ...] = ()
        self._seen: list[Published] = []
        self._faults: dict[str, tuple[Published, bool]] = {}
        """For each server what was looked at last, and whether an observer had failed."""
        self._families: tuple[Metric, ...] = ()
        self._commands = CommandNames()

    def start(self) -> None:
        """Begin to watch the servers that are configured; others are found later.

        Raises:
            RuntimeError: the system has no thread left; none of ours is left running.
        """
        self._adopt(self._wanted)

    def reconfigure(self, config: Config) -> None:
        """Go by ``config`` from the next sample on, without losing a line or a count.

        Servers that stay keep all that is known of them, be it under another name.
        """
        self._wanted = config

    def stop(self) -> None:
        """End all threads; a tmux call in progress is waited for no longer than its limit."""
        deadline = time.monotonic() + self._config.tmux.timeout + 1.0
        sweepers = [watched.sweeper for watched in self._servers.values()]
        for sweeper in sweepers:
            sweeper.ask_to_stop()
        for sweeper in sweepers:
            sweeper.stop(max(0.0, deadline - time.monotonic()))
        self._servers.clear()
        self._board.post(())

    def collect(self) -> Iterable[Metric]:
        """Yield the families of all servers as they were last published.

        Raises:
            SourceUnavailable: a server that is there cannot be read; the others' series
                have been yielded. That no server runs is a fact, not a failure; nor is it
                one when a discovered server fails for the moment in which it starts or ends.
            ObserverFailedError: an observer has failed since the last sample; all that
                there is was yielded.
            Exception: another configuration could not be gone over to; the last one
                holds, and all series of it were yielded.
        """
        fault = self._follow()
        if not self._config.tmux.sockets:
            self._discover(time.monotonic())
        published = self._gather()
        self._board.post(published)
        same = len(published) == len(self._seen) and all(map(is_, published, self._seen))
        if not same:
            self._seen = published
            self._families = tuple(
                build_families(published, self._commands, self._families, self._shown_elsewhere)
            )
        yield from self._families
        if fault is not None:
            raise fault
        if self._find_faults(published):
            raise ObserverFailedError
        failed = self._find_unreadable(published)
        if failed:
            raise SourceUnavailable(", ".join(failed))

    def _find_unreadable(self, published: Sequence[Published]) -> list[str]:
        """Return the servers that are there and cannot be read, each with the reason."""
        now = time.monotonic()
        states = {view.server: view.state for view in published if view.state not in _NO_FAILURE}
        self._unreadable = {name: self._unreadable.get(name, now) for name in states}
        passing = {name for name, watched in self._servers.items() if watched.discovered}
        return [
            f"{name}: {state}"
            for name, state in states.items()
            if name not in passing or now - self._unreadable[name] >= _FLEETING_SECONDS
        ]

    def _follow(self) -> Exception | None:
        """Go over to another configuration where there is one, and return what hindered it."""
        wanted = self._wanted
        if wanted is not self._config:
            try:
                self._adopt(wanted)
            except Exception as error:  # noqa: BLE001  # raised once the series are out
                return error
        return None

    def _adopt(self, config: Config) -> None:
        """Watch the servers that ``config`` asks for: all of it, or nothing is changed."""
        servers: dict[str, _Watched] = {}
        begun: list[Sweeper] = []
        plan = self._plan(config)
        try:
            for name, (address, before, discovered) in plan.items():
                sweeper = before.sweeper if before else self._make(name, address, config)
                servers[name] = _Watched(address, sweeper, discovered)
                if before is None:
                    sweeper.start()
                    begun.append(sweeper)
        except BaseException:
            for sweeper in begun:
                sweeper.ask_to_stop()
            raise
        for name, (address, before, _) in plan.items():
            if before is not None:
                before.sweeper.reconfigure(
                    name, _reach(address, config), config, self._find_screens(config)
                )
        kept = {id(watched.sweeper) for watched in servers.values()}
        for watched in self._servers.values():
            if id(watched.sweeper) not in kept:
                watched.sweeper.ask_to_stop()
        self._servers, self._config = servers, config
        if config.tmux.sockets:
            self._lost.clear()
        self._adopted_at = time.monotonic()
        self._next_discovery = self._next_search = 0.0

    def _plan(self, config: Config) -> dict[str, tuple[Address, _Watched | None, bool]]:
        """Return the servers to watch: where, what watches it now, and if it is discovered."""
        wanted = list_configured(config.tmux)
        known = dict(self._servers)
        names = match(wanted, {name: watched.address for name, watched in known.items()})
        plan = {
            name: (address, known.pop(names[name]) if name in names else None, False)
            for name, address in wanted.items()
        }
        if config.tmux.sockets:
            return plan
        for name, watched in known.items():
            path = watched.address.socket
            if not watched.address.prefix and path is not None:
                stays = watched.discovered and name not in plan
                plan[name if stays else name_path(path, plan)] = (watched.address, watched, True)
        return plan

    def _gather(self) -> list[Published]:
        """Return what each server's thread published last; wait for those that are new."""
        # The first sample tells of every server, or that it does not answer.
        deadline = time.monotonic() + self._config.tmux.timeout + 1.0
        gathered: list[Published] = []
        for name, watched in self._servers.items():
            watched.sweeper.wait_for_first(max(0.0, deadline - time.monotonic()))
            view = watched.sweeper.published
            # A server that was renamed a moment ago may have another one's name still.
            if view is not None and (view.server == name or view.server not in self._servers):
                gathered.append(self._check(view, alive=watched.sweeper.alive))
        keep = self._config.tmux.remember_lost
        gathered += self._lost.recall(self._servers, time.monotonic(), keep)
        if not self._servers and not gathered:
            return [Published(DEFAULT, "no_server", time.monotonic())]
        return gathered

    def _check(self, published: Published, *, alive: bool) -> Published:
        """Replace what a thread that hangs once knew: it is no longer true."""
        if not alive:
            return Published(published.server, "error", published.at, waits=published.waits)
        age = time.monotonic() - max(published.at, self._adopted_at)
        longest = (
            self._config.panes.list_interval + MOST_BACKOFF_SECONDS + 3 * self._config.tmux.timeout
        )
        if age <= longest + _SILENT_SECONDS:
            return published
        return Published(published.server, "timeout", published.at, waits=published.waits)

    def _find_faults(self, published: Sequence[Published]) -> bool:
        """Tell whether an observer failed in what was published since the last sample."""
        before, self._faults = self._faults, {}
        for view in published:
            known, failed = before.get(view.server, (None, False))
            if view is not known:
                counted = known.faults if known else {}
                failed = any(n > counted.get(name, 0) for name, n in view.faults.items())
            self._faults[view.server] = view, failed
        return any(failed for _, failed in self._faults.values())

    def _discover(self, now: float) -> None:
        if now < self._next_discovery:
            return
        settings = self._config.tmux
        self._next_discovery = now + min(1.0, settings.discovery_interval)
        if now >= self._next_search:
            self._next_search = now + settings.discovery_interval
            self._elsewhere = tuple(find_running())
        watched = {w.address.socket for w in self._servers.values() if not w.address.prefix}
        new = [path for path in (*find_sockets(), *self._elsewhere) if str(path) not in watched]
        taken = {*self._servers, *self._lost.find_names({*map(str, new)})}
        for name, path in name_servers(new, taken).items():
            if probe(path) in {"up", "permission"}:
                address = Address((), str(path))
                sweeper = self._make(name, address, self._config)
                sweeper.start()
                self._servers[name] = _Watched(address, sweeper, discovered=True)
        for name, server in list(self._servers.items()):
            if server.discovered and _is_gone(server):
                self._servers.pop(name).sweeper.ask_to_stop()
                self._lost.note(name, server.address.socket or "", server.sweeper.published)

    def _make(self, name: str, address: Address, config: Config) -> Sweeper:
        return Sweeper(
            name,
            _reach(address, config),
            config.panes,
            local=not address.prefix,
            observers=self._observe(config),
            screens=self._find_screens(config),
            watched=self._watched,
            began=self._began,
        )


def _reach(address: Address, config: Config) -> Tmux:
    """Return the command line of a server."""
    return Tmux(config.tmux.binary, address.prefix, address.socket, config.tmux.timeout)


def _is_gone(server: _Watched) -> bool:
    sweeper = server.sweeper
    if probe(Path(server.address.socket or "")) not in {"no_server", "missing"} or sweeper.lives():
        return False
    # Its thread has to notice first: only that knows what was lost.
    view = sweeper.published
    return not sweeper.alive or (view is not None and view.state == "no_server")
