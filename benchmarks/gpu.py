"""What it costs to read the GPUs of a machine.

The collector as it is, binding and all, reads 1 and 8 GPUs of the stand-in for the driver's
library that the tests have. It answers at once, so what is measured is panewatch's own part: a
real driver adds its own time, most of which is waited for.
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

from report import Figure, Report, build_parser, publish, quantile

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from machine.gpu.fake_nvml import COMPILER, FakeNvml, describe_all  # noqa: E402 as it is a test's
from panewatch.config import Config  # noqa: E402
from panewatch.machine.gpu.board import GpuBoard  # noqa: E402
from panewatch.machine.gpu.collector import GpuCollector  # noqa: E402
from panewatch.machine.gpu.nvml import Nvml  # noqa: E402
from panewatch.machine.gpu.reader import Reader  # noqa: E402

BUDGET_PERCENT = 0.5
"""Of one core, for 8 GPUs at the default interval: half of what the whole machine may cost."""


def read_resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sample(rounds: int) -> dict[str, object]:
    """Return what samples cost in this process, whose library is the stand-in."""
    before = read_resident()
    collector = GpuCollector(Config(), GpuBoard())
    series = sum(len(family.samples) for family in collector.collect())
    cpu: list[float] = []
    wall: list[float] = []
    for _ in range(rounds):
        # CPU of the whole process: the library is called in a thread of its own.
        cpu_before, begun = time.process_time(), time.perf_counter()
        list(collector.collect())
        cpu.append(time.process_time() - cpu_before)
        wall.append(time.perf_counter() - begun)
    grown = read_resident() - before
    collector.stop()
    reader = Reader(Nvml())
    reader.read()
    begun = time.process_time()
    for _ in range(rounds):
        reader.read()
    reading = (time.process_time() - begun) / rounds
    reader.close()
    return {"series": series, "cpu": cpu, "wall": wall, "grown": grown, "reading": reading}


def measure(library: FakeNvml, gpus: int, rounds: int) -> dict[str, object]:
    """Return the same of a process that finds so many GPUs."""
    library.tell(describe_all(gpus))
    done = subprocess.run(
        [sys.executable, __file__, "--sample", "--rounds", str(rounds)],
        stdout=subprocess.PIPE, text=True, check=True, env=os.environ | library.environment,
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout)
    return found


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    report = Report("gpu")
    if COMPILER is None:
        report.notes.append("Skipped: no C compiler (cc) is installed.")
        return report
    interval = Config().collectors.gpu.interval
    with tempfile.TemporaryDirectory() as folder:
        library = FakeNvml(Path(folder))
        for gpus in (1, 8):
            found = measure(library, gpus, arguments.rounds)
            cpu, wall = found["cpu"], found["wall"]
            assert isinstance(cpu, list)
            assert isinstance(wall, list)
            name = "1 GPU" if gpus == 1 else f"{gpus} GPUs"
            report.figures += [
                Figure(f"{name}: CPU of a sample, median", 1000 * quantile(cpu, 0.5), "ms"),
                Figure(
                    f"{name}: share of a core, a sample every {interval:.0f} s",
                    100 * sum(cpu) / len(cpu) / interval, "%",
                    BUDGET_PERCENT if gpus > 1 else None,
                ),
            ]  # fmt: skip
            report.rows.append(
                {
                    "GPUs": gpus,
                    "series": found["series"],
                    "CPU p50, ms": f"{1000 * quantile(cpu, 0.5):.2f}",
                    "CPU p99, ms": f"{1000 * quantile(cpu, 0.99):.2f}",
                    "of it reading, ms": f"{1000 * float(str(found['reading'])):.2f}",
                    "wall p50, ms": f"{1000 * quantile(wall, 0.5):.2f}",
                    "memory, MiB": f"{float(str(found['grown'])) / 2**20:.1f}",
                }
            )
    report.notes.append(
        f"{arguments.rounds} samples each; the stand-in's own CPU is part of them. Memory is what "
        "the binding and the samples take once there is a library."
    )
    return report


def main() -> None:
    """Measure and print."""
    parser = build_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="samples of each number of GPUs")
    parser.add_argument("--sample", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sample:
        print(json.dumps(sample(arguments.rounds)))
    else:
        publish(run(arguments), as_json=arguments.json)


if __name__ == "__main__":
    main()
