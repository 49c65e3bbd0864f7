"""Open incidents over a restart: what of a pane is remembered, and how it goes on with that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from panewatch.errors.incident import Incident
from panewatch.errors.kept import keep, revive, show
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

    def revive(
        self, pane: WatchedPane, update: PaneUpdate, quiet_after: float
    ) -> Sequence[Incident]:
        """Open again what was open in a pane when panewatch ended; return what ended since.

        What the pane printed meanwhile is not read, so it neither failed nor recovered in
        that. It has gone on, if it shows something else now.
        """
        kept, now = self._memory.recall(update.key), update.monotonic
        if kept is None:
            return ()
        rules = self._rules.rulebook.by_id
        for incident in revive(kept, rules, self._numbers, now, self._clock()):
            pane.incidents.add(incident)
            self._rules.recall(incident.rule)
        if kept.screen == show(update.frame):
            return ()
        return pane.incidents.settle(now - quiet_after)

    def remember(self, pane: WatchedPane, update: PaneUpdate) -> None:
        """Keep what is open in a pane, if that has changed."""
        if not pane.has_news(update.monotonic):
            return
        kept = None
        if pane.incidents.open:
            age = self._clock() - update.monotonic
            run = pane.classifier.session.run
            opened = pane.incidents.open.values()
            kept = keep(update.key, update.frame, opened, run, age)
        self._memory.note(update.key, kept)

    def forget(self, key: PaneKey) -> None:
        """Keep nothing of a pane any more."""
        self._memory.note(key, None)
