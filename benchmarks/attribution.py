"""What the machine and its panes' share of it cost to know, and how right that share is.

All parts that a sample of the machine has, at many processes in many panes, some of which have left
their pane's tree and some of which use GPUs of the stand-in that the tests have. Then two panes
whose programs say themselves what they used, beside what panewatch tells of them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from report import Figure, Report, build_parser, publish, quantile
from terminals import PrivateServer, wait_for

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from machine.attribution.crew import WAYS, Crew  # noqa: E402 as it is a test's
from machine.gpu.fake_nvml import COMPILER, FakeNvml, describe_all  # noqa: E402
from panes.private_tmux import PrivateTmux  # noqa: E402
from panes.watching import Watch  # noqa: E402
from panewatch.config import Config, TmuxSettings  # noqa: E402
from panewatch.machine.attribution.collector import AttributionCollector  # noqa: E402
from panewatch.machine.gpu.board import GpuBoard  # noqa: E402
from panewatch.machine.gpu.collector import GpuCollector  # noqa: E402
from panewatch.machine.host.collector import HostCollector  # noqa: E402
from panewatch.panes.model import PaneKey  # noqa: E402
from panewatch.panes.noticeboard import Noticeboard  # noqa: E402
from panewatch.panes.sweeper import Sweeper  # noqa: E402
from panewatch.panes.tmux import Tmux  # noqa: E402
from panewatch.panes.trees import Trees  # noqa: E402

BUDGET_PERCENT = 1.0
"""Of one core, for everything about the machine at the default intervals."""

STRAYS = 0.4
"""The share of a pane's processes that have left its tree."""

MARK = "100003"
"""The seconds that the processes sleep: by them those that have left are found again."""

LOADS = {"is below its shell": (3.0, 200, 64), "has left the tree": (1.0, 50, 16)}
"""What the programs of two panes use: seconds of CPU, MiB of memory, MiB written."""


def write_command(processes: int) -> str:
    """Return the command of a pane of so many processes, its shell among them."""
    strays = int(processes * STRAYS)
    inside = [f"sleep {MARK} &"] * (processes - 1 - strays)
    return " ".join([*inside, *[f"(setsid sleep {MARK} &);"] * strays, "wait"])


