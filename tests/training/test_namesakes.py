"""A training that is started again under its name, at once: it is the one that is told of."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from polling import wait_until
from training.test_textfiles import LIVING, STEP, Exporter, put, refused, runs
from training.trained import write_header

TRAINS = """
import pathlib, sys, time
from panewatch.training.callback import TrainingMonitor
folder, step, until = sys.argv[1:]
with TrainingMonitor(run="resnet", directory=folder, interval=0.05) as monitor:
    monitor.log(step=int(step))
    while not pathlib.Path(until).exists():
        time.sleep(0.01)
    if until.endswith("crash"):
        raise SystemExit("crashed")
"""


@contextmanager
def training(folder: Path, step: int, until: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a training that is at this step, until a file is there."""
    exporter = Path(__file__).parents[2] / "exporter"
    words = [sys.executable, "-c", TRAINS, str(folder), str(step), str(folder / until)]
    with subprocess.Popen(
        words, env={"PYTHONPATH": str(exporter)}, stderr=subprocess.DEVNULL
    ) as it:
        try:
            wait_until(lambda: f" {step}\n" in read(folder), 30, what="its file")
            yield it
        finally:
            it.kill()


def read(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("*.prom"))


def step_of(values: dict[str, float]) -> float:
    return values['panewatch_training_step{run="resnet"}']


@pytest.mark.parametrize("end", ["finish", "crash", "kill"])
def test_a_training_that_is_started_again_at_once_is_told_of(tmp_path: Path, end: str) -> None:
    exporter = Exporter(tmp_path)
    with training(tmp_path, 70, end) as first:
        assert step_of(exporter.look()) == 70
        if end == "kill":
            first.send_signal(signal.SIGKILL)
        else:
            (tmp_path / end).touch()
        first.wait(30)
    with training(tmp_path, 5, "never"):
        values = exporter.look(1)
        assert step_of(values) == 5
        assert refused(values) == {}
        assert values['panewatch_training_textfiles{state="running"}'] == 1
        assert values['panewatch_training_textfiles{state="refused"}'] == 0


def test_of_two_that_live_the_first_keeps_the_name(tmp_path: Path) -> None:
    exporter = Exporter(tmp_path)
    with training(tmp_path, 70, "never"):
        assert step_of(exporter.look()) == 70
        with training(tmp_path, 5, "never"):
            values = exporter.look(1)
            assert step_of(values) == 70
            assert refused(values) == {"duplicate": 1}


def test_of_those_that_have_ended_the_newest_counts(tmp_path: Path) -> None:
    exporter = Exporter(tmp_path)
    exporter.look()
    for number, state in enumerate(("failed", "finished", "failed")):
        text = write_header(**LIVING, state=state) + "\n" + STEP.replace("7", str(number))
        put(tmp_path, text, f"{9 - number}.prom")
        values = exporter.look(1)
        assert step_of(values) == number
    assert refused(values) == {}
    assert values['panewatch_training_textfiles{state="failed"}'] == 2


def test_one_that_cannot_be_seen_gives_way_once_it_writes_no_more(tmp_path: Path) -> None:
    exporter = Exporter(tmp_path)
    exporter.look()
    unseen = LIVING | {"space": "1"}
    put(tmp_path, write_header(**unseen | {"start": 5}) + "\n" + STEP, "a.prom")
    assert step_of(exporter.look()) == 7
    put(tmp_path, write_header(**unseen | {"start": 6}) + "\n" + STEP.replace("7", "8"), "b.prom")
    assert step_of(exporter.look(25)) == 7
    put(tmp_path, write_header(**unseen | {"start": 6}) + "\n" + STEP.replace("7", "90"), "b.prom")
    assert step_of(exporter.look(10)) == 90
    assert runs(exporter.look()) == {"resnet"}
