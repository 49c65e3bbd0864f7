"""The exposition of the panes collector, word for word, and as promtool sees it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from panewatch.exposition import render
from panewatch.panes.accounts import PaneView
from panewatch.panes.families import CommandNames, build_families
from panewatch.panes.loss import Loss
from panewatch.panes.model import Identity, Tasks
from panewatch.panes.published import Published
from panewatch.panes.state import Program
from panewatch.panes.waiting import Wait, Waits

GOLDEN = Path(__file__).parents[1] / "golden" / "panes.prom"


def make_view(pane: str, **values: object) -> PaneView:
    usual: dict[str, object] = {
        "identity": Identity("default", "work", "0", pane),
        "pane_id": f"%{pane}",
        "program": Program("python3", "", "program"),
        "state": "working",
        "state_seconds": {"working": 12.5, "unknown": 0.25},
        "last_output": 1764000000.5,
        "lines": 4711,
        "gaps": 1,
        "missed": 17,
        "overflows": 1,
        "truncated": 2,
        "captures": 99,
        "failures": 0,
        "interval": 1.0,
        "cpu_seconds": 3.25,
        "memory_bytes": 1 << 20,
        "processes": 2,
        "read_bytes": 4096,
        "written_bytes": 8192,
        "exit_status": None,
        "exit_signal": None,
        "deaths": {},
        "wait": None,
        "blocked": 0,
        "jobs": None,
        "tasks": None,
        "looping": 0,
        "commands": 7,
        "commands_failed": None,
        "command_started": None,
        "command_repeats": None,
    }
    return PaneView(**(usual | values))  # type: ignore[arg-type]


def expose() -> str:
    """One pane of each kind, a server that hangs, one that is gone."""
    remote = dict.fromkeys(("memory_bytes", "processes", "read_bytes", "written_bytes", "blocked",
                            "commands"))  # fmt: skip
    waits = Waits()
    waits.end(Wait("permission", 10.0, 1764000000.0), 52.5)
    waits.end(Wait("permission", 60.0, 1764000050.0), 64.25)
    waits.end(Wait("password", 10.0, 1764000000.0), 1e6)
    up = Published(
        "default", "up", 0.0,
        panes=(
            make_view("0", blocked=1, looping=1, commands_failed=2,
                      command_started=1764000000.25, command_repeats=3),
            make_view(
                "1", program=Program("claude", "claude", "agent"), state="unknown",
                last_output=None, cpu_seconds=None, **remote,
            ),
            make_view(
                "4", program=Program("claude", "claude", "agent"), state="waiting_input",
                wait=Wait("permission", 70.0, 1764000060.5), jobs=2, tasks=Tasks(3, 1, 4),
            ),
            make_view("2", state="dead", exit_status=137, cpu_seconds=None, **remote),
            make_view("3", identity=Identity("default", 'a"b\\c', "0", "3"), state="dead",
                      exit_signal=9, deaths={"killed": 1, "unknown": 2}),
        ),
        dropped=3, vanished=1, calls={"list": 10, "capture": 4}, failures={"timeout": 2},
        sweep_seconds=0.015625, waits=waits.sample("default"),
    )  # fmt: skip
    frozen = Published("gpu1", "timeout", 0.0, panes=(
        make_view("0", identity=Identity("gpu1", "train", "0", "0"), state="unknown"),
    ), failures={"timeout": 5})  # fmt: skip
    gone = Published("old", "no_server", 0.0, waits=Waits().sample("old"), loss=Loss(3, 0.0, 60.0))
    families = build_families([up, frozen, gone], CommandNames())
    return "".join(part for family in families for part in render(family).text)


def test_the_exposition_is_as_agreed(request: pytest.FixtureRequest) -> None:
    text = expose()
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_promtool_finds_nothing_to_say() -> None:
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=expose(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_commands_are_named_up_to_a_number_and_keep_their_names() -> None:
    commands = CommandNames(most=2)
    assert [commands.admit(name) for name in ("a", "b", "a", "c", "b", "d", "a")] == [
        "a", "b", "a", "other", "b", "other", "a",
    ]  # fmt: skip
    views = tuple(make_view(str(n), program=Program(f"run-{n}", "", "program")) for n in range(300))
    families = build_families([Published("default", "up", 0.0, panes=views)], CommandNames())
    info = next(family for family in families if family.name == "panewatch_pane_info")
    values = [sample.labels["command"] for sample in info.samples]
    assert values == [f"run-{n}" for n in range(200)] + ["other"] * 100
