"""What ``panewatch diagnose`` tells of tmux servers, in the words of the metrics."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from panes.private_tmux import PrivateTmux
from panes.scraping import Scrape, collecting
from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.panes.contract import SERVER_STATES
from panewatch.panes.diagnose import _ADVICE, diagnose
from polling import wait_until


def find(**tmux: object) -> list[Finding]:
    return list(diagnose(Config.model_validate({"tmux": tmux})))


def test_every_state_has_its_advice() -> None:
    # Whether a socket went missing takes somebody who saw it before.
    assert sorted(_ADVICE) == sorted(set(SERVER_STATES) - {"up", "missing"})


def test_panes_that_can_be_read(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    tmux.open("sleep 1000")
    (finding,) = find(sockets=[tmux.socket])
    assert finding.ok
    assert finding.source == "tmux server tmux.sock"
    assert finding.detail.startswith("2 of 2 panes read")


@pytest.mark.parametrize("socket", ["absent", "left-behind", "stopped", "binary"])
def test_the_words_are_those_of_the_metrics(tmux: PrivateTmux, socket: str) -> None:
    settings: dict[str, object] = {"sockets": [tmux.socket], "timeout": 0.5}
    pid = 0
    if socket != "absent":
        tmux.start("sleep 1000")
        pid = int(tmux.run("display-message", "-p", "#{pid}"))
    if socket == "left-behind":
        os.kill(pid, signal.SIGKILL)
    if socket == "stopped":
        os.kill(pid, signal.SIGSTOP)
    if socket == "binary":
        settings["binary"] = "/nonexistent/tmux"
    try:
        (finding,) = find(**settings)
        with collecting(tmux=settings) as collector:
            (state,) = wait_until(lambda: Scrape(collector).states()).values()
    finally:
        if socket == "stopped":
            os.kill(pid, signal.SIGCONT)
    assert not finding.ok
    assert finding.detail.partition(":")[0] == state
    expected = {"absent": "no_server", "left-behind": "no_server", "stopped": "timeout"}
    assert state == expected.get(socket, socket)


def test_discovered_and_named_servers_are_each_read_once(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmux.folder))
    folder = tmux.folder / f"tmux-{os.getuid()}"
    folder.mkdir(mode=0o700)
    other = PrivateTmux(folder)
    other.socket = str(folder / "other")
    monkeypatch.setattr("panewatch.panes.diagnose.find_running", lambda: iter((Path(tmux.socket),)))
    (folder / "left").touch()
    tmux.start("sleep 1000")
    other.start("sleep 1000")
    try:
        sources = [finding.source for finding in find()]
        assert sorted(sources) == ["tmux server other", "tmux server tmux.sock"]
        named = {"name": "mine", "socket": tmux.socket}
        sources = [finding.source for finding in find(servers=[named])]
        assert sorted(sources) == ["tmux server mine", "tmux server other"]
    finally:
        other.kill()


def test_shells_that_report_how_commands_end(tmux: PrivateTmux) -> None:
    folder = tmux.folder / "commands"
    folder.mkdir(mode=0o700)
    first = tmux.start("exec bash --norc --noprofile")
    second = tmux.open("exec bash --norc --noprofile")
    tmux.open("exec sleep 1000")
    panes = {"commands": {"directory": str(folder)}}
    config = Config.model_validate({"tmux": {"sockets": [tmux.socket]}, "panes": panes})

    def tell() -> str:
        server, shells = diagnose(config)
        assert server.ok
        assert shells.ok
        assert shells.source == "shells of tmux server tmux.sock"
        return shells.detail

    def report(pane: str, shell: str) -> None:
        journal = folder / f"{tmux.ask('#{pid}', pane)}.{pane.removeprefix('%')}"
        journal.write_text(f"H\t{shell}\n")
        journal.chmod(0o600)

    told = wait_until(lambda: next((t for t in [tell()] if " of 2 " in t), ""))
    assert told.startswith("0 of 2 report how commands end (")
    assert "login shells" in told
    report(first, tmux.ask("#{pane_pid}", first))
    assert tell().startswith("1 of 2 report how commands end (")
    # Some other process has the number of a shell that is gone.
    report(second, str(os.getpid()))
    assert tell().startswith("1 of 2")
    report(second, tmux.ask("#{pane_pid}", second))
    assert tell() == "2 of 2 report how commands end"

    off = {"commands": {"enabled": False}}
    (only,) = diagnose(Config.model_validate({"tmux": config.tmux, "panes": off}))
    assert only.source == "tmux server tmux.sock"


def test_no_server_at_all(tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmux.folder))
    monkeypatch.setattr("panewatch.panes.diagnose.find_running", lambda: iter(()))
    (finding,) = find()
    assert finding.ok, "nothing is wrong before somebody starts tmux"
    assert finding.detail.startswith("no tmux server of this user runs now; one that starts")
