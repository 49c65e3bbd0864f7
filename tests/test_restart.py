"""panewatch is restarted while a pane is blocked: one page, and one end of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors.live_panes import Live, live_panes
from polling import wait_until
from stack import Stack

OUTLIVES = 120.0
"""How long an alert outlives its reason as shipped, in seconds."""
LEAST = 12.0
"""How long it does so here, where an exporter starts within seconds."""
STARTS = 2.5
"""How often an exporter could start anew meanwhile, at least."""


@pytest.fixture
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


@pytest.fixture
def outlives(live: Live) -> float:
    """Seconds for which an alert outlives its reason: longer than a start takes here."""
    live.stop()
    begin = time.monotonic()
    live.launch()
    live.wait()
    return max(LEAST, STARTS * (time.monotonic() - begin))


@pytest.fixture
def stack(live: Live, outlives: float, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path, live.port, OUTLIVES / outlives)
    yield running
    running.close()


@pytest.mark.timeout(600)
def test_a_blocked_pane_is_one_page_over_restarts(
    live: Live, stack: Stack, outlives: float
) -> None:
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
    wait_until(told, 30 + outlives, "the page")
    assert told() == [("firing", "PanewatchPaneBlocked")]
    for number in (signal.SIGTERM, signal.SIGKILL):
        wait_until(lambda: live.keeps("python-module-missing"), what="it is kept")
        live.stop(number)
        wait_until(lambda: stack.query("up == 0"), 30, "Prometheus sees it gone")
        live.launch()
        live.wait()
        wait_until(lambda: stack.query("panewatch_incident_open"), 30, "it is open again")
    stack.wait_evaluations(int((outlives + 3) / stack.interval))
    assert told() == [("firing", "PanewatchPaneBlocked")]
    script.write_text("echo loaded\n")
    shell.command("sh load.sh")
    wait_until(lambda: len(told()) > 1, 30 + 2 * outlives, "the end of it")
    stack.wait_evaluations(6)
    assert told() == [
        ("firing", "PanewatchPaneBlocked"),
        ("resolved", "PanewatchPaneBlocked"),
    ]
