"""One tmux server, watched in a thread of its own.

A server that hangs or is far away delays only its own panes. What the thread knows is
published as one immutable object after each sweep; nothing else is shared.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from panewatch.config import Config, PanesSettings
from panewatch.panes.listing import Listing, list_panes, parse_listing, plan_listing
from panewatch.panes.local_processes import COSTLY_SHARE, LocalProcesses
from panewatch.panes.look import Look, Looks
from panewatch.panes.loss import Loss, find_loss
from panewatch.panes.model import PaneObserver
from panewatch.panes.observers import Observers, find_place
from panewatch.panes.outage import Outages, runs
from panewatch.panes.published import Published
from panewatch.panes.roster import Roster
from panewatch.panes.rounds import Rounds
from panewatch.panes.sight import Blind, ScreenReader
from panewatch.panes.sweep import Reader
from panewatch.panes.switches import Switches, calls_for_person
from panewatch.panes.thread import ServerThread
from panewatch.panes.tmux import Tmux, TmuxError
from panewatch.panes.wake import WakeWatch

_log = structlog.get_logger(__name__)

_NEVER = 1e12
_WAKE_SECONDS = 0.1
_UNWATCHED_SECONDS = 10.0
"""How old what is published may become while nobody is expected to look."""


class _Order(NamedTuple):
    """What a server's thread is to go by from its next sweep on."""

    name: str
    tmux: Tmux
    config: Config
    screens: ScreenReader | None


