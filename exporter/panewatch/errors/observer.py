"""What the errors of one server's panes add up to: fed by the sweep, read as families."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, count, groupby
from operator import attrgetter
from typing import ClassVar

from prometheus_client import Metric

from panewatch.config import Config
from panewatch.errors.accounts import Accounts
from panewatch.errors.event import Event
from panewatch.errors.incident import Incident, Incidents, Outcome
from panewatch.errors.memory import Memory
from panewatch.errors.recollection import Recollection
from panewatch.errors.rules_in_use import RulesInUse
from panewatch.errors.runs import Verdict, pick_reported
from panewatch.errors.transfer import find_percent, may_show
from panewatch.errors.watched_pane import WatchedPane
from panewatch.panes.model import EndedCommand, Identity, PaneKey, PaneUpdate

VIEWERS = frozenset(
    "less more most man vi vim nvim nano emacs view htop top btop atop nvtop watch tig lazygit"
    " mc ranger nnn fzf".split()
)
"""Programs that show text of others; the alternate screen tells of most of them anyway."""

_RESTS = frozenset(("idle", "finished", "dead"))
"""States of panes in which no sign of progress is waited for."""

_AT_REST = frozenset(("idle", "finished"))
"""States of panes in which nothing runs, and somebody can type."""

_COMPLETE = 100


class ErrorsObserver:
    """Finds the errors of the panes of one tmux server; lives in that server's thread.

    Args:
        rules: The rules in use, shared by all servers.
        config: The whole configuration.
        clock: Wall time, for the moments that are exported.
        memory: Holds what is open over a restart; all servers share it.
    """

    name: ClassVar[str] = "errors"

    def __init__(
        self,
        rules: RulesInUse,
        config: Config,
        clock: Callable[[], float] = time.time,
        memory: Memory | None = None,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._panes: dict[PaneKey, WatchedPane] = {}
        self._accounts = Accounts()
        self._left: dict[Identity, float] = {}
        """Places whose pane moved away, and when that was seen: another may move there."""
        self._numbers = count(1)
        self._recollection = Recollection(memory or Memory(), rules, self._numbers, clock)
        self._now = 0.0
        """The time of the last look at any pane."""
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Go by other settings from the next look on."""
        self._enabled = config.collectors.errors.enabled
        self._quiet_after = config.errors.quiet_after
        self._shells = frozenset(config.panes.shells)
        self._agents = frozenset(chain.from_iterable(config.panes.agents.values()))
        if not self._enabled:
            for key in self._panes:
                self._recollection.forget(key)
            self._panes.clear()
            self._left.clear()
            self._accounts = Accounts()

    def observe(self, update: PaneUpdate) -> None:
        """Take in one look at a pane."""
        if not self._enabled:
            return
        now = update.monotonic
        pane = self._enter(update)
        self._close_left()
        if update.gap:
            self._take(pane, pane.classifier.lose(now), now)
        views = update.command in VIEWERS
        if update.lines:
            self._read(pane, update, views=views)
        if update.state in _AT_REST:
            self._rest(pane, update)
        if pane.incidents.open and pane.incidents.calm(now):
            self._accounts.show(pane.identity, pane.incidents.open.values(), pane.rate)
        self._take(pane, pane.classifier.flush(now), now)
        if update.ended:
            self._judge(pane, pick_reported(update.ended), now)
        self._read_bars(pane, update, quoted=views or update.frame.alternate)
        self._recollection.remember(pane, update)

    def _enter(self, update: PaneUpdate) -> WatchedPane:
        """Return the pane of an update as it is now: its place, its rules, its program."""
        rulebook, now = self._rules.rulebook, update.monotonic
        pane = self._panes.get(update.key)
        new = pane is None
        if pane is None:
            pane = WatchedPane(update.identity, rulebook, Incidents(self._numbers))
            self._panes[update.key] = pane
        elif pane.identity != update.identity:
            self.move({update.key: update.identity})
        account = self._accounts.open(update.identity, rulebook)
        pane.friction.counts = account.friction
        pane.seen = self._now = now
        if new or self._recollection.awaits(update.key):
            gone_on = self._recollection.revive(pane, update, self._quiet_after)
            self._end(pane, gone_on, "quiet", now)
            self._accounts.show(pane.identity, pane.incidents.open.values(), pane.rate)
        if pane.classifier.rulebook is not rulebook:
            pane.classifier.rulebook = rulebook
            self._end(pane, pane.incidents.adopt(rulebook.by_id), "end", now)
            self._accounts.show(pane.identity, pane.incidents.open.values(), pane.rate)
        if update.restarted:
            # What happened to the program before is over.
            self._recollection.forget(update.key)
            self._take(pane, pane.classifier.flush(now, force=True), now)
            self._end(pane, pane.incidents.end(pane.incidents.open.values()), "end", now)
            pane.begin(rulebook)
        return pane

    def _rest(self, pane: WatchedPane, update: PaneUpdate) -> None:
        """Learn from a pane in which nothing runs."""
        frame, now = update.frame, update.monotonic
        if update.command in self._shells and frame.lines and not frame.alternate:
            ended = pane.classifier.rest_at(frame.lines[frame.cursor_line])
            self._end(pane, ended, "success", now)
        if pane.incidents.open:
            # At a prompt where nothing runs a slip is nothing that anybody comes back to.
            passed = pane.incidents.settle(now - self._quiet_after, passing=True)
            self._end(pane, passed, "quiet", now)

    def _read(self, pane: WatchedPane, update: PaneUpdate, *, views: bool) -> None:
        """Read the new lines of a pane."""
        now, alternate = update.monotonic, update.frame.alternate
        agent = update.command in self._agents
        # What was printed before a program took the alternate screen comes with it.
        for drawn, group in groupby(pane.choose_lines(update), attrgetter("redrawn")):
            lines, begin = list(group), pane.classifier.position
            texts = [line.text for line in lines]
            quoted = drawn if alternate else views
            events = pane.classifier.feed(texts, now, quoted=quoted, agent=agent)
            told = {event.line - begin for event in events if event.kind == "error"}
            pane.note_told(lines, told)
            self._take(pane, events, now)
        if pane.incidents.open:
            self._end(pane, pane.incidents.settle(now - self._quiet_after), "quiet", now)

    def move(self, places: Mapping[PaneKey, Identity]) -> None:
        """Follow panes to other places: their open incidents at once, counters where they may.

        A place that has counters keeps them; to a new one a pane takes its own along.
        """
        moved = [(self._panes[key], place) for key, place in places.items() if key in self._panes]
        before = [pane.identity for pane, _ in moved]
        for pane, place in moved:
            pane.identity = place
        taken = {pane.identity for pane in self._panes.values()}
        for (pane, place), old in zip(moved, before, strict=True):
            if old in taken or not self._accounts.move(old, place):
                account = self._accounts.open(place, self._rules.rulebook)
                pane.friction.counts = account.friction
                if old not in taken:
                    self._accounts.leave(old)
                    self._left[old] = self._now
            self._accounts.show(place, pane.incidents.open.values(), pane.rate)

    def forget(self, pane: PaneKey) -> None:
        """Drop a pane that is gone; its open incidents end with it."""
        known = self._panes.pop(pane, None)
        self._recollection.forget(pane)
        if known is not None:
            self._take(known, known.classifier.flush(self._now, force=True), self._now)
            for incident in known.incidents.open.values():
                self._accounts.resolve(incident, "end", self._now)
            self._leave(known.identity)

    def collect(self) -> Iterable[Metric]:
        """Yield the families of this server's panes; the same objects while nothing changes."""
        return self._accounts.collect() if self._enabled else ()

    def _leave(self, identity: Identity) -> None:
        """Note that a pane stands in a place no more; its counters stay for who comes next."""
        there = next((p for p in self._panes.values() if p.identity == identity), None)
        if there is not None:
            self._accounts.show(identity, there.incidents.open.values(), there.rate)
        elif self._panes:
            self._accounts.leave(identity)
            self._left[identity] = self._now
        else:
            self._accounts.close(identity)

    def _has_pane(self, identity: Identity) -> bool:
        return any(pane.identity == identity for pane in self._panes.values())

    def _close_left(self) -> None:
        """Forget places that were left, once every pane was seen elsewhere since."""
        if not self._left:
            return
        seen = min(pane.seen for pane in self._panes.values())
        for identity, since in list(self._left.items()):
            if seen > since:
                del self._left[identity]
                if not self._has_pane(identity):
                    self._accounts.close(identity)

    def _take(self, pane: WatchedPane, events: Sequence[Event], now: float) -> None:
        """Book events of a pane."""
        if not events:
            return
        account = self._accounts[pane.identity]
        for event in events:
            if event.prompt is not None:
                prompt = event.prompt
                pane.runs.begin(prompt.command, prompt.mark, typed=prompt.kind == "shell")
                pane.friction.note_command(prompt.command, now)
                pane.rate = pane.percent = None
            elif event.kind == "unclassified":
                account.unclassified_lines += 1
            elif event.kind == "noise":
                account.noise_lines += 1
            elif event.kind == "error":
                account.error_lines += 1
                pane.friction.note_failure()
                pane.runs.note_error()
            if event.opens and event.incident is not None:
                event.incident.opened_at = self._clock()
                self._accounts.count(pane.identity, event.incident.rule)
            self._note_rule(pane, event)
            self._end(pane, event.ended, "success", now)
        dropped, pane.incidents.dropped = pane.incidents.dropped, []
        self._end(pane, dropped, "dropped", now)
        self._accounts.show(pane.identity, pane.incidents.open.values(), pane.rate)

    def _judge(self, pane: WatchedPane, ended: Sequence[EndedCommand], now: float) -> None:
        """Take in commands whose end the shell reported."""
        if not ended:
            return
        # What stands at the prompt was run, if it ended: it needed no line of its own.
        for held in pane.release({one.line for one in ended}):
            self._take(pane, pane.classifier.feed((held.text,), now), now)
        self._take(pane, pane.classifier.flush(now, force=True), now)
        for verdict in pane.runs.judge(ended, pane.incidents, self._rules.rulebook):
            self._follow(pane, verdict, now)
        session, follows = pane.classifier.session, pane.runs.number
        if session.run != follows:
            session.leave(follows)

    def _follow(self, pane: WatchedPane, verdict: Verdict, now: float) -> None:
        """Act on what the exit status of a command tells."""
        if verdict.mark:
            pane.classifier.session.reporting = verdict.mark
        text = verdict.command.text
        pane.friction.note_status(text, failed=verdict.failed)
        if verdict.rule is not None:
            rule, values, run = verdict.rule, verdict.values, verdict.run
            event = pane.classifier.take_status(rule, values, text, run, now)
            self._take(pane, [event], now)
        self._end(pane, pane.incidents.end(verdict.refuted), "refuted", now)
        self._end(pane, pane.incidents.end(verdict.mended), "success", now)

    def _note_rule(self, pane: WatchedPane, event: Event) -> None:
        rule = event.rule
        if rule is None or event.reason is not None:
            return
        self._rules.count(rule)
        if rule.friction is not None:
            pane.friction.counts[rule.friction] += 1

    def _end(
        self, pane: WatchedPane, ended: Sequence[Incident], outcome: Outcome, now: float
    ) -> None:
        if not ended:
            return
        for incident in ended:
            self._accounts.resolve(incident, outcome, now)
        self._accounts.show(pane.identity, pane.incidents.open.values(), pane.rate)

    def _read_bars(self, pane: WatchedPane, update: PaneUpdate, *, quoted: bool) -> None:
        """Read the bar of a transfer, and notice when a bar stands still for long."""
        lines, cursor, now = update.frame.lines, update.frame.cursor_line, update.monotonic
        shows = not quoted and may_show(lines, cursor)
        still = pane.bar.rests and pane.rate is None and pane.percent is None
        if still and not shows and not pane.friction.waits:
            return
        rate = percent = None
        if not quoted:
            printed = [line.text for line in update.lines]
            rate = pane.bar.look(lines, cursor, printed, now)
            percent = find_percent(lines, cursor)
        if percent is not None and percent != pane.percent:
            pane.friction.note_signal(now)
        pane.percent = percent
        if percent == _COMPLETE or update.state in _RESTS:
            pane.friction.rest()
        if pane.friction.check_gap(now) or rate != pane.rate:
            pane.rate = rate
            self._accounts.show(pane.identity, pane.incidents.open.values(), rate)
