"""Traces that could not be read for a reason that passes, and times that nobody should trust."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.training.profiles import contract as c
from panewatch.training.profiles import reader
from panewatch.training.profiles import shelf as module
from panewatch.training.profiles.collector import ProfilesCollector
from panewatch.training.profiles.shelf import Shelf, Trace
from polling import wait_until
from training.traced import put, write_child, write_trace

DAY = 86400.0
PASSING = ("crashed", "timeout", "memory", "unreadable")


class Clock:
    """A time that a test moves."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[ProfilesCollector]:
    folder = tmp_path / "profiles"
    folder.mkdir()
    made = ProfilesCollector(
        Config.model_validate({"training": {"profiles_directory": str(folder)}})
    )
    yield made
    made.stop()


def summarize(families: Iterable[Metric]) -> dict[str, float]:
    """What a sample tells in numbers that are not 0: states, failures, traces read."""
    wanted = {
        c.TRACES.full_name: "state",
        c.TRACE_FAILURES_TOTAL.full_name: "reason",
        c.TRACES_READ.full_name: "",
    }
    return {
        each.labels.get(wanted[each.name], "read"): each.value
        for family in families
        for each in family.samples
        if each.name in wanted and each.value
    }


def wait_for(collector: ProfilesCollector, state: str) -> dict[str, float]:
    def look() -> dict[str, float]:
        told = summarize(collector.collect())
        return told if state in told else {}

    return wait_until(look, 30, state)


def choose(shelf: Shelf, folder: Path, expires_after: float = DAY) -> Trace | None:
    shelf.look(folder, expires_after)
    return shelf.choose()


@pytest.mark.parametrize("reason", PASSING)
def test_a_reason_that_may_pass_is_tried_again_after_pauses_that_double(
    tmp_path: Path, reason: str
) -> None:
    write_trace(tmp_path)
    clock = Clock(1000.0)
    shelf = Shelf(time.time, clock)
    pauses, refusals = [], 0
    trace = choose(shelf, tmp_path)
    while trace is not None:
        shelf.refuse(trace, reason)
        refusals += 1
        pause = trace.again - clock.now
        if pause == float("inf"):
            break
        pauses.append(pause)
        clock.now += pause - 1
        assert choose(shelf, tmp_path) is None
        clock.now += 1
        trace = choose(shelf, tmp_path)
    assert pauses == [120, 240, 480, 960]
    assert refusals == 5
    clock.now += 10 * DAY
    assert choose(shelf, tmp_path) is None


@pytest.mark.parametrize("reason", sorted(set(c.FAILURES) - set(PASSING)))
def test_a_reason_that_lies_in_the_file_is_final(tmp_path: Path, reason: str) -> None:
    write_trace(tmp_path)
    clock = Clock(1000.0)
    shelf = Shelf(time.time, clock)
    trace = choose(shelf, tmp_path)
    assert trace is not None
    assert shelf.refuse(trace, reason)
    clock.now += 10 * DAY
    assert choose(shelf, tmp_path) is None


def test_what_was_refused_comes_after_what_was_not(tmp_path: Path) -> None:
    write_trace(tmp_path, "old", age=900)
    write_trace(tmp_path, "new", age=60)
    clock = Clock(0.0)
    shelf = Shelf(time.time, clock)
    first = choose(shelf, tmp_path)
    assert first is not None
    assert first.run == "new"
    shelf.refuse(first, "timeout")
    clock.now += DAY
    second = choose(shelf, tmp_path)
    assert second is not None
    assert second.run == "old"


def test_a_trace_whose_reader_was_killed_is_shown_once_it_can_be_read(
    collector: ProfilesCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE_SECONDS", 0.05)
    killed = write_child(
        tmp_path / "packages", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    write_trace(tmp_path / "profiles")
    with monkeypatch.context() as patched:
        patched.setattr(reader, "_PACKAGES", killed)
        assert wait_for(collector, "refused") == {"refused": 1, "crashed": 1}
    assert wait_for(collector, "shown") == {"shown": 1, "crashed": 1, "read": 1}


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.EMFILE, errno.ENOMEM])
def test_a_process_that_cannot_be_started_says_nothing_of_the_trace(
    collector: ProfilesCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    write_trace(tmp_path / "profiles")
    families: list[Metric] = []
    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", fail)
        with pytest.raises(SourceUnavailable, match="no process"):
            families.extend(collector.collect())
    assert summarize(families) == {"waiting": 1}
    assert wait_for(collector, "shown") == {"shown": 1, "read": 1}


def test_a_trace_that_others_may_not_write_any_more_is_another(
    collector: ProfilesCollector, tmp_path: Path
) -> None:
    trace = write_trace(tmp_path / "profiles")
    trace.chmod(0o666)
    assert wait_for(collector, "refused") == {"refused": 1, "owner": 1}
    trace.chmod(0o644)
    assert wait_for(collector, "shown") == {"shown": 1, "owner": 1, "read": 1}


def test_a_time_to_come_expires_as_other_times_do(tmp_path: Path) -> None:
    put(tmp_path / "resnet.json", b"x", age=-365 * DAY)
    wall = Clock(time.time() + 60)
    shelf = Shelf(wall)
    assert choose(shelf, tmp_path) is not None
    wall.now += DAY
    assert choose(shelf, tmp_path) is None
    assert shelf.states["expired"] == 1


def test_a_time_to_come_is_not_the_newest_for_ever(tmp_path: Path) -> None:
    put(tmp_path / f"resnet.{10**18}.pt.trace.json", b"x", age=-365 * DAY)
    newer = put(tmp_path / f"resnet.{10**18 + 1}.pt.trace.json", b"x", age=-30)
    found = choose(Shelf(Clock(time.time() + 60)), tmp_path)
    assert found is not None
    assert found.name == newer.name


def test_a_clock_that_was_set_back_loses_no_trace(tmp_path: Path) -> None:
    write_trace(tmp_path)
    wall = Clock(time.time() - 10 * DAY)
    shelf = Shelf(wall)
    assert choose(shelf, tmp_path) is not None
    wall.now += 10 * DAY
    assert choose(shelf, tmp_path) is not None
