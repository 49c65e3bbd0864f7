"""From a pane to a page: real tmux, the exporter, Prometheus, Alertmanager and a receiver."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from polling import wait_until
from rule_files import ROOT
from stack import Stack, find_free_port

pytestmark = pytest.mark.timeout(400)


class Tmux:
    """A private tmux server; nothing of it outlives the test."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ("tmux", "-u", "-S", self.socket, "-f", "/dev/null", *arguments),
            capture_output=True,
            text=True,
            check=True,
            env={name: value for name, value in os.environ.items() if name != "TMUX"},
        )
        return done.stdout


def scrape(port: int) -> str:
    """Return the metrics, or nothing where the exporter does not answer yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    server = Tmux(tmp_path / "tmux")
    server("new-session", "-d", "-s", "work", "-x", "80", "-y", "24", "exec cat")
    server("set-option", "-g", "remain-on-exit", "on")
    yield server
    server("kill-server")


@pytest.fixture
def exporter_port(tmux: Tmux, tmp_path: Path) -> Iterator[int]:
    port = find_free_port()
    with (tmp_path / "panewatch.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "panewatch", "serve"),
                f"--web.listen-address=127.0.0.1:{port}",
                f"--tmux.socket={tmux.socket}",
            ],
            stdout=log,
            stderr=log,
            env=os.environ
            | {"PYTHONPATH": str(ROOT / "exporter"), "XDG_STATE_HOME": str(tmp_path / "state")},
        )
    try:
        wait_until(lambda: "panewatch_pane_info{" in scrape(port), 60, "a pane is read")
        yield port
    finally:
        process.terminate()
        assert process.wait(30) == 0, (tmp_path / "panewatch.log").read_text()


@pytest.fixture
def stack(exporter_port: int, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path, exporter_port)
    yield running
    running.close()


def test_a_pane_that_fails_is_one_page_until_it_is_respawned(tmux: Tmux, stack: Stack) -> None:
    tmux("new-window", "-d", "-t", "work:7", "exec sh -c 'read -r word; exit 3'")
    tmux("new-window", "-d", "-t", "work:8", "exec sh -c 'read -r word; exit 0'")
    tmux("new-window", "-d", "-t", "work:9", "exec sh -c 'read -r word; kill -9 $$'")
    wait_until(lambda: len(stack.query("panewatch_pane_info")) == 4, 30, "four panes")
    assert stack.pages == []

    for window in ("7", "8", "9"):
        tmux("send-keys", "-t", f"work:{window}", "go", "Enter")

    def pages(window: str) -> list[tuple[str, str]]:
        return [
            (status, labels["alertname"])
            for status, labels in stack.pages
            if labels.get("window") == window
        ]

    def told() -> bool:
        # tmux 3.3a now and then notices the end of a pane only when its next process ends.
        tmux("run-shell", "true")
        return bool(pages("7") and pages("9"))

    wait_until(told, 30, "two pages")
    stack.reload()
    stack.wait_evaluations(6)
    assert pages("7") == [("firing", "PanewatchPaneFailed")]
    assert pages("9") == [("firing", "PanewatchPaneKilled")]

    tmux("respawn-pane", "-t", "work:7", "exec cat")
    tmux("kill-window", "-t", "work:9")
    wait_until(lambda: len(pages("7")) > 1 and len(pages("9")) > 1, 30, "their ends")
    stack.wait_evaluations(6)
    assert [status for status, _ in pages("7")] == ["firing", "resolved"]
    assert [status for status, _ in pages("9")] == ["firing", "resolved"]
    # The command that ended well never was a page, and nothing else was told.
    assert len(stack.pages) == 4
    assert stack.notes == []


def test_an_agent_that_ends_at_work_is_told_and_one_that_is_quit_is_not(
    tmux: Tmux, stack: Stack, tmp_path: Path
) -> None:
    """Two programs that have the names of agents: one is gone while it prints, one is silent."""
    agents = {
        "claude": "while not path.exists('gone'): print(time.time(), flush=True); time.sleep(0.5)",
        "codex": "print(time.time()); input()",
    }
    for window, (agent, program) in enumerate(agents.items(), 1):
        file = tmp_path / agent
        file.write_text(f"#!{sys.executable}\nimport time\nfrom os import path\n{program}\n")
        file.chmod(0o755)
        tmux("new-window", "-d", "-c", str(tmp_path), "-t", f"work:{window}", "exec bash --norc")
        tmux("send-keys", "-t", f"work:{window}", f"./{agent}", "Enter")
    working = "panewatch:agent_working:min30s"
    for window, value in ((1, 1), (2, 0)):
        at_work = f'{working}{{window="{window}"}} == {value}'
        wait_until(partial(stack.query, at_work), 40, at_work)
    tmux("send-keys", "-t", "work:2", "Enter")
    (tmp_path / "gone").touch()
    wait_until(lambda: stack.notes, 40, "the note")
    stack.wait_evaluations(6)
    assert stack.query(working) == {}
    ((status, labels),) = stack.notes
    assert (status, labels["alertname"]) == ("firing", "PanewatchAgentDied")
    assert labels["window"] == "1"
    told = stack.receiver.seen[-1][1]["alerts"][0]["annotations"]["description"]
    assert "(claude) was working when it was last seen, and is gone" in told
    assert stack.pages == []


def test_a_server_that_dies_is_one_page_until_it_runs_again(tmux: Tmux, stack: Stack) -> None:
    tmux("new-window", "-d", "-t", "work:7", "exec sh -c 'read -r word; exit 3'")
    wait_until(lambda: len(stack.query("panewatch_pane_info")) == 2, 30, "two panes")
    tmux("send-keys", "-t", "work:7", "go", "Enter")
    tmux("new-window", "-d", "-t", "work:8", "exec cat")

    def told() -> list[tuple[str, str]]:
        return [(status, labels["alertname"]) for status, labels in stack.pages]

    def failed() -> bool:
        tmux("run-shell", "true")  # as above
        return bool(told())

    wait_until(failed, 30, "the page of the pane")
    tmux("kill-server")
    wait_until(lambda: len(told()) > 1, 30, "the page of the server")
    stack.wait_evaluations(20)
    expected = [("firing", "PanewatchPaneFailed"), ("firing", "PanewatchTmuxServerLost")]
    assert told() == expected
    text = stack.receiver.seen[-1][1]["alerts"][0]["annotations"]["description"]
    assert "it had 2 panes" in text, "the dead one is not lost"
    tmux("new-session", "-d", "-s", "work", "exec cat")
    wait_until(lambda: len(told()) > 2, 45, "the end of it")
    stack.wait_evaluations(6)
    assert told() == [*expected, ("resolved", "PanewatchTmuxServerLost")]
    assert stack.notes == []


def test_promtool_accepts_a_real_scrape(exporter_port: int) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=scrape(exporter_port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
