"""panewatch is restarted while a pane is blocked: one page, and one end of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors.live_panes import Live, live_panes
from polling import wait_until
from stack import Stack

WAITS = 10
"""What waits on purpose is so much faster than shipped: 2 minutes are 12 seconds, which an
exporter that starts anew does not need."""


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


@pytest.fixture
def stack(live: Live, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path, live.port, WAITS)
    yield running
    running.close()


def test_a_blocked_pane_is_one_page_over_restarts(live: Live, stack: Stack) -> None:
    shell = live.shell()

    def told() -> list[tuple[str, str]]:
        return [
            (status, labels["alertname"])
            for status, labels in (*stack.pages, *stack.notes)
            if "pane" in labels  # how long it takes to start anew depends on the machine
        ]

    script = live.folder / "load.sh"
    script.write_text("echo \"ModuleNotFoundError: No module named 'moola'\"; exit 1\n")
    shell.command("sh load.sh")
    wait_until(told, 30, "the page")
    assert told() == [("firing", "PanewatchPaneBlocked")]
    for number in (signal.SIGTERM, signal.SIGKILL):
        wait_until(lambda: live.keeps("python-module-missing"), what="it is kept")
        live.stop(number)
        wait_until(lambda: stack.query("up == 0"), 30, "Prometheus sees it gone")
        live.launch()
        live.wait()
        wait_until(lambda: stack.query("panewatch_incident_open"), 30, "it is open again")
    # Longer than an alert outlives its reason.
    stack.wait_evaluations(30)
    assert told() == [("firing", "PanewatchPaneBlocked")]
    script.write_text("echo loaded\n")
    shell.command("sh load.sh")
    wait_until(lambda: len(told()) > 1, 40, "the end of it")
    stack.wait_evaluations(6)
    assert told() == [
        ("firing", "PanewatchPaneBlocked"),
        ("resolved", "PanewatchPaneBlocked"),
    ]
