"""A real exporter that ends and begins anew: what is open goes on, and nothing else does."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from errors.live_panes import Live, Place, live_panes
from polling import wait_until

CANARY = "hunter2"
OPENED = "incident_opened_timestamp_seconds"


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


@pytest.fixture
def shell(live: Live) -> Iterator[Place]:
    """A shell in which a module was missing."""
    place = live.shell()
    fail(place, CANARY)
    wait_until(lambda: place.open_rules() == {"python-module-missing": 1})
    wait_until(lambda: live.keeps("python-module-missing"), what="it is kept")
    yield place
    live.tmux.run("kill-pane", "-t", place.pane)
    kept = f'"{place.pane}"'
    wait_until(lambda: kept not in live.state.read_text(), what="it is forgotten")


def fail(shell: Place, module: str) -> None:
    """Run a script that lacks a module."""
    script = shell.live.folder / "fail.sh"
    script.write_text(f"echo \"ModuleNotFoundError: No module named '{module}'\"; exit 1\n")
    shell.command("sh fail.sh")


def restart(live: Live, number: signal.Signals = signal.SIGTERM) -> None:
    live.stop(number)
    live.launch()
    live.wait()


def wait_for_a_look(place: Place) -> None:
    wait_until(lambda: place.value("pane_captures_total"), what="the pane is read")
    place.settle()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_incident_goes_on(live: Live, shell: Place, number: signal.Signals) -> None:
    opened = shell.value(OPENED)
    restart(live, number)
    wait_for_a_look(shell)
    assert shell.open_rules() == {"python-module-missing": 1}
    assert shell.value(OPENED) == opened
    assert shell.opened() == 0
    assert CANARY not in live.state.read_text()
    assert CANARY not in live.exporter.log
    (live.folder / "fail.sh").write_text("echo fine\n")
    shell.command("sh fail.sh")
    wait_until(lambda: shell.open_rules() == {}, what="it is mended")
    assert sum(live.values("incident_recovery_seconds_count")) == 1


def test_what_ended_meanwhile_is_gone(live: Live, shell: Place) -> None:
    other = live.shell()
    fail(other, "m")
    wait_until(lambda: live.keeps(*["python-module-missing"] * 2), what="both are kept")
    live.stop()
    live.tmux.run("kill-pane", "-t", other.pane)
    live.launch()
    live.wait()
    wait_for_a_look(shell)
    assert len(live.samples("incident_open")) == 1
    assert shell.open_rules() == {"python-module-missing": 1}


@pytest.mark.parametrize("damage", ["nul", "link", "folder"])
def test_a_damaged_file_is_a_fresh_start(live: Live, shell: Place, damage: str) -> None:
    live.stop()
    size = live.state.stat().st_size
    if damage == "nul":
        live.state.write_bytes(b"\0" * size)
    elif damage == "link":
        live.state.rename(live.folder / "target")
        live.state.symlink_to(live.folder / "target")
    else:
        live.state.rename(live.folder / "target")
        live.state.mkdir()
    live.launch()
    live.wait()
    wait_for_a_look(shell)
    assert shell.open_rules() == {}
    reason = "corrupt" if damage == "nul" else "foreign"
    assert live.values("state_file_errors_total", reason=reason) == [1.0]
    assert live.exporter.log.count("state file cannot be used") == 1
    # It was moved aside, so what is kept has room again.
    fail(shell, "again")
    wait_until(lambda: live.keeps("python-module-missing"), what="it is kept again")
