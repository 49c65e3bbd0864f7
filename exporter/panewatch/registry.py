"""Every collector that there is, in the order of the exposition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from panewatch import process
from panewatch.diagnose import Finding
from panewatch.panes.collector import PanesCollector
from panewatch.panes.diagnose import diagnose as diagnose_panes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from panewatch.collector import Collector
    from panewatch.config import CollectorSettings, Config


@dataclass(frozen=True)
class Entry:
    """One collector.

    Attributes:
        name: Its label value, its key in the settings and its flag.
        build: Makes it; does nothing else yet.
        uses: The settings that it is made from. While they stay equal, a reload of the
            configuration leaves the collector alone; others are handed over to one that is
            `Reconfigurable`, and end any other for a new one.
        diagnose: Reads its sources once and tells what came of it.
    """

    name: str
    build: Callable[[Config], Collector]
    uses: Callable[[Config], object]
    diagnose: Callable[[Config], Iterable[Finding]]

    def settings(self, config: Config) -> CollectorSettings:
        """Give the settings that every collector has."""
        settings: CollectorSettings = getattr(config.collectors, self.name)
        return settings


COLLECTORS: Final[tuple[Entry, ...]] = (
    Entry(
        name="panes",
        build=PanesCollector,
        uses=lambda config: (config.tmux, config.panes),
        diagnose=diagnose_panes,
    ),
    Entry(
        name="process",
        build=lambda _: process.OwnProcessCollector(),
        uses=lambda _: None,
        diagnose=lambda _: process.diagnose(),
    ),
)


def diagnose(config: Config, entries: Iterable[Entry] = COLLECTORS) -> Iterator[Finding]:
    """Read the sources of every collector that is enabled; an error is a finding too."""
    for entry in entries:
        if not entry.settings(config).enabled:
            continue
        try:
            yield from entry.diagnose(config)
        except Exception as error:  # noqa: BLE001 - one source must not hide the others
            yield Finding(entry.name, ok=False, detail=f"failed: {type(error).__name__}")
