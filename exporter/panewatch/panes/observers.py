"""The observers of one tmux server, kept apart: one that fails disturbs nobody else."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec

import structlog
from prometheus_client import Metric

from panewatch.collector import Reconfigurable
from panewatch.config import Config
from panewatch.panes.model import Follower, Identity, PaneKey, PaneObserver, PaneUpdate

P = ParamSpec("P")

_MOST_LOOKS = 100
_MOST_LINES = 5000
"""What is noted before it is handed on: old text is not to fill the memory."""

_log = structlog.get_logger(__name__)


class Observers:
    """Hands on what a server's thread sees, and gathers what comes of it.

    Looks are handed on together, before anything else is asked: reading and observing by
    turns would drive each other's data out of the processor's cache at every pane.
    ``faults`` counts by observer how often one raised, or yielded what is no family.
    """

    def __init__(self, observers: Sequence[PaneObserver]) -> None:
        self._observers = observers
        self._looks: list[PaneUpdate] = []
        self._lines = 0
        self.faults: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._observers)

    def observe(self, update: PaneUpdate) -> None:
        """Note a look for every observer."""
        self._looks.append(update)
        self._lines += len(update.lines)
        if self._lines > _MOST_LINES or len(self._looks) >= _MOST_LOOKS:
            self.show()

    def forget(self, pane: PaneKey) -> None:
        """Tell every observer that a pane is gone."""
        self.show()
        for observer in self._observers:
            self._guard(observer, observer.forget, pane)

    def move(self, places: Mapping[PaneKey, Identity]) -> None:
        """Tell the observers that want to know which panes stand in other places now."""
        if not places:
            return
        self.show()
        for observer in self._observers:
            if isinstance(observer, Follower):
                self._guard(observer, observer.move, places)

    def reconfigure(self, config: Config) -> None:
        """Hand another configuration to the observers that want to know."""
        self.show()
        for observer in self._observers:
            if isinstance(observer, Reconfigurable):
                self._guard(observer, observer.reconfigure, config)

    def collect(self) -> tuple[Metric, ...]:
        """Return the families of all observers; of one that raises those that came before."""
        self.show()
        families: list[Metric] = []
        for observer in self._observers:
            self._guard(observer, _gather, observer, families)
        return tuple(families)

    def show(self) -> None:
        """Hand on the looks that were noted."""
        looks, self._looks, self._lines = self._looks, [], 0
        for observer in self._observers:
            for look in looks:
                self._guard(observer, observer.observe, look)

    def _guard(
        self, observer: PaneObserver, call: Callable[P, None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        try:
            call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # an observer may fail in any way, alone
            self.faults[observer.name] += 1
            # The message may quote a pane, so only the place is told.
            _log.error(
                "observer failed",
                reason=observer.name, error=type(error).__name__, at=find_place(error),
            )  # fmt: skip


def _gather(observer: PaneObserver, families: list[Metric]) -> None:
    for family in observer.collect():
        if not isinstance(family, Metric):
            raise TypeError("not a metric family")
        families.append(family)


def find_place(error: BaseException) -> str:
    """Return where an error was raised: function and line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{place.name}:{place.lineno}"
