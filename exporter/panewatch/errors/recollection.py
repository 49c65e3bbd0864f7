"""Open incidents over a restart: what of a pane is remembered, and how it goes on with that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from panewatch.errors.digest import digest
from panewatch.errors.incident import Incident
from panewatch.errors.kept import KeptKey, keep, revive, show
from panewatch.errors.memory import Memory
from panewatch.errors.rules_in_use import RulesInUse
from panewatch.errors.watched_pane import WatchedPane
from panewatch.panes.model import PaneKey, PaneUpdate


class Recollection:
    """What one server's observer has of the memory that all of them share.

    Args:
        memory: That memory.
        rules: The rules in use.
        numbers: Numbers for the incidents that go on.
        clock: Unix time.
    """

    def __init__(
        self,
        memory: Memory,
        rules: RulesInUse,
        numbers: Iterator[int],
        clock: Callable[[], float],
    ) -> None:
        self._memory = memory
        self._rules = rules
        self._numbers = numbers
        self._clock = clock
        self._servers: dict[PaneKey, str] = {}
        """By which name of its server the memory has a pane."""
        self._awaited: set[PaneKey] = set()

    def awaits(self, key: PaneKey) -> bool:
        """Tell whether it is not known yet what was open in a pane that was seen already."""
        return key in self._awaited

    def revive(
        self, pane: WatchedPane, update: PaneUpdate, quiet_after: float
    ) -> Sequence[Incident]:
        """Open again what was open in a pane when panewatch ended; return what ended since.

        What the pane printed meanwhile is not read, so it neither failed nor recovered in
        that. It has gone on, if it shows something else now. What is open already stays as
        it is.
        """
        key = self._name(update)
        if not self._memory.known:
            self._awaited.add(update.key)
            return ()
        self._awaited.discard(update.key)
        kept, now = self._memory.recall(key), update.monotonic
        if kept is None:
            return ()
        rules = self._rules.rulebook.by_id
        for incident in revive(kept, rules, self._numbers, now, self._clock()):
            if incident.key not in pane.incidents.open:
                pane.incidents.add(incident)
                self._rules.recall(incident.rule)
        gone_on: Sequence[Incident] = ()
        if kept.screen != show(update.frame):
            gone_on = pane.incidents.settle(now - quiet_after)
        # What has no rule any more is not to come back with it.
        self._note(pane, update)
        return gone_on

    def remember(self, pane: WatchedPane, update: PaneUpdate) -> None:
        """Keep what is open in a pane, if that has changed."""
        renamed = self._servers.get(update.key) != update.identity.server
        if renamed:
            self._drop(update.key)
        if pane.has_news(update.monotonic) or renamed:
            self._note(pane, update)

    def forget(self, key: PaneKey) -> None:
        """Keep nothing of a pane any more."""
        self._drop(key)
        self._awaited.discard(key)

    def _note(self, pane: WatchedPane, update: PaneUpdate) -> None:
        key, kept = self._name(update), None
        if pane.incidents.open:
            age = self._clock() - update.monotonic
            run = pane.classifier.session.run
            opened = pane.incidents.open.values()
            kept = keep(key, update.frame, opened, run, age)
        self._memory.note(key, kept)

    def _name(self, update: PaneUpdate) -> KeptKey:
        """Return what the memory has a pane by, and note its server's name for when it is gone."""
        server = update.identity.server
        self._servers[update.key] = server
        return KeptKey(digest(server), update.key)

    def _drop(self, key: PaneKey) -> None:
        server = self._servers.pop(key, None)
        if server is not None:
            self._memory.forget(KeptKey(digest(server), key))
