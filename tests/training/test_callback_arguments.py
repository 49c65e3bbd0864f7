"""What callbacks are given: numbers as text, what is none, and directories that cannot be."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from panewatch.training.callback import TrainingMonitor
from panewatch.training.callback.profiler import TrainingProfiler
from polling import wait_until
from training.trained import make_monitor


def test_numerals_are_numbers(tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": "2", "steps": "10", "interval": "0.05", "first_step": "4"}
    with TrainingMonitor(run="r", directory=str(tmp_path), **options) as monitor:
        for _ in monitor.watch([[1]]):
            pass
        wait_until(lambda: "_steps{" in "".join(p.read_text() for p in tmp_path.glob("*.prom")))
        summary = monitor.summary()
    assert (summary["step"], summary["progress_ratio"]) == (5, 0.5)
    counts: dict[str, Any] = {"skip_first": "1", "active": "2", "keep": "3", "first_step": "4"}
    assert TrainingProfiler(run="r", **counts)._windows.find_first() == 2


@pytest.mark.parametrize(
    ("argument", "value", "allowed"),
    [
        ("interval", 0, "a number of seconds above 0"),
        ("interval", "soon", "a number of seconds above 0"),
        ("interval", float("nan"), "a number of seconds above 0"),
        ("epochs", -1, "a whole number of at least 0 or None"),
        ("epochs", True, "a whole number of at least 0 or None"),
        ("steps", "1.5", "a whole number of at least 0 or None"),
        ("batch_size", 0, "a whole number of at least 1 or None"),
        ("first_step", None, "a whole number of at least 0"),
    ],
)
def test_what_is_no_number_is_told_where_it_is_given(
    argument: str, value: object, allowed: str
) -> None:
    options: dict[str, Any] = {argument: value}
    with pytest.raises(ValueError, match=f"^{argument} must be {allowed}, not {value!r}$"):
        TrainingMonitor(**options)


@pytest.mark.parametrize("argument", ["skip_first", "wait", "warmup", "active", "repeat", "keep"])
def test_the_profiler_says_the_same(argument: str) -> None:
    options: dict[str, Any] = {argument: "-1"}
    with pytest.raises(ValueError, match=f"^{argument} must be a whole number of at least 0, "):
        TrainingProfiler(**options)


def test_a_summary_has_the_same_names_before_the_first_step(tmp_path: Path) -> None:
    monitor = make_monitor(tmp_path)
    before = monitor.summary()
    assert before["batch_seconds"]["p50"] is None
    with monitor:
        for _ in monitor.watch([[1]] * 3):
            pass
    after = monitor.summary()
    assert before.keys() == after.keys()
    assert before["batch_seconds"].keys() == after["batch_seconds"].keys()
    assert after["batch_seconds"]["p50"] > 0


def warnings_of(directory: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Fail to write at least three times; give what was said."""
    with (
        caplog.at_level(logging.WARNING, "panewatch"),
        TrainingMonitor(run="r", directory=directory, interval=0.05) as monitor,
    ):
        wait_until(lambda: monitor.summary()["write_failures"] >= 3, what="failed writes")
    return [record.getMessage() for record in caplog.records]


def test_what_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    (said,) = warnings_of(str(tmp_path / "file" / "x"), caplog)
    assert str(tmp_path / "file" / "x") in said
    assert said.endswith(os.strerror(20))


def test_a_relative_directory_is_refused_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (said,) = warnings_of("here", caplog)
    assert "absolute path" in said
    assert list(tmp_path.iterdir()) == []
