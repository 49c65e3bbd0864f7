"""tmux servers that end: with panes in them, with their last pane, or as fast as they came."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from panes.private_tmux import PrivateTmux
from panes.scraping import Scrape, collecting
from panes.watching import Watch
from panewatch.config import Config
from panewatch.panes.collector import PanesCollector
from panewatch.panes.discovery import find_folder
from panewatch.panes.tmux import TmuxError
from polling import wait_until

COLLECTOR = "panewatch.panes.collector"
MEMORY = "panewatch.panes.lost_servers"
LOST = "tmux_server_lost_panes"
RECOVERY = 30.0
"""Pauses grow to 15 s while a server fails."""


@pytest.fixture
def usual(tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateTmux]:
    """A server that is discovered, in a folder where there is no other."""
    monkeypatch.setenv("TMUX_TMPDIR", str(tmux.folder))
    monkeypatch.setattr(f"{COLLECTOR}.find_running", lambda: iter(()))
    folder = find_folder()
    folder.mkdir(mode=0o700)
    server = PrivateTmux(folder)
    server.socket = str(folder / "usual")
    yield server
    server.kill()


def begin(tmux: PrivateTmux, panes: int = 2) -> None:
    tmux.start("sleep 1000")
    for _ in range(panes - 1):
        tmux.open("sleep 1000")


def has_dropped_it(collector: PanesCollector) -> bool:
    """Tell whether no server is watched once another sample was taken."""
    Scrape(collector)
    return not collector._servers


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_dies_is_told_until_another_runs(tmux: PrivateTmux, number: int) -> None:
    begin(tmux, panes=3)
    with collecting(tmux={"sockets": [tmux.socket], "remember_lost": 0.001}) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 3)
        assert Scrape(collector).value(LOST) is None
        os.kill(int(tmux.run("display-message", "-p", "#{pid}")), number)
        # One that the settings name stays known for good.
        wait_until(lambda: Scrape(collector).value(LOST, server="tmux.sock") == 3)
        calls = Scrape(collector).value("tmux_call_failures_total", reason="no_server") or 0
        failures = "tmux_call_failures_total"
        wait_until(lambda: (Scrape(collector).value(failures, reason="no_server") or 0) > calls)
        scrape = Scrape(collector)
        assert scrape.value(LOST) == 3
        assert scrape.states() == {"tmux.sock": "no_server"}
        assert (scrape.panes(), scrape.unavailable) == ({}, "")
        begin(tmux)
        wait_until(lambda: Scrape(collector).value("panes") == 2, RECOVERY)
        assert Scrape(collector).value(LOST) is None


def end(watch: Watch) -> int | None:
    """Sweep until the server is gone, and return how many panes were lost."""

    def gone() -> bool:
        try:
            watch.look()
        except TmuxError as error:
            watch.sweeper._fail(error)
        return watch.published.state == "no_server"

    wait_until(gone)
    return watch.published.loss.panes if watch.published.loss else None


def test_a_server_that_ends_with_its_last_pane_is_not_lost(tmux: PrivateTmux) -> None:
    tmux.start("read -r word")
    tmux.run("set-option", "-g", "remain-on-exit", "off")
    watch = Watch(tmux)
    watch.look()
    tmux.run("send-keys", "-t", "main", "Enter")
    assert end(watch) is None


@pytest.mark.parametrize(
    ("remain", "command", "lost"),
    [("on", "sleep 1000", 1), ("off", "sleep 1000", None), ("on", "", None)],
    ids=["kept", "let-go", "shell"],
)
def test_of_a_single_pane_it_tells_whether_tmux_would_have_kept_it(
    tmux: PrivateTmux, remain: str, command: str, lost: int | None
) -> None:
    tmux.start(*filter(None, [command]))
    tmux.run("set-option", "-g", "remain-on-exit", remain)
    watch = Watch(tmux)

    def settled() -> bool:
        watch.look()
        return watch.view("%0").state == ("working" if command else "idle")

    wait_until(settled)
    tmux.run("kill-server")
    assert end(watch) == lost


def test_what_is_dead_cannot_be_lost(tmux: PrivateTmux) -> None:
    begin(tmux, panes=3)
    dead = tmux.open("read -r word")
    watch = Watch(tmux)
    tmux.run("send-keys", "-t", dead, "Enter")

    def died() -> bool:
        tmux.run("run-shell", "true")  # tmux 3.3a may notice it only at the next end
        watch.look()
        return watch.view(dead).state == "dead"

    wait_until(died)
    tmux.run("kill-server")
    assert end(watch) == 3


def test_panes_over_the_cap_are_lost_too(tmux: PrivateTmux) -> None:
    begin(tmux, panes=3)
    watch = Watch(tmux)
    watch.sweeper._roster._settings = watch.sweeper._settings.model_copy(update={"max_panes": 1})
    watch.look()
    assert watch.published.dropped == 2
    tmux.run("kill-server")
    assert end(watch) == 3


def test_a_discovered_server_that_is_lost_stays_known_for_a_while(
    usual: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MEMORY}._SETTLED_SECONDS", 0.0)
    begin(usual)
    with collecting(tmux={"discovery_interval": 0.1}) as collector:
        wait_until(lambda: Scrape(collector).value("panes", server="usual") == 2)
        usual.run("kill-server")
        wait_until(lambda: has_dropped_it(collector), RECOVERY)
        scrape = Scrape(collector)
        assert scrape.states() == {"usual": "no_server"}
        assert scrape.value(LOST, server="usual") == 2
        assert (scrape.panes(), scrape.unavailable) == ({}, "")
        # A socket elsewhere does not get the name of one that is missed.
        other = PrivateTmux(usual.folder.parent)
        other.socket = str(usual.folder.parent / "usual")
        other.start("sleep 1000")
        monkeypatch.setattr(f"{COLLECTOR}.find_running", lambda: iter((Path(other.socket),)))
        try:
            wait_until(lambda: len(Scrape(collector).states()) == 2)
            assert Scrape(collector).value(LOST, server="usual") == 2
        finally:
            other.kill()
        begin(usual, panes=3)
        wait_until(lambda: Scrape(collector).value("panes", server="usual") == 3)
        assert Scrape(collector).values(LOST, server="usual") == []


def test_a_lost_server_is_forgotten_in_time_and_by_settings_that_leave_it_out(
    usual: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MEMORY}._SETTLED_SECONDS", 0.0)
    with collecting() as collector:
        for settings in ({"remember_lost": 0.001}, {"sockets": [str(usual.folder / "none")]}):
            collector.reconfigure(Config())
            begin(usual)
            wait_until(lambda: Scrape(collector).value("panes") == 2, RECOVERY)
            usual.run("kill-server")
            wait_until(lambda: Scrape(collector).value(LOST, server="usual") == 2, RECOVERY)
            wait_until(lambda: has_dropped_it(collector), RECOVERY)
            collector.reconfigure(Config.model_validate({"tmux": settings}))
            wait_until(lambda: "usual" not in Scrape(collector).states())
            assert Scrape(collector).values(LOST) == []


def test_a_discovered_server_that_ran_for_moments_is_not_missed(usual: PrivateTmux) -> None:
    begin(usual)
    with collecting() as collector:
        wait_until(lambda: Scrape(collector).value("panes", server="usual") == 2)
        usual.run("kill-server")
        wait_until(lambda: Scrape(collector).states() == {"default": "no_server"}, RECOVERY)
        assert Scrape(collector).values(LOST) == []


def test_only_so_many_lost_servers_are_remembered(
    usual: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MEMORY}._SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(f"{MEMORY}._MOST_LOST", 1)
    with collecting() as collector:
        for name in ("first", "second"):
            usual.socket = str(usual.folder / name)
            begin(usual)
            wait_until(lambda name=name: Scrape(collector).value("panes", server=name) == 2)  # type: ignore[misc]
            usual.run("kill-server")
            wait_until(lambda name=name: Scrape(collector).states() == {name: "no_server"})  # type: ignore[misc]


def test_a_discovered_socket_that_fails_for_a_moment_is_no_failure(
    usual: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.bind(usual.socket)
        mute.listen(16)
        with collecting(tmux={"timeout": 0.2}) as collector:
            wait_until(lambda: Scrape(collector).states() == {"usual": "timeout"})
            assert Scrape(collector).unavailable == ""
            monkeypatch.setattr(f"{COLLECTOR}._FLEETING_SECONDS", 0.0)
            assert Scrape(collector).unavailable == "usual: timeout"


def test_a_server_without_a_session_is_up(usual: PrivateTmux) -> None:
    usual.run("start-server", ";", "set-option", "-s", "exit-empty", "off")
    with collecting() as collector:
        wait_until(lambda: Scrape(collector).states() == {"usual": "up"})
        assert Scrape(collector).value("panes") == 0
        begin(usual)
        wait_until(lambda: Scrape(collector).value("panes") == 2)
        usual.run("kill-session", "-a", ";", "kill-session")
        wait_until(lambda: Scrape(collector).value("panes") == 0)
        scrape = Scrape(collector)
        assert (scrape.states(), scrape.unavailable) == ({"usual": "up"}, "")
        assert scrape.values(LOST) == []
