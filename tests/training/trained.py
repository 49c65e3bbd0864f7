"""A training that a monitor measures, and the file that it writes."""

from __future__ import annotations

import time
from pathlib import Path

from panewatch.training.callback import TrainingMonitor
from panewatch.training.textfile import Told, parse
from polling import wait_until


def make_monitor(folder: Path, run: str = "resnet", **options: object) -> TrainingMonitor:
    usual: dict[str, object] = {"directory": str(folder), "interval": 0.05}
    return TrainingMonitor(run=run, **(usual | options))  # type: ignore[arg-type]


def find_file(folder: Path) -> Path:
    """The one file that is there, once it is."""
    return wait_until(lambda: list(folder.glob("*.prom")), what="a file")[0]


def read_file(folder: Path) -> Told:
    return parse(find_file(folder).read_bytes())


def work(seconds: float) -> None:
    """Compute for so long: at least that, whatever else the machine does."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def write_header(**words: object) -> str:
    """A first line as a callback writes it, some of its words changed."""
    usual = {"version": 1, "run": "resnet", "framework": "", "state": "running",
             "pid": 1, "start": 1, "boot": "", "space": ""}  # fmt: skip
    return "# panewatch-training " + " ".join(f"{k}={v}" for k, v in (usual | words).items())
