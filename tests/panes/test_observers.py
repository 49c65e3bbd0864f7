"""An observer that fails costs its own part, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest
from prometheus_client import Metric
from structlog.testing import capture_logs

from panes.private_tmux import PrivateTmux, Puppet
from panes.scraping import Scrape, wait_for_first_look
from panes.watching import Witness
from panewatch.config import Config
from panewatch.panes.collector import ObserverFailedError, PanesCollector
from panewatch.panes.model import Frame, Identity, Line, PaneKey, PaneUpdate
from panewatch.panes.observers import Observers
from polling import wait_until
from runner.collectors import gauge

KEY = PaneKey(1, 2, "%3")


def make_look(count: int = 1, monotonic: float = 0.0) -> PaneUpdate:
    return PaneUpdate(
        key=KEY, identity=Identity("default", "main", "0", "0"),
        frame=Frame((), 0, alternate=False), lines=[Line("text")] * count, gap=False,
        command="sh", state="idle", monotonic=monotonic,
    )  # fmt: skip


class Faulty(Witness):
    """Raises where it is told to; ``parts`` names the calls."""

    name: ClassVar[str] = "faulty"

    def __init__(self, *parts: str) -> None:
        super().__init__()
        self.parts = set(parts)

    def _do(self, part: str) -> None:
        if part in self.parts:
            raise ValueError("secret text of a pane")

    def observe(self, update: PaneUpdate) -> None:
        self._do("observe")
        super().observe(update)

    def forget(self, pane: PaneKey) -> None:
        self._do("forget")
        super().forget(pane)

    def collect(self) -> Iterable[Metric]:
        yield gauge("panewatch_before")
        self._do("collect")
        yield gauge("panewatch_after")

    def reconfigure(self, _config: Config) -> None:
        self._do("reconfigure")


class Steady(Witness):
    """Does what it should."""

    name: ClassVar[str] = "steady"

    def __init__(self) -> None:
        super().__init__()
        self.configs: list[Config] = []

    def collect(self) -> Iterable[Metric]:
        yield gauge("panewatch_steady", len(self.updates))

    def reconfigure(self, config: Config) -> None:
        self.configs.append(config)


@contextmanager
def watching(tmux: PrivateTmux, *observers: Witness) -> Iterator[PanesCollector]:
    config = Config.model_validate(
        {
            "panes": {"list_interval": 0.05, "min_interval": 0.02, "busy_interval": 0.05},
            "tmux": {"sockets": [tmux.socket]},
        }
    )
    collector = PanesCollector(config, observe=lambda _: observers)
    collector.start()
    try:
        wait_for_first_look(collector)
        yield collector
    finally:
        collector.stop()


@pytest.mark.parametrize("part", ["observe", "forget", "collect", "reconfigure"])
@pytest.mark.parametrize("first", [True, False])
def test_the_others_are_told_everything(part: str, *, first: bool) -> None:
    faulty, steady = Faulty(part), Steady()
    observers = Observers((faulty, steady) if first else (steady, faulty))
    update = make_look()
    config = Config()
    with capture_logs() as log:
        observers.observe(update)
        observers.forget(KEY)
        observers.reconfigure(config)
        families = {family.name for family in observers.collect()}
    assert steady.updates == [update]
    assert steady.forgotten == [KEY]
    assert steady.configs == [config]
    after = set() if part == "collect" else {"panewatch_after"}
    assert families == {"panewatch_steady", "panewatch_before"} | after
    assert observers.faults == {"faulty": 1}
    (line,) = log
    assert (line["event"], line["reason"], line["error"]) == (
        "observer failed", "faulty", "ValueError",
    )  # fmt: skip
    assert line["at"].startswith("_do:")
    assert "secret" not in str(log)


@pytest.mark.parametrize("part", ["forget", "collect", "reconfigure"])
def test_looks_are_shown_in_their_order_before_anything_else_is_asked(part: str) -> None:
    seen: list[object] = []

    class Noting(Steady):
        def observe(self, update: PaneUpdate) -> None:
            seen.append(update.monotonic)

        def forget(self, _pane: PaneKey) -> None:
            seen.append("forget")

        def collect(self) -> Iterable[Metric]:
            seen.append("collect")
            return ()

        def reconfigure(self, _config: Config) -> None:
            seen.append("reconfigure")

    arguments: dict[str, tuple[object, ...]] = {"forget": (KEY,), "reconfigure": (Config(),)}
    observers = Observers((Noting(),))
    for moment in range(3):
        observers.observe(make_look(monotonic=moment))
    assert not seen
    for _ in range(2):
        getattr(observers, part)(*arguments.get(part, ()))
    assert seen == [0, 1, 2, part, part]


@pytest.mark.parametrize(("looks", "lines"), [(100, 0), (1, 5001), (3, 2000)])
def test_much_text_is_not_kept_until_then(looks: int, lines: int) -> None:
    steady = Steady()
    observers = Observers((steady,))
    for _ in range(looks):
        assert not steady.updates
        observers.observe(make_look(lines))
    assert len(steady.updates) == looks
    observers.observe(make_look())
    assert len(steady.updates) == looks
    observers.collect()
    assert len(steady.updates) == looks + 1


def test_what_is_no_family_is_a_fault_too() -> None:
    class Odd(Witness):
        def collect(self) -> Iterable[Metric]:
            yield gauge("panewatch_good")
            yield "no family"  # type: ignore[misc]

    observers = Observers((Odd(),))
    assert [family.name for family in observers.collect()] == ["panewatch_good"]
    assert observers.faults == {"witness": 1}


def test_panes_go_on_while_an_observer_fails_and_it_shows(tmux: PrivateTmux) -> None:
    puppet = Puppet(tmux)
    faulty, steady = Faulty("observe", "collect"), Steady()
    with watching(tmux, faulty, steady) as collector:
        for number in range(5):
            puppet.print(f"line {number}")
            wait_until(lambda number=number: len(steady.texts(puppet.pane)) == number + 1)  # type: ignore[misc]
        for _ in range(3):
            # Not only the sample in which it happened: as long as it goes on.
            scrape = Scrape(collector)
            assert scrape.raised is ObserverFailedError
            assert scrape.states() == {"tmux.sock": "up"}
            assert scrape.value("pane_lines_total") == 5
            assert scrape.value("steady")
            assert scrape.value("before") == 1
        faulty.parts.clear()
        wait_until(lambda: Scrape(collector).raised is None)
        puppet.print("line 5")
        wait_until(lambda: faulty.texts(puppet.pane) == ["line 5"])
        assert Scrape(collector).raised is None
        assert Scrape(collector).value("after") == 1
    assert steady.gaps(puppet.pane) == 0


def test_a_fault_between_two_samples_shows_in_the_next_one(tmux: PrivateTmux) -> None:
    puppet = Puppet(tmux)
    faulty = Faulty()
    with watching(tmux, faulty) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 1)
        (watched,) = collector._servers.values()
        faulty.parts.add("observe")
        puppet.print("one")
        wait_until(lambda: watched.sweeper.published and watched.sweeper.published.faults)
        faulty.parts.clear()
        view = watched.sweeper.published
        wait_until(lambda: watched.sweeper.published is not view)
        assert Scrape(collector).raised is ObserverFailedError
        wait_until(lambda: Scrape(collector).raised is None)
