"""The exposition of the training collector, word for word, and as promtool sees it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from panes.test_golden import make_view
from panewatch.config import Config
from panewatch.exposition import render
from panewatch.panes.model import Frame, Identity, Line, PaneKey, PaneUpdate
from panewatch.panes.noticeboard import Noticeboard
from panewatch.panes.published import Published
from panewatch.training import contract as c
from panewatch.training.callback import textfile
from panewatch.training.callback.measurement import Measurement
from panewatch.training.callback.origin import Origin, read_origin
from panewatch.training.collector import TrainingCollector
from panewatch.training.observer import TrainingObserver

GOLDEN = Path(__file__).parents[1] / "golden" / "training.prom"
NOW, WALL = 10_000.0, 1764000000.0

PANES = {
    # What a line each second tells, and the state of the pane in the end.
    "0": (
        "epoch 2/4 step {n}0/100 loss=0.{n}25 val_loss=0.5 acc=75% lr=1e-3 640 img/s 9000 tok/s",
        "working",
    ),
    "1": ("step {n} loss nan", "finished"),
    "2": ("{{'loss': '2.{n}', 'learning_rate': '3e-05', 'epoch': '0.{n}'}}", "working"),
    # This one is told of by a callback too.
    "3": ("epoch 1 step {n}/50 loss 0.75 lr 0.5 acc 0.5 f1 0.5", "working"),
}


def watch_panes() -> Published:
    """What an observer makes of the panes."""
    now = NOW - 10
    observer = TrainingObserver(Config(), lambda: now + WALL - NOW, lambda: now)
    for number in range(11):
        now = NOW - 10 + number
        for pane, (line, state) in PANES.items():
            last = number == 10
            observer.observe(
                PaneUpdate(
                    PaneKey(1, 1, f"%{pane}"),
                    Identity("default", "work", "0", pane),
                    Frame(("",), 0, alternate=False),
                    [] if last else [Line(line.format(n=number))],
                    gap=False,
                    command="bash" if last and state == "finished" else "python3",
                    state=state if last else "working",
                    monotonic=now,
                )
            )
    views = tuple(make_view(pane, pid=os.getpid() if pane == "3" else None) for pane in PANES)
    return Published(
        "default", "up", 0.0, panes=views, families=tuple(observer.collect()), local=True
    )


def write_files(folder: Path) -> None:
    """One file of a run that goes on, one of another container's that has ended, one refused."""
    measured = Measurement()
    for place, seconds in enumerate((0.0015, 0.02, 0.25, 100.0)):
        measured.ask(200.0 * place)
        measured.begin(200.0 * place + seconds / 4)
        measured.end(200.0 * place + seconds, 32)
    running = textfile.Facts(
        "resnet", "torch", read_origin(), "running", measured.copy(), stands=False,
        moved=WALL - 1, epoch=1, epochs=3, step=4, steps=12, losses={"val": 0.5},
        metrics={"acc": 0.75}, restarts=1,
        memory=dict.fromkeys(c.MEMORY, 1 << 20), dataset_samples=128, write_failures=2,
    )  # fmt: skip
    ended = textfile.Facts(
        "bert", "huggingface", Origin(7, 7, read_origin().boot, "1"), "failed", measured.copy(),
        stands=True, moved=WALL - 5, step=4, losses={"train": 0.25}, nonfinite=3,
    )  # fmt: skip
    (folder / "resnet-1.prom").write_text(textfile.render(running))
    (folder / "bert-7.prom").write_text(textfile.render(ended))
    (folder / "bad.prom").write_text("garbage\n")
    for file in folder.iterdir():
        file.chmod(0o644)
        os.utime(file, (WALL - 2, WALL - 2))


@pytest.fixture
def exposition(tmp_path: Path) -> str:
    write_files(tmp_path)
    config = Config.model_validate({"training": {"textfile_directory": str(tmp_path)}})
    board = Noticeboard()
    board.post([watch_panes()])
    collector = TrainingCollector(config, board, lambda: NOW, lambda: WALL)
    return "".join(part for family in collector.collect() for part in render(family).text)


def test_the_exposition_is_as_agreed(exposition: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(exposition)
    assert exposition == GOLDEN.read_text()


def test_it_has_every_family_of_the_contract(exposition: str) -> None:
    told = {line.split()[2] for line in exposition.splitlines() if line.startswith("# TYPE ")}
    assert told == {spec.full_name for spec in c.METRICS}
    with_samples = {
        line.partition("{")[0] for line in exposition.splitlines() if not line.startswith("#")
    }
    parts = {"_bucket", "_count", "_sum"}
    for spec in c.METRICS:
        names = {spec.full_name + part for part in parts} if spec.type == "histogram" else set()
        assert (names or {spec.full_name}) <= with_samples


def test_promtool_finds_nothing_to_say(exposition: str) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=exposition, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