class Sweeper:
    """Watches one server.

    Args:
        name: The ``server`` label.
        tmux: Its command line.
        settings: How panes are read.
        local: Whether the server's processes run on this machine.
        observers: Fed with every look at every pane, in this thread.
        screens: Tells what the panes' screens say.
        watched: Tells whether somebody may look at what is published within a moment.
        began: Wall time at which panewatch started.
    """

    def __init__(
        self,
        name: str,
        tmux: Tmux,
        settings: PanesSettings,
        *,
        local: bool,
        observers: Sequence[PaneObserver] = (),
        screens: ScreenReader | None = None,
        watched: Callable[[], bool] = lambda: True,
        began: float,
    ) -> None:
        self._name = name
        self._tmux = tmux
        self._settings = settings
        self._local = local
        self._observers = Observers(observers)
        self._reader = Reader(tmux, settings.line_length)
        self._rounds = Rounds(self._reader, settings, self._observers)
        self._roster = Roster(name, settings, screens or Blind(), began)
        self._switches = Switches()
        self._processes = LocalProcesses(settings, local=local)
        self._wake = WakeWatch(None)
        self._watched = watched
        self._server_pid: int | None = None
        self._lists = 0
        self._outages = Outages()
        self._loss: Loss | None = None
        self._next_list = self._next_full = self._next_due = 0.0
        self._order: _Order | None = None
        self._thread = ServerThread(f"tmux-{name}", self._run, self._rest)
        self.published: Published | None = None
        """What was known after the last sweep; None before the first one ended."""
        self._first = threading.Event()

    def start(self) -> None:
        """Begin to watch.

        Raises:
            RuntimeError: the system has no thread left.
        """
        self._thread.start()

    def wait_for_first(self, timeout: float) -> None:
        """Wait until the first sweep has ended, at most ``timeout`` seconds."""
        self._first.wait(timeout)

    @property
    def alive(self) -> bool:
        """Whether the thread runs: if not, nothing that was published is true any more."""
        return self._thread.alive

    def reconfigure(
        self, name: str, tmux: Tmux, config: Config, screens: ScreenReader | None = None
    ) -> None:
        """Go by other settings as soon as a sweep in progress has ended. From any thread.

        ``name`` and ``tmux`` lead to the same server as before. All that is known of its
        panes stays, and so does what reads their screens where no other is given.
        """
        self._order = _Order(name, tmux, config, screens)
        self._thread.wake()

    def ask_to_stop(self) -> None:
        """Let the thread end; a tmux call that it may be in is ended."""
        self._thread.ask_to_stop()
        self._tmux.close()

    def stop(self, timeout: float) -> bool:
        """End the thread, and tell whether it did within ``timeout`` seconds."""
        self.ask_to_stop()
        return self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self.adopt()
            self.sweep()
        except TmuxError as error:
            if not self._thread.stopping:
                self._fail(error)
        except Exception as error:  # noqa: BLE001  # a fault of ours ends no thread
            # The message may quote a pane, so only the place is told.
            self._fail(TmuxError("error", f"{type(error).__name__} at {find_place(error)}"))

    def _rest(self, now: float) -> float:
        if self._processes.is_due(now):
            self._follow_commands(listed=False)
        until = min(self._next_list, self._next_due)
        if now >= until or self._wake.bursts(now):
            return 0.0
        return min(_WAKE_SECONDS, until - now) if self._wake.watches else until - now

    def adopt(self) -> None:
        """Go by the settings that were given last, where that was not done yet."""
        order, self._order = self._order, None
        if order is None:
            return
        settings, now = order.config.panes, time.monotonic()
        self._name, self._tmux, self._settings = order.name, order.tmux, settings
        if self._thread.stopping:
            self._tmux.close()
        reader = Reader(self._tmux, settings.line_length)
        reader.calls = self._reader.calls
        self._reader = reader
        self._rounds.adopt(reader, settings)
        self._roster.adopt(order.name, settings, order.screens, now)
        self._processes.adopt(settings)
        self._observers.reconfigure(order.config)
        self._next_list = self._next_full = now

    def sweep(self) -> None:
        """List panes when that is due, read those that changed, publish.

        Raises:
            TmuxError: the server does not answer.
        """
        begin = time.monotonic()
        self._note_watched()
        woken: set[str] = set()
        bursts = self._wake.bursts(begin)
        if bursts or begin >= self._next_list:
            woken = self._list(begin)
            self._outages.end(self._name, len(self._roster.panes) + self._roster.dropped)
        panes = self._roster.panes
        self._rounds.read_due(
            panes.values(),
            (panes[pane_id] for pane_id in woken),
            bursts=bursts,
            tells=self._wake.tells,
        )
        self._next_due = min((pane.pace.due for pane in panes.values()), default=_NEVER)
        if self._rounds.news:
            self._rounds.news = False
            self._next_list = self._next_full = begin
        self._processes.measure(panes.values(), watched=self._rounds.watched)
        self._observers.show()
        self._publish(time.monotonic() - begin)

    def _list(self, now: float) -> set[str]:
        """List the panes and return the ids of those that changed since their last read."""
        wall = time.time()
        full = now >= self._next_full
        # Before any pane is read: what is known to have ended has printed by then.
        self._follow_commands(listed=True)
        listing, looks = self._list_and_read(now, full=full)
        if not full and self._roster.lacks(listing):
            self._lists += 1
            listing, full = list_panes(self._tmux, full=True), True
        if listing.server != self._roster.server:
            looks = {}
            # Another one has taken its place already.
            self._note_loss(now)
        self._loss = None
        if full:
            gone, moved = self._roster.update(listing, local=self._local, now=now, wall=wall)
            for key in gone:
                self._observers.forget(key)
            self._observers.move(moved)
            self._switches.note(listing, self._calls)
            self._processes.choose(self._roster.panes.values())
            spent = time.monotonic() - now
            self._next_full = now + max(self._settings.list_interval, spent * COSTLY_SHARE)
        if self._local and not (self._wake.watches and listing.server.pid == self._server_pid):
            self._wake = WakeWatch(listing.server.pid)
        self._server_pid = listing.server.pid
        self._wake.restart(now)
        fastest = min((p.pace.interval for p in self._roster.panes.values()), default=60.0)
        least = max(fastest, self._settings.min_interval)
        self._next_list = now + min(self._settings.list_interval, least)
        woken = self._rounds.notice(self._roster.panes.values(), listing)
        for pane_id, look in looks.items():
            pane = self._roster.panes.get(pane_id)
            # A look that is not enough is taken again with the others that woke.
            if pane is not None and isinstance(look, Look):
                woken.add(pane_id)
                if self._rounds.take(pane, look, whole=False):
                    woken.discard(pane_id)
        return woken

    def _calls(self) -> bool:
        """Tell whether a pane calls for a person."""
        panes = self._roster.panes.values()
        return any(calls_for_person(pane.state, pane.facts) for pane in panes)

    def _follow_commands(self, *, listed: bool) -> None:
        due = self._processes.follow(self._name, self._roster.panes, listed=listed)
        self._next_due = min(self._next_due, due)

    def _list_and_read(self, now: float, *, full: bool) -> tuple[Listing, Looks]:
        """List the panes, and read those that print all the time in the same call."""
        soon = now + self._settings.list_interval / 4
        busy = [pane for pane in self._roster.panes.values() if pane.pace.due <= soon]
        requests = [self._rounds.request(pane, now) for pane in busy]
        before = self._reader.calls
        text, looks = self._reader.read_beside(plan_listing(full=full), requests)
        # One call that does both counts as a capture, unless it captured nothing.
        self._lists += self._reader.calls == before
        return parse_listing(text, full=full), looks

    def lives(self) -> bool:
        """Tell whether the server that was last listed still runs on this machine."""
        return self._local and runs(self._server_pid)

    def _fail(self, error: TmuxError) -> None:
        now = time.monotonic()
        reason, pause = self._outages.begin(self._name, error, lives=self.lives())
        self._next_list = self._next_full = self._next_due = now + pause
        if reason == "no_server":
            self._server_pid = None
            self._processes.choose(())
            self._note_loss(now)
            for key in self._roster.clear(now):
                self._observers.forget(key)
        self._wake = WakeWatch(None)
        self._publish(None, reason)

    def _note_loss(self, now: float) -> None:
        """Note what the server that was listed last took along, where that is anything."""
        roster = self._roster
        panes = roster.panes.values()
        loss = find_loss(roster.server, panes, roster.dropped, now, time.time())
        if loss is not None:
            self._loss = loss
            _log.warning("tmux server lost", server=self._name, panes=loss.panes)

    def _publish(self, sweep_seconds: float | None, state: str = "up") -> None:
        now, wall = time.monotonic(), time.time()
        panes = self._roster.panes.values()
        for pane in panes:
            pane.advance(now, wall, readable=state == "up")
        if not self._is_due(state, now):
            return
        self.published = Published(
            server=self._name,
            state=state,
            at=now,
            panes=tuple(pane.view() for pane in panes),
            dropped=self._roster.dropped,
            vanished=self._rounds.vanished,
            waits=self._roster.waits.sample(self._name),
            calls={"list": self._lists, "capture": self._reader.calls},
            failures=dict(self._outages.failures),
            sweep_seconds=sweep_seconds,
            families=(
                *self._observers.collect(),
                *self._switches.collect(self._name),
                *self._processes.collect(self._name),
            ),
            faults=dict(self._observers.faults),
            local=self._local,
            loss=self._loss,
        )
        self._first.set()

    def _is_due(self, state: str, now: float) -> bool:
        """Tell whether to publish: what nobody looks at may be a few seconds old."""
        last = self.published
        if last is None or state != last.state or now >= last.at + _UNWATCHED_SECONDS:
            return True
        return self._rounds.watched

    def _note_watched(self) -> None:
        """Find out whether anybody will look; if so, what was put off is due."""
        watched = self._watched()
        if watched and not self._rounds.watched:
            for pane in self._roster.panes.values():
                pane.pace.hasten()
        self._rounds.watched = watched
