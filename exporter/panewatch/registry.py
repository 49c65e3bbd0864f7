"""Every collector that there is, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from panewatch import process
from panewatch.diagnose import Finding
from panewatch.errors.diagnose import diagnose as diagnose_rules
from panewatch.errors.memory import Memory
from panewatch.errors.observer import ErrorsObserver
from panewatch.errors.rules_in_use import ErrorsCollector, RulesInUse
from panewatch.experiments.collector import ExperimentsCollector
from panewatch.experiments.diagnose import diagnose as diagnose_experiments
from panewatch.machine.attribution.collector import AttributionCollector
from panewatch.machine.attribution.diagnose import diagnose as diagnose_attribution
from panewatch.machine.gpu.board import GpuBoard
from panewatch.machine.gpu.collector import GpuCollector
from panewatch.machine.gpu.diagnose import diagnose as diagnose_gpu
from panewatch.machine.host.collector import HostCollector
from panewatch.machine.host.diagnose import diagnose as diagnose_host
from panewatch.panes.collector import PanesCollector
from panewatch.panes.diagnose import diagnose as diagnose_panes
from panewatch.panes.noticeboard import Noticeboard
from panewatch.panes.repositories import RepositoriesCollector
from panewatch.panes.repository_diagnose import diagnose as diagnose_repositories
from panewatch.panes.screens.in_use import ScreensInUse
from panewatch.problems import check_all
from panewatch.training.collector import FAMILIES, TrainingCollector
from panewatch.training.diagnose import diagnose as diagnose_training
from panewatch.training.observer import TrainingObserver
from panewatch.training.profiles.collector import ProfilesCollector
from panewatch.training.profiles.diagnose import diagnose as diagnose_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from panewatch.collector import Collector
    from panewatch.config import CollectorSettings, Config
    from panewatch.panes.model import PaneObserver


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
        prepare: Reads the files that the settings name, for `build` and for a collector
            that is handed the settings; raises ProblemsError, and nothing has changed then.
    """

    name: str
    build: Callable[[Config], Collector]
    uses: Callable[[Config], object]
    diagnose: Callable[[Config], Iterable[Finding]]
    prepare: Callable[[Config], None] = lambda _: None

    def settings(self, config: Config) -> CollectorSettings:
        """Give the settings that every collector has."""
        settings: CollectorSettings = getattr(config.collectors, self.name)
        return settings


def list_collectors(watched: Callable[[], bool] = lambda: True) -> tuple[Entry, ...]:
    """Return every collector that there is, in the order of the exposition.

    What several of them share is made anew by each call: one exporter takes one list.
    ``watched`` tells whether somebody may look at what they show within a moment.
    """
    rules, memory, screens, board = RulesInUse(), Memory(), ScreensInUse(), Noticeboard()

    def observe(config: Config) -> tuple[PaneObserver, ...]:
        if config.collectors.errors.enabled:
            memory.open(config.errors)
        return ErrorsObserver(rules, config, memory=memory), TrainingObserver(config)

    gpus = GpuBoard()
    return (
        Entry(
            name="panes",
            build=lambda config: PanesCollector(
                config,
                observe=observe,
                find_screens=screens.find,
                board=board,
                elsewhere=FAMILIES,
                watched=watched,
            ),
            uses=lambda config: (
                config.tmux,
                config.panes,
                config.errors,
                config.training,
                config.collectors.errors.enabled,
                # Packs may have changed where the settings that name them have not.
                config.panes.screens.packs and object(),
            ),
            diagnose=diagnose_panes,
            prepare=screens.prepare,
        ),
        Entry(
            name="errors",
            build=lambda config: ErrorsCollector(rules, memory, config.errors),
            # Packs may have changed where the settings that name them have not.
            uses=lambda _: object(),
            diagnose=diagnose_rules,
            prepare=rules.prepare,
        ),
        Entry(
            name="training",
            build=lambda config: TrainingCollector(config, board),
            uses=lambda config: config.training,
            diagnose=diagnose_training,
        ),
        Entry(
            name="profiles",
            build=ProfilesCollector,
            uses=lambda config: config.training,
            diagnose=diagnose_profiles,
        ),
        Entry(
            name="repositories",
            build=lambda config: RepositoriesCollector(config, board),
            uses=lambda config: config.repositories,
            diagnose=diagnose_repositories,
        ),
        Entry(
            name="gpu",
            build=lambda config: GpuCollector(config, gpus),
            uses=lambda config: config.gpu,
            diagnose=diagnose_gpu,
        ),
        Entry(
            name="attribution",
            build=lambda _: AttributionCollector(board, gpus),
            uses=lambda _: None,
            diagnose=lambda _: diagnose_attribution(),
        ),
        Entry(
            name="host",
            build=HostCollector,
            uses=lambda config: config.host,
            diagnose=diagnose_host,
        ),
        Entry(
            name="experiments",
            build=ExperimentsCollector,
            uses=lambda config: (config.experiments, config.collectors.experiments.timeout),
            diagnose=diagnose_experiments,
        ),
        Entry(
            name="process",
            build=lambda _: process.OwnProcessCollector(),
            uses=lambda _: None,
            diagnose=lambda _: process.diagnose(),
        ),
    )


def prepare(config: Config, entries: Iterable[Entry]) -> None:
    """Have every enabled collector read what its settings name, before anything changes.

    Raises:
        ProblemsError: with what is wrong in any of them.
    """
    enabled = [entry for entry in entries if entry.settings(config).enabled]
    check_all(partial(entry.prepare, config) for entry in enabled)


def diagnose(config: Config, entries: Iterable[Entry]) -> Iterator[Finding]:
    """Read the sources of every collector that is enabled; an error is a finding too."""
    for entry in entries:
        if not entry.settings(config).enabled:
            continue
        try:
            yield from entry.diagnose(config)
        except Exception as error:  # noqa: BLE001 - one source must not hide the others
            yield Finding(entry.name, ok=False, detail=f"failed: {type(error).__name__}")
