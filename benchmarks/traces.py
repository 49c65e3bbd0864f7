"""What it takes to read a large profiler trace, beside HolisticTraceAnalysis.

With ``--python`` the trace is a real one, of a training on the CPU that PyTorch's profiler
records; without it the events are made up, in the layout that PyTorch writes. Each reader runs
in a process of its own; its peak memory is what that process took at most.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from report import Figure, Report, build_parser, publish

BUDGET_SECONDS = 10.0
BUDGET_FASTER = 5.0
BUDGET_DIFFERENCE = 1.0
STEP_BYTES = 900_000
"""What a step of the recorded training takes in a trace, about."""

READER = """
import json, resource, sys, time
from panewatch.training.traces.reading import read_trace
begin = time.perf_counter()
profile = read_trace(sys.argv[1], top=10_000)
took = time.perf_counter() - begin
own = {}
for row in profile.operators:
    own[row.name] = own.get(row.name, 0.0) + row.self_seconds * 1e6
print(json.dumps({"seconds": took, "own": own, "events": profile.events,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
PEER = """
import contextlib, json, resource, sys, time
with contextlib.redirect_stdout(sys.stderr):
    from hta.trace_analysis import TraceAnalysis
    begin = time.perf_counter()
    TraceAnalysis(trace_files={0: sys.argv[1]}, trace_dir="")
print(json.dumps({"seconds": time.perf_counter() - begin,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def run(arguments: argparse.Namespace) -> Report:
    """Make the trace, have it read, and compare."""
    report = Report("traces")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rank0.json"
        own = make_trace(path, arguments, report)
        size = path.stat().st_size / 1e6
        ours = read(sys.executable, READER, path)
        peer = {} if arguments.peer is None else read(arguments.peer, PEER, path)
    seconds = peer.get("seconds")
    name = "HolisticTraceAnalysis"
    report.figures = [
        Figure(f"reading {size:.0f} MB", ours["seconds"], "s", BUDGET_SECONDS, peer=name,
               peer_value=seconds),
        Figure("peak memory", ours["megabytes"], "MB", peer=name,
               peer_value=peer.get("megabytes")),
    ]  # fmt: skip
    if seconds:
        faster = seconds / ours["seconds"]
        report.figures.append(
            Figure("times as fast as the peer", faster, "", BUDGET_FASTER, at_least=True)
        )
    report.figures.append(
        Figure("largest difference of an own time", find_difference(own, ours["own"]), "%",
               BUDGET_DIFFERENCE, peer="the truth", peer_value=0.0)
    )  # fmt: skip
    report.notes.append(f"{ours['events']} events; what a reader imports is not in its time.")
    return report


def make_trace(path: Path, arguments: argparse.Namespace, report: Report) -> dict[str, float]:
    """Write the trace and return its own times in microseconds, by name."""
    if arguments.python is None:
        report.notes.append("The trace is made up: --python names an environment with PyTorch.")
        return write_trace(path, int(arguments.megabytes * 1e6))
    steps = max(1, round(arguments.megabytes * 1e6 / STEP_BYTES))
    recorder = Path(__file__).with_name("tracer.py")
    done = subprocess.run(
        [arguments.python, str(recorder), str(path), str(steps)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    own: dict[str, float] = json.loads(done.stdout)
    report.notes.append(
        f"{steps} steps of a small transformer, recorded by PyTorch; own times are compared with "
        "its key_averages()."
    )
    return own


def write_trace(path: Path, size: int) -> dict[str, float]:
    """Write steps of nested operators until a file has a size."""
    own = {"ProfilerStep*": 0.0}
    at, number = 1e6, 0
    with path.open("w") as file:
        file.write('{\n  "schemaVersion": 1,\n  "traceEvents": [\n')
        while file.tell() < size:
            events = [build_event(f"ProfilerStep#{number}", at, 20_200.0, "user_annotation")]
            own["ProfilerStep*"] += 200.0
            for index in range(200):
                outer, inner = f"aten::outer{index % 40}", f"aten::inner{index % 30}"
                start = at + 100.0 * index
                events += [
                    build_event(outer, start, 100.0), build_event(inner, start + 10.0, 60.0)
                ]  # fmt: skip
                own[outer] = own.get(outer, 0.0) + 40.0
                own[inner] = own.get(inner, 0.0) + 60.0
            file.write(",\n".join(json.dumps(event, indent=2) for event in events) + ",\n")
            at, number = at + 20_300.0, number + 1
        file.write('{"ph": "M", "name": "process_name", "pid": 7}\n  ]}')
    return own


def build_event(name: str, start: float, duration: float, cat: str = "cpu_op") -> dict[str, Any]:
    """Return an event as PyTorch writes them."""
    return {
        "ph": "X", "cat": cat, "name": name, "pid": 7, "tid": 7, "ts": start, "dur": duration,
        "args": {"External id": 7, "Ev Idx": 7, "Input Dims": [[16, 32], []], "Name": "x"},
    }  # fmt: skip


def read(python: str, program: str, path: Path) -> dict[str, Any]:
    """Return what a reader said of a trace.

    Raises:
        subprocess.CalledProcessError: it could not read it.
    """
    done = subprocess.run(
        [python, "-c", program, str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def find_difference(truth: dict[str, float], found: dict[str, float]) -> float:
    """Return by how much own times differ at most, in percent of the true one."""
    return max(
        100 * abs(found.get(name, 0.0) - own) / max(own, 0.001) for name, own in truth.items()
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--megabytes", type=float, default=200.0, help="size of the trace")
    parser.add_argument("--python", help="interpreter of an environment with PyTorch")
    parser.add_argument("--peer", help="interpreter of one with HolisticTraceAnalysis")
    publish(run(arguments := parser.parse_args(words)), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
