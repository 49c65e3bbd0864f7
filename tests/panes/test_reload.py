"""A reload while panes print: no line is lost or read twice, and no figure starts anew."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client import Metric

from panes.private_tmux import PrivateTmux, Puppet
from panes.scraping import Scrape, collecting
from panes.watching import EAGER, Watch, Witness
from panewatch.config import Config, PanesSettings
from panewatch.panes.collector import PanesCollector
from panewatch.panes.discovery import find_running
from panewatch.panes.sweeper import Sweeper
from panewatch.panes.thread import ServerThread
from panewatch.panes.tmux import Tmux
from polling import wait_until
from runner.programs import PANEWATCH, Exporter, metric

COUNTING = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.002; done"
QUICK = {"list_interval": 0.05, "min_interval": 0.02, "busy_interval": 0.05}
SLOW = {"list_interval": 60, "busy_interval": 60, "max_interval": 60}


def configure(panes: Mapping[str, object] | None = None, **tmux: object) -> Config:
    return Config.model_validate({"panes": {**QUICK, **(panes or {})}, "tmux": tmux})


@contextmanager
def watching(config: Config, witness: Witness) -> Iterator[PanesCollector]:
    """Run a collector whose servers all feed one witness."""
    collector = PanesCollector(config, observe=lambda _: (witness,))
    collector.start()
    try:
        yield collector
    finally:
        collector.stop()


def follow(collector: PanesCollector, config: Config) -> Scrape:
    """Reload, and scrape until it shows."""
    collector.reconfigure(config)
    wait_until(lambda: Scrape(collector).samples and collector._config is config)
    return Scrape(collector)


def test_every_line_once_whatever_is_reloaded(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    server = {"name": "mine", "socket": tmux.socket}
    path = tmux.folder / "wrapped"
    path.write_text('#!/bin/sh\nexec tmux "$@"\n')
    path.chmod(0o755)
    reloads: list[Config] = [
        configure({"stalled_after": 7}, sockets=[tmux.socket]),
        configure({"line_length": 100}, sockets=[tmux.socket]),
        configure({"line_length": 9999, "max_interval": 5}, sockets=[tmux.socket]),
        configure(sockets=[tmux.socket], timeout=9),
        configure(sockets=[tmux.socket], binary=str(path)),
        configure(servers=[server], sockets=["other"]),
        configure({"list_interval": 0.1}, servers=[server], sockets=["other", "third"]),
        configure(sockets=[tmux.socket]),
    ]
    witness = Witness()
    with watching(configure(sockets=[tmux.socket]), witness) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 1)
        pane = tmux.open(COUNTING)
        lines = 0.0
        seconds = 0.0
        for config in reloads:
            collector.reconfigure(config)
            name = config.tmux.servers[0].name if config.tmux.servers else "tmux.sock"
            before = len(witness.texts(pane))
            wait_until(lambda before=before: len(witness.texts(pane)) > before + 100)  # type: ignore[misc]
            where = {"server": name, "window": "1"}
            found = wait_until(
                lambda where=where: Scrape(collector).values("pane_lines_total", **where)  # type: ignore[misc]
            )[0]
            assert found >= lines
            lines = found
            scrape = Scrape(collector)
            assert scrape.value("pane_gaps_total", **where) == 0
            working = scrape.value("pane_state_seconds_total", state="working", **where)
            assert working is not None
            assert working > seconds
            seconds = working
            assert [state for state in scrape.states().values() if state == "up"] == ["up"]
        assert "mine" not in Scrape(collector).states()
        texts = witness.texts(pane)
    assert texts == [str(n) for n in range(1, 1 + len(texts))]
    assert witness.gaps(pane) == 0
    assert witness.forgotten == []
    assert len(texts) >= 800


def test_what_takes_long_to_find_out_is_kept(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    quick = {"working_for": 0.3, "stalled_after": 0.6}
    with watching(configure(quick, sockets=[tmux.socket]), Witness()) as collector:
        wait_until(lambda: Scrape(collector).value("pane_state", state="stalled") == 1)
        counted = "pane_captures_total"
        before = Scrape(collector).value(counted) or 0
        states = set()
        for number in range(5):
            settings = quick | {"max_interval": 50 + number}
            scrape = follow(collector, configure(settings, sockets=[tmux.socket]))
            states |= set(scrape.panes().values())
            captures = scrape.value(counted) or 0
            assert captures >= before
            before = captures
        assert states == {"stalled"}
        # A longer limit holds at once, for the same silence.
        longer = configure({"working_for": 0.3, "stalled_after": 600}, sockets=[tmux.socket])
        collector.reconfigure(longer)
        wait_until(lambda: Scrape(collector).value("pane_state", state="working") == 1)


def test_a_server_that_left_is_not_watched_and_a_new_one_is(tmux: PrivateTmux) -> None:
    (tmux.folder / "b").mkdir()
    other = PrivateTmux(tmux.folder / "b")
    other.socket = str(tmux.folder / "b" / "other")
    tmux.start("sleep 1000")
    other.start("sleep 1000")
    try:
        with watching(configure(sockets=[tmux.socket]), Witness()) as collector:
            wait_until(lambda: Scrape(collector).states() == {"tmux.sock": "up"})
            scrape = follow(collector, configure(sockets=[other.socket]))
            assert scrape.states() == {"other": "up"}
            wait_until(lambda: count_threads("tmux-tmux.sock") == 0)
            assert count_threads("tmux-other") == 1
    finally:
        other.kill()


def count_threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def test_servers_that_swap_their_names_show_each_once(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmux.folder / "b").mkdir()
    other = PrivateTmux(tmux.folder / "b")
    other.socket = str(tmux.folder / "b" / "other")
    tmux.start("sleep 1000", session="first")
    other.start("sleep 1000", session="second")

    def named(first: str, second: str) -> Config:
        servers = [{"name": first, "socket": tmux.socket}, {"name": second, "socket": other.socket}]
        return configure(SLOW, servers=servers, sockets=["none"])

    try:
        with watching(named("a", "b"), Witness()) as collector:
            before = wait_until(lambda: homes(Scrape(collector)))
            assert before == {("a", "first"), ("b", "second")}
            # One goes over before the other does.
            with monkeypatch.context() as patched:
                patched.setattr(ServerThread, "wake", lambda _: None)
                collector.reconfigure(named("b", "a"))
                assert homes(Scrape(collector)) == set()
            first, second = (collector._servers[name].sweeper for name in ("b", "a"))
            first._thread.wake()
            wait_until(lambda: homes(Scrape(collector)) == {("b", "first")})
            second._thread.wake()
            wait_until(lambda: homes(Scrape(collector)) == {("b", "first"), ("a", "second")})
    finally:
        other.kill()


def homes(scrape: Scrape) -> set[tuple[str, str]]:
    return {
        (labels["server"], labels["session"])
        for name, labels, _ in scrape.samples
        if name == "panewatch_pane_info"
    }


def test_discovered_servers_stay_when_they_are_named_and_back(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmux.folder))
    monkeypatch.setattr(
        "panewatch.panes.collector.find_running",
        lambda: (path for path in find_running() if tmux.folder in path.parents),
    )
    (tmux.folder / f"tmux-{os.getuid()}").mkdir(mode=0o700)
    puppet = Puppet(tmux)
    witness = Witness()
    mine = [{"name": "mine", "socket": tmux.socket}]
    plans: list[tuple[dict[str, Any], str]] = [
        ({"servers": mine}, "mine"),
        ({}, "tmux.sock"),
        ({"sockets": [tmux.socket]}, "tmux.sock"),
        ({"servers": mine, "sockets": ["none"]}, "mine"),
        ({}, "tmux.sock"),
        ({"servers": [{"name": "tmux.sock", "prefix": ["false"]}]}, "tmux.sock-"),
    ]
    with watching(configure(discovery_interval=0.1), witness) as collector:
        wait_until(lambda: Scrape(collector).states() == {"tmux.sock": "up"})
        for number, (settings, name) in enumerate(plans):
            collector.reconfigure(configure(discovery_interval=0.1, **settings))
            puppet.print(str(number))
            wait_until(lambda number=number: len(witness.texts(puppet.pane)) == number + 1)  # type: ignore[misc]
            found = wait_until(
                lambda name=name: [  # type: ignore[misc]
                    server
                    for server, state in Scrape(collector).states().items()
                    if state == "up" and server.startswith(name)
                ]
            )
            assert len(found) == 1
            assert Scrape(collector).value("pane_lines_total", server=found[0]) == number + 1
    assert witness.texts(puppet.pane) == [str(number) for number in range(len(plans))]
    assert witness.forgotten == []


def test_without_a_thread_for_a_new_server_all_stays_as_it_was(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    puppet = Puppet(tmux)
    witness = Witness()
    with watching(configure(sockets=[tmux.socket]), witness) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 1)

        def refuse(_sweeper: Sweeper) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(Sweeper, "start", refuse)
            collector.reconfigure(configure(sockets=[tmux.socket, "more"], timeout=7))
            families: list[Metric] = []
            with pytest.raises(RuntimeError):
                families.extend(collector.collect())
            assert any(family.name == "panewatch_pane_state" for family in families)
            puppet.print("still watched")
            wait_until(lambda: witness.texts(puppet.pane) == ["still watched"])
        # It is tried again with each sample.
        assert Scrape(collector).states() == {"tmux.sock": "up", "more": "no_server"}


def test_a_longer_line_length_reads_no_line_twice(tmux: PrivateTmux) -> None:
    puppet = Puppet(tmux)
    watch = Watch(tmux, EAGER.model_copy(update={"line_length": 100}))
    wide = "".join(str(n % 10) for n in range(250))
    puppet.print(*(f"{n} {wide}" for n in range(50)))
    watch.look()
    assert watch.view(puppet.pane).truncated == 50
    lengths = [120, 500, 90, 130, 4000]
    for number, length in enumerate(lengths):
        adopt(watch, tmux, EAGER.model_copy(update={"line_length": length}))
        puppet.print(f"before {number} {wide}")
        watch.look()
        puppet.print(f"after {number} {wide}")
        watch.look()
    assert watch.view(puppet.pane).gaps == 0
    texts = watch.witness.texts(puppet.pane)
    assert len(texts) == watch.view(puppet.pane).lines == 50 + 2 * len(lengths)
    assert [len(text) for text in texts if text.startswith("after")] == [
        min(length, len(f"after 0 {wide}")) for length in lengths
    ]


def test_a_cap_that_is_lowered_is_told_to_observers(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    panes = [tmux.open("sleep 1000") for _ in range(3)]
    watch = Watch(tmux)
    watch.look()
    adopt(watch, tmux, EAGER.model_copy(update={"max_panes": 2}))
    watch.look()
    assert watch.sweeper.published is not None
    assert watch.sweeper.published.dropped == 2
    assert [key.pane_id for key in watch.witness.forgotten] == panes[1:]
    adopt(watch, tmux, EAGER.model_copy(update={"max_panes": 9}))
    watch.look()
    assert len(watch.sweeper.published.panes) == 4


def adopt(watch: Watch, tmux: PrivateTmux, settings: PanesSettings) -> None:
    config = Config(panes=settings)
    watch.sweeper.reconfigure("test", Tmux("tmux", (), tmux.socket, 5.0), config)
    watch.sweeper.adopt()


def test_a_missing_program_that_is_put_right_is_used_at_once(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    settings: dict[str, Any] = {"sockets": [tmux.socket]}
    with collecting(tmux=settings | {"binary": "/nonexistent/tmux"}) as collector:
        failures = "tmux_call_failures_total"
        # By now it waits for 4 s.
        wait_until(lambda: (Scrape(collector).value(failures, reason="binary") or 0) >= 3)
        collector.reconfigure(configure(**settings))
        wait_until(lambda: Scrape(collector).states() == {"tmux.sock": "up"}, timeout=2.0)
        assert (Scrape(collector).value(failures, reason="binary") or 0) >= 3


def test_counts_never_fall_between_two_scrapes(tmux: PrivateTmux) -> None:
    tmux.start(COUNTING)
    counts: list[dict[str, float]] = []
    with watching(configure(sockets=[tmux.socket]), Witness()) as collector:
        wait_until(lambda: (Scrape(collector).value("pane_lines_total") or 0) > 10)
        for number in range(5):
            settings = {"max_panes": 10 + number}
            collector.reconfigure(configure(settings, sockets=[tmux.socket], timeout=3 + number))
            lines = Scrape(collector).value("pane_lines_total") or 0

            def note(lines: float = lines) -> bool:
                scrape = Scrape(collector)
                counts.append(
                    {
                        f"{name}{sorted(labels.items())}": value
                        for name, labels, value in scrape.samples
                        if name.endswith("_total")
                    }
                )
                return (scrape.value("pane_lines_total") or 0) > lines + 100

            wait_until(note)
    for before, after in pairwise(counts):
        assert before.keys() <= after.keys()
        assert all(after[name] >= value for name, value in before.items())


def test_a_thread_that_sleeps_long_is_not_said_to_hang(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux.start("sleep 1000")
    with watching(configure(SLOW, sockets=[tmux.socket]), Witness()) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 1)
        (watched,) = collector._servers.values()
        published = watched.sweeper.published
        assert published is not None
        watched.sweeper.published = replace(published, at=published.at - 55)
        assert Scrape(collector).states() == {"tmux.sock": "up"}
        monkeypatch.setattr(ServerThread, "wake", lambda _: None)
        collector.reconfigure(configure(sockets=[tmux.socket]))
        assert Scrape(collector).states() == {"tmux.sock": "up"}


def test_an_observer_hears_of_the_configuration_in_its_own_thread(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    heard: list[tuple[str, int]] = []

    class Curious(Witness):
        name = "curious"

        def reconfigure(self, config: Config) -> None:
            heard.append((threading.current_thread().name, config.panes.max_panes))

    with watching(configure(sockets=[tmux.socket]), Curious()) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 1)
        collector.reconfigure(configure({"max_panes": 77}, sockets=[tmux.socket]))
        wait_until(lambda: Scrape(collector).samples and heard)
    assert heard == [("tmux-tmux.sock", 77)]


def test_names_of_sockets_lead_where_tmux_looks(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmux.folder))
    folder = tmux.folder / f"tmux-{os.getuid()}"
    folder.mkdir(mode=0o700)
    named = PrivateTmux(folder)
    named.socket = str(folder / "named")
    named.start("sleep 1000")
    try:
        server = {"name": "mine", "socket": "named"}
        with collecting(tmux={"servers": [server], "sockets": ["none"]}) as collector:
            assert Scrape(collector).states() == {"mine": "up", "none": "no_server"}
    finally:
        named.kill()


SERVED = """\
web: {listen_address: "127.0.0.1:0"}
collectors: {panes: {interval: 20ms}}
panes: {list_interval: 50ms, min_interval: 20ms, stalled_after: %s}
tmux: %s
"""


def count_reloads(exporter: Exporter) -> int:
    return exporter.log.count('event="configuration reloaded"')


def test_sighups_while_a_pane_prints_lose_no_line(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    file = tmux.folder / "panewatch.yml"
    sockets = f"{{sockets: [{tmux.socket}], timeout: %ds}}"
    file.write_text(SERVED % ("5m", sockets % 2))
    exporter = Exporter((*PANEWATCH, f"--config.file={file}"), tmux.folder)
    try:
        port = exporter.find_port()
        place = '{pane="0",server="tmux.sock",session="main",window="%d"}'
        wait_until(lambda: metric(port, f"panewatch_pane_captures_total{place % 0}"))
        over = tmux.folder / "over"
        tmux.open(
            f"i=0; until [ -e {over} ]; do i=$((i+1)); echo $i; sleep 0.005; done;"
            f" echo $i > {over}.last; sleep 1000"
        )
        series = f"panewatch_pane_lines_total{place % 1}"
        wait_until(lambda: metric(port, series))
        counts: list[float] = []

        def count() -> float:
            counts.append(metric(port, series) or -1.0)
            return counts[-1]

        for number in range(3, 7):
            before = count()
            file.write_text(SERVED % (f"{number}m", sockets % number))
            exporter.signal(signal.SIGHUP)
            wait_until(lambda number=number: count_reloads(exporter) == number - 2, 60)  # type: ignore[misc]
            wait_until(lambda before=before: count() > before)  # type: ignore[misc]
        over.touch()
        told = over.with_suffix(".last")
        last = int(wait_until(lambda: told.exists() and told.read_text()))
        wait_until(lambda: count() >= last)
        assert counts == sorted(counts)
        assert counts[-1] == last
        assert metric(port, f"panewatch_pane_gaps_total{place % 1}") == 0
        assert exporter.end() == 0
    finally:
        exporter.kill()
