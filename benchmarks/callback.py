"""What it costs a training to be measured by the callback.

A loop of batches that do nothing tells the cost of each; steps of about 20 ms, that hold the
interpreter all the time, are timed with and without in turns. Where ``--python`` names an
environment with Lightning, its ThroughputMonitor is measured in the same fit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from panewatch.training.callback import TrainingMonitor
from report import Figure, Report, build_parser, publish, quantile

BUDGET_MICROSECONDS = 50.0
STEP_SECONDS = 0.020
INTERVAL_SECONDS = 1.0
"""Files are written five times as often as usual, so that a few seconds have some."""


def make_monitor(folder: str) -> TrainingMonitor:
    """Return a monitor that writes to a directory of its own."""
    return TrainingMonitor(run="benchmark", directory=folder, interval=INTERVAL_SECONDS)


def measure_batches(folder: str, batches: int, rounds: int) -> list[float]:
    """Return the microseconds that a batch costs: of each round the mean of all its batches."""
    data = [[0] * 32] * batches
    found: list[float] = []
    with make_monitor(folder) as monitor:
        for _ in range(rounds):
            begun = time.perf_counter()
            for _batch in data:
                pass
            empty = time.perf_counter() - begun
            begun = time.perf_counter()
            for _batch in monitor.watch(data):
                monitor.log(loss=0.5)
            found.append(1e6 * (time.perf_counter() - begun - empty) / batches)
    return found


def compute(size: int) -> int:
    """Work without ever leaving the interpreter to anybody by itself."""
    return sum(place * place for place in range(size))


def calibrate() -> int:
    """Return how much work takes a step."""
    size, took = 10_000, 0.0
    while took < STEP_SECONDS:
        size = int(size * 1.2)
        took = min(time_step(size) for _ in range(5))
    return size


def time_step(size: int) -> float:
    """Return the seconds that one step takes."""
    begun = time.perf_counter()
    compute(size)
    return time.perf_counter() - begun


def measure_steps(folder: str, steps: int, size: int) -> tuple[list[float], list[float]]:
    """Return the seconds of steps without and with the callback, taken in turns."""
    without: list[float] = []
    measured: list[float] = []
    with make_monitor(folder) as monitor:
        for _ in range(steps):
            begun = time.perf_counter()
            compute(size)
            without.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            monitor.begin_batch()
            compute(size)
            monitor.end_batch(samples=32, loss=0.5)
            measured.append(time.perf_counter() - begun)
    return without, measured


def fit(python: str, batches: int, folder: str) -> dict[str, Any] | None:
    """Return what callbacks cost in a fit of Lightning; None where there is none."""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [python, str(root / "benchmarks" / "fitter.py"), str(batches), folder],
        capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(root / "exporter")},
    )  # fmt: skip
    if done.returncode:
        if "No module named 'lightning'" not in done.stderr:
            sys.stderr.write(done.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        costs = measure_batches(folder, arguments.batches, arguments.rounds)
        size = calibrate()
        without, measured = measure_steps(folder, arguments.steps, size)
        fitted = fit(arguments.python, arguments.batches, folder)
    report = Report("callback")
    report.figures.append(
        Figure("a batch in `watch`, median of rounds", quantile(costs, 0.5), "µs",
               BUDGET_MICROSECONDS)
    )  # fmt: skip
    if fitted is not None:
        report.figures.append(
            Figure("a batch in Lightning, median", fitted["ours"] / 1000, "µs",
                   BUDGET_MICROSECONDS, peer="ThroughputMonitor",
                   peer_value=fitted["peer"] / 1000)
        )  # fmt: skip
    plain, watched = quantile(without, 0.5), quantile(measured, 0.5)
    report.figures += [
        Figure("a step without it, median", 1000 * plain, "ms"),
        Figure("a step with it, median", 1000 * watched, "ms"),
        Figure("what it adds to a step", 100 * (watched / plain - 1), "%", 1.0),
    ]
    for share, name in ((0.1, "p10"), (0.5, "p50"), (0.9, "p90")):
        report.rows.append(
            {"steps": name, "without, ms": f"{1000 * quantile(without, share):.3f}",
             "with, ms": f"{1000 * quantile(measured, share):.3f}"}
        )  # fmt: skip
    report.notes.append(
        f"{arguments.steps} steps each way, in turns, that hold the interpreter all the time; a "
        f"file every {INTERVAL_SECONDS:.0f} s."
    )
    if fitted is None:
        report.notes.append("Lightning is not installed there: its ThroughputMonitor is left out.")
    else:
        report.notes.append(
            f"Lightning {fitted['lightning']}, {fitted['batches']} batches on the CPU; both "
            "callbacks in the same fit, their two hooks of each batch."
        )
    return report


def main() -> None:
    """Measure and print."""
    parser = build_parser(__doc__)
    parser.add_argument("--batches", type=int, default=5000, help="batches of a round")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of batches that do nothing")
    parser.add_argument("--steps", type=int, default=500, help="steps of 20 ms, each way")
    parser.add_argument("--python", default=sys.executable, help="where Lightning may be")
    arguments = parser.parse_args()
    publish(run(arguments), as_json=arguments.json)


if __name__ == "__main__":
    main()
