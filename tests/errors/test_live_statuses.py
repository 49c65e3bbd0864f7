"""Exit statuses that a real shell reports, from its hooks to the incidents."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest

from errors.live_panes import Live, Place, live_panes
from polling import wait_until

MISSING = "ModuleNotFoundError: No module named 'moola'"


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


@pytest.fixture
def shell(live: Live) -> Place:
    return live.shell(reports=True)


def write_job(live: Live, name: str, text: str) -> None:
    """Write a program that the shell can run as ``./NAME``."""
    job = live.folder / name
    job.write_text(f"#!/bin/sh\n{text}\n")
    job.chmod(job.stat().st_mode | stat.S_IXUSR)


def ends(live: Live, outcome: str) -> float:
    """How many incidents ended so."""
    return sum(live.values("incidents_resolved_total", outcome=outcome))


def test_a_silent_failure_opens_an_incident_until_the_same_goes_well(
    live: Live, shell: Place
) -> None:
    mended = ends(live, "success")
    write_job(live, "silent", "exit 3")
    shell.command("./silent")
    wait_until(lambda: shell.open_rules() == {"command-failed": 1})
    shell.command("./silent")
    shell.command("grep nothing silent")
    write_job(live, "silent", "exit 0")
    assert shell.open_rules() == {"command-failed": 1}
    assert shell.opened() == 1
    assert ends(live, "success") == mended
    shell.command("./silent")
    wait_until(lambda: shell.open_rules() == {})
    wait_until(lambda: ends(live, "success") == mended + 1)


def test_a_success_refutes_what_it_printed(live: Live, shell: Place) -> None:
    refuted = ends(live, "refuted")
    write_job(live, "noisy", f'echo "{MISSING}"; read line; exit 0')
    shell.type("./noisy")
    wait_until(lambda: shell.open_rules() == {"python-module-missing": 1})
    shell.command("")
    wait_until(lambda: shell.open_rules() == {})
    wait_until(lambda: ends(live, "refuted") == refuted + 1)
    assert shell.opened() == 1


def test_a_failure_that_says_why_is_one_incident(live: Live, shell: Place) -> None:
    write_job(live, "failing", f'echo "{MISSING}"; exit 1')
    shell.command("./failing")
    wait_until(shell.open_rules)
    shell.command("true")
    shell.settle()
    assert shell.open_rules() == {"python-module-missing": 1}
    assert shell.opened() == 1


def test_another_command_in_the_pane_ends_what_was_open(live: Live, shell: Place) -> None:
    gone = ends(live, "end")
    write_job(live, "failing", f'echo "{MISSING}"; exit 1')
    shell.command("./failing")
    wait_until(shell.open_rules)
    live.tmux.run("respawn-pane", "-k", "-t", shell.pane, "sleep 1000")
    wait_until(lambda: shell.open_rules() == {})
    wait_until(lambda: ends(live, "end") == gone + 1)