def list_sleepers() -> list[int]:
    """Return the processes that the panes have begun, those that have left too."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (path / "cmdline").read_bytes() == f"sleep\0{MARK}\0".encode():
                found.append(int(path.name))
    return found


@contextlib.contextmanager
def crowd(panes: int, processes: int) -> Iterator[PrivateServer]:
    """Fill panes with processes that do nothing, and end all of them."""
    each = max(2, processes // panes)
    before = set(list_sleepers())
    with PrivateServer() as server:
        try:
            server.open([write_command(each)] * panes)
            wait_for(
                lambda: len(set(list_sleepers()) - before) == panes * (each - 1),
                60, "all processes are there",
            )  # fmt: skip
            yield server
        finally:
            for pid in set(list_sleepers()) - before:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def describe_gpus(count: int, pids: list[int]) -> list[str]:
    """Return a driver whose GPUs are used by these processes, in equal parts."""
    lines = [line for line in describe_all(count) if " process " not in line]
    return lines + [f"{n % count} process {pid} {1 << 28} 5" for n, pid in enumerate(pids)]


def list_panes(socket: str) -> dict[PaneKey, int]:
    """Return the panes by their keys, with their first processes."""
    form = "#{pid} #{start_time} #{pane_id} #{pane_pid}"
    done = subprocess.run(
        ["tmux", "-S", socket, "list-panes", "-a", "-F", form],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [row.split() for row in done.stdout.splitlines()]
    return {PaneKey(int(pid), int(start), pane): int(first) for pid, start, pane, first in rows}


def sample(socket: str, rounds: int, pause: float) -> dict[str, object]:
    """Return what each part costs in this process, by round, in seconds of CPU."""
    config = Config()
    settings = TmuxSettings()
    tmux = Tmux(settings.binary, (), socket, 5.0)
    sweeper = Sweeper("benchmark", tmux, config.panes, local=True, began=time.time())
    sweeper.sweep()
    assert sweeper.published is not None
    panes, board, gpus, trees = list_panes(socket), Noticeboard(), GpuBoard(), Trees()
    gpu, host = GpuCollector(config, gpus), HostCollector(config)
    attribution = AttributionCollector(board, gpus)
    parts: dict[str, Callable[[], int]] = {
        "GPUs": lambda: sum(len(family.samples) for family in gpu.collect()),
        "host": lambda: sum(len(family.samples) for family in host.collect()),
        "processes of panes": lambda: sum(use.processes for use in trees.measure(panes).values()),
        "attribution": lambda: sum(len(family.samples) for family in attribution.collect()),
    }
    costs: dict[str, list[float]] = {name: [] for name in parts}
    found: dict[str, int] = {}
    for number in range(rounds + 1):
        board.post([sweeper.published])
        for name, read in parts.items():
            begun = time.process_time()
            found[name] = read()
            if number:  # the first look at everything happens once
                costs[name].append(time.process_time() - begun)
        time.sleep(pause)
    gpu.stop()
    host.stop()
    return {"costs": costs, "found": found}


def measure_cost(report: Report, arguments: argparse.Namespace) -> None:
    """Measure what a sample costs at each number of GPUs."""
    config = Config()
    intervals = {
        "GPUs": config.collectors.gpu.interval,
        "host": config.collectors.host.interval,
        "processes of panes": config.panes.process_interval,
        "attribution": config.collectors.attribution.interval,
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        crowd(arguments.panes, arguments.processes) as server,
    ):
        library = FakeNvml(Path(folder))
        pids = list_sleepers()[:: max(1, arguments.processes // (2 * arguments.panes))]
        for gpus in (1, 8):
            library.tell(describe_gpus(gpus, pids))
            words = ["--rounds", str(arguments.rounds), "--pause", str(arguments.pause)]
            done = subprocess.run(
                [sys.executable, __file__, "--sample", server.socket, *words],
                stdout=subprocess.PIPE, text=True, check=True, env=os.environ | library.environment,
            )  # fmt: skip
            told = json.loads(done.stdout)
            name = "1 GPU" if gpus == 1 else f"{gpus} GPUs"
            costs: dict[str, list[float]] = told["costs"]
            share = 0.0
            for part, values in costs.items():
                mine = 100 * sum(values) / len(values) / intervals[part]
                share += mine
                report.rows.append(
                    {
                        "GPUs": gpus,
                        "part": part,
                        "found": told["found"][part],
                        "CPU p50, ms": f"{1000 * quantile(values, 0.5):.2f}",
                        "CPU worst, ms": f"{1000 * max(values):.2f}",
                        "every, s": f"{intervals[part]:g}",
                        "of a core, %": f"{mine:.3f}",
                    }
                )
            whole = [sum(each) for each in zip(*costs.values(), strict=True)]
            report.figures += [
                Figure(f"{name}: CPU of a sample, median", 1000 * quantile(whole, 0.5), "ms"),
                Figure(f"{name}: share of a core", share, "%", BUDGET_PERCENT),
            ]
    report.notes.append(
        f"{arguments.processes} processes in {arguments.panes} panes, {int(100 * STRAYS)} % of "
        f"them outside of their pane's tree, {len(pids)} of them on GPUs; {arguments.rounds} "
        f"samples, {arguments.pause:g} s apart. Found are series, and of panes processes."
    )


SETTLES_SECONDS = 3.0
"""For how long is looked on after the programs have done their work."""


def measure_error(report: Report, scale: float) -> None:
    """Compare what is told of two panes with what their programs say of themselves."""
    folder = Path(tempfile.mkdtemp(prefix="pw"))
    tmux = PrivateTmux(folder)
    crew = Crew(tmux)
    errors: dict[str, list[float]] = {"CPU time": [], "memory": [], "bytes written": []}
    try:
        panes = {}
        for number, (where, load) in enumerate(LOADS.items()):
            cpu, memory, write = load[0] * scale, int(load[1] * scale), int(load[2] * scale)
            call = crew.call(f"worker{number}", cpu=cpu, memory=memory, write=write)
            command = WAYS["setsid"].format(worker=call) if number else f"{call} & wait"
            panes[where] = crew.open(command, first=not number)
        watch = Watch(tmux)
        watch.look()
        reports = [crew.find(f"worker{number}") for number in range(len(panes))]
        # What costs much is not measured twice in a row: the next look may not tell yet.
        until = time.monotonic() + SETTLES_SECONDS
        while time.monotonic() < until:
            watch.look()
            time.sleep(SETTLES_SECONDS / 10)
        for (where, pane), truth in zip(panes.items(), reports, strict=True):
            view = watch.view(pane)
            pairs = {
                "CPU time": (view.cpu_seconds or 0.0, truth["cpu"]),
                "memory": (view.memory_bytes or 0, truth["resident"]),
                "bytes written": (view.written_bytes or 0, truth["written"]),
            }
            for what, (told, used) in pairs.items():
                errors[what].append(100 * abs(told / used - 1))
            report.notes.append(
                f"The program that {where} used {write_use(*(used for _, used in pairs.values()))};"
                f" told of its pane: {write_use(*(told for told, _ in pairs.values()))}."
            )
    finally:
        crew.end_all()
        tmux.kill()
        shutil.rmtree(folder, ignore_errors=True)
    for what, values in errors.items():
        report.figures.append(
            Figure(f"{what} told of a pane, error of the worse", max(values), "%")
        )


def write_use(cpu: float, memory: float, written: float) -> str:
    """Write what a program used."""
    return f"{cpu:.2f} s of CPU, {memory / 2**20:.1f} MiB, wrote {written / 2**20:.1f} MiB"


def run(arguments: argparse.Namespace) -> Report:
    """Measure both."""
    report = Report("attribution")
    if COMPILER is None:
        report.notes.append("What it costs is skipped: no C compiler (cc) is installed.")
    else:
        measure_cost(report, arguments)
    measure_error(report, arguments.scale)
    return report


def main() -> None:
    """Measure and print."""
    parser = build_parser(__doc__)
    parser.add_argument("--panes", type=int, default=50)
    parser.add_argument("--processes", type=int, default=500, help="in all panes together")
    parser.add_argument("--rounds", type=int, default=40, help="samples of each number of GPUs")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two samples")
    parser.add_argument("--scale", type=float, default=1.0, help="how much the two programs use")
    parser.add_argument("--sample", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sample:
        print(json.dumps(sample(arguments.sample, arguments.rounds, arguments.pause)))
    else:
        publish(run(arguments), as_json=arguments.json)


if __name__ == "__main__":
    main()
