"""What exporters of GPUs answer while the driver fails, and how fast they answer when it is well.

panewatch and nvitop-exporter read the same stand-in for the driver's library, each at its own
defaults; node_exporter, which knows no GPUs, stands beside them for its speed. At each fault the
stand-in tells other values than before, so that an old value shows.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from daemons import Exporter, measure, start_node_exporter
from report import Figure, Report, build_parser, publish, quantile
from terminals import wait_for

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from machine.gpu.fake_nvml import COMPILER, UUIDS, FakeNvml, describe_all  # noqa: E402 as it is a test's

PEER = "nvitop-exporter"
GPUS = 2
PAUSE = 0.06
"""Seconds between two requests: more than panewatch shares an answer for."""

MISSING, LOST = "no-library", "lost-gpu"
FAULTS = {
    MISSING: [],
    LOST: ["1 ! * error 15"],
    "hang": ["* ! * hang"],
    "no-driver": ["* ! * error 9"],
}
"""What the stand-in does beside telling values."""

_UTILIZATION = re.compile(r'^\w*gpu_utilization\w*\{[^}]*"(GPU-[^"]+)"[^}]*\} (\S+)$', re.MULTILINE)
_STATE = re.compile(r'^panewatch_gpu_state\{state="(\w+)"\} 1(?:\.0)?$', re.MULTILINE)
_LOST = re.compile(r"^panewatch_gpu_lost\{.*\} 1(?:\.0)?$", re.MULTILINE)


def describe(first: int, *, fault: list[str] | None = None) -> list[str]:
    """Return a driver whose GPUs have utilizations from ``first`` on."""
    lines = [line for line in describe_all(GPUS) if " utilization " not in line]
    return [*(fault or []), *lines, *(f"{n} utilization {first + n}" for n in range(GPUS))]


@dataclass(frozen=True, slots=True)
class Result:
    """How an exporter answers that is well: milliseconds and series."""

    p50: float
    p99: float
    series: int


def scrape(exporter: Exporter, requests: int) -> Result:
    """Ask so often, over a new connection each time: the peer keeps none."""
    times = []
    text = ""
    for _ in range(requests):
        time.sleep(PAUSE)
        begun = time.perf_counter()
        text = exporter.scrape()
        times.append(1000 * (time.perf_counter() - begun))
    series = sum(1 for line in text.splitlines() if line and not line.startswith("#"))
    return Result(quantile(times, 0.5), quantile(times, 0.99), series)


@dataclass(slots=True)
class Look:
    """What an exporter answers at one moment: utilization in percent by the GPU's index."""

    took: float = 0.0
    ended: int | None = None
    values: dict[int, float] = field(default_factory=dict)
    said: str = ""

    @property
    def answered(self) -> bool:
        """Whether there was an answer."""
        return not self.said.startswith("no answer") and self.ended is None

    def is_true(self, first: int, *, lost: bool = False, gone: bool = False) -> bool:
        """Tell whether nothing is told that is not so now, and nothing left out that is."""
        count = 0 if gone else GPUS - lost
        return self.answered and self.values == {n: first + n for n in range(count)}

    def write(self, first: int) -> str:
        """Write it; values are new where they go from ``first`` on."""
        if self.ended is not None:
            return f"ended with status {self.ended}"
        if not self.answered:
            return self.said
        told = [
            f"GPU {n} {'new' if value == first + n else 'old'}"
            for n, value in sorted(self.values.items())
        ]
        return ", ".join([*(told or ["no GPU"]), *filter(None, [self.said])])


def look(exporter: Exporter) -> Look:
    """Ask an exporter once."""
    found = Look(ended=exporter.status)
    if found.ended is not None:
        return found
    begun = time.monotonic()
    try:
        text = exporter.scrape()
    except OSError as error:
        found.said = f"no answer: {type(error).__name__}"
        return found
    found.took = time.monotonic() - begun
    for uuid, value in _UTILIZATION.findall(text):
        if value != "NaN" and uuid in UUIDS:
            # Ours is a ratio, theirs are percent.
            percent = float(value) * (100 if "panewatch_gpu_utilization_ratio" in text else 1)
            found.values[UUIDS.index(uuid)] = round(percent, 6)
    state = _STATE.search(text)
    found.said = f"state {state[1]}" if state else ""
    if lost := len(_LOST.findall(text)):
        found.said += f", {lost} lost"
    return found


def is_well(exporter: Exporter) -> bool:
    """Tell whether an exporter tells what all GPUs do before a fault."""
    return look(exporter).is_true(10)


class Contest:
    """Exporters on one library, each fault in a run of its own."""

    def __init__(self, peer: Path | None, seconds: float) -> None:
        self.seconds = seconds
        self.binary = peer / "bin" / PEER if peer else None

    def start(self, library: dict[str, str], folder: Path) -> dict[str, Exporter]:
        """Return the exporters, not waited for."""
        found = {
            "panewatch": Exporter(
                [sys.executable, "-m", "panewatch", "serve", f"--tmux.socket={folder}/none"],
                folder, environment=library,
            )
        }  # fmt: skip
        if self.binary:
            found[PEER] = Exporter(
                [str(self.binary), "--hostname=benchmark"],
                folder, environment=library, listen="--port={port}",
            )  # fmt: skip
        return found

    def try_fault(self, name: str) -> tuple[dict[str, object], dict[str, tuple[bool, bool]]]:
        """Return a row of the table, and of each exporter: told the truth, and recovered."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            driver = folder / "driver"
            driver.mkdir()
            environment = {"LD_LIBRARY_PATH": str(driver), "FAKE_NVML": str(driver / "state")}
            library = None if name == MISSING else FakeNvml(driver)
            if library:
                library.tell(describe(10))
            exporters = self.start(environment, folder)
            for exporter in exporters.values():
                stack.callback(exporter.end)
            if library:
                for exporter in exporters.values():
                    wait_for(partial(is_well, exporter), 40, "all GPUs are told")
                library.tell(describe(30, fault=FAULTS[name]))
            time.sleep(self.seconds)
            during = {who: look(exporter) for who, exporter in exporters.items()}
            library = library or FakeNvml(driver)
            library.tell(describe(50))
            after = {who: self.wait(exporter) for who, exporter in exporters.items()}
        row: dict[str, object] = {"fault": name}
        verdicts = {}
        for who in exporters:
            well = after[who].is_true(50)
            row[who] = during[who].write(30)
            row[f"{who}, after it"] = "all new" if well else after[who].write(50)
            truth = during[who].is_true(30, lost=name == LOST, gone=name != LOST)
            verdicts[who] = truth, well
        return row, verdicts

    def wait(self, exporter: Exporter) -> Look:
        """Return the first answer in which all is well again, or the last in time."""
        deadline = time.monotonic() + self.seconds
        while not (found := look(exporter)).is_true(50) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found


def measure_speed(report: Report, contest: Contest, gpus: int, requests: int) -> None:
    """Scrape all exporters in turn while the driver is well."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        library = FakeNvml(folder)
        library.tell(describe_all(gpus))
        exporters = contest.start(library.environment, folder)
        if (node := start_node_exporter(folder)) is not None:
            exporters["node_exporter"] = node
        for exporter in exporters.values():
            stack.enter_context(exporter)
        wait_for(lambda: len(look(exporters["panewatch"]).values) == gpus, 40, "GPUs are told")
        before = {who: measure(exporter.pid) for who, exporter in exporters.items()}
        time.sleep(contest.seconds)
        used = {who: measure(exporter.pid) for who, exporter in exporters.items()}
        results = {who: scrape(exporter, requests) for who, exporter in exporters.items()}
    report.figures += judge_speed(gpus, results)
    for who, old in before.items():
        new = used[who]
        report.notes.append(
            f"{who}, {write_count(gpus)}: {results[who].series} series, "
            f"p50 {results[who].p50:.1f} ms, p99 {results[who].p99:.1f} ms; while "
            f"nobody asks it uses {100 * (new.own - old.own) / (new.at - old.at):.2f} % of a core"
            f" and has {new.resident / 2**20:.0f} MiB."
        )


def write_count(gpus: int) -> str:
    """Write how many GPUs there are."""
    return "1 GPU" if gpus == 1 else f"{gpus} GPUs"


def judge_speed(gpus: int, results: dict[str, Result]) -> list[Figure]:
    """Return our figures beside those of each peer that ran."""
    ours = results["panewatch"]
    peers = {who: result for who, result in results.items() if who != "panewatch"}
    found = [
        Figure(f"{write_count(gpus)}: /metrics, p50", ours.p50, "ms"),
        Figure(f"{write_count(gpus)}: series", ours.series, ""),
    ]
    for who, theirs in peers.items():
        at = f"{write_count(gpus)}, beside {who}"
        found += [
            Figure(f"{at}: /metrics, p50", ours.p50, "ms", peer=who, peer_value=theirs.p50),
            Figure(f"{at}: series", ours.series, "", peer=who, peer_value=theirs.series),
        ]
    return found[2:] or found


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    report = Report("gpu_exporters")
    if COMPILER is None:
        report.notes.append("Skipped: no C compiler (cc) is installed.")
        return report
    contest = Contest(arguments.peer, arguments.seconds)
    for gpus in arguments.gpus:
        measure_speed(report, contest, gpus, arguments.requests)
    verdicts = []
    for name in arguments.faults:
        row, verdict = contest.try_fault(name)
        report.rows.append(row)
        verdicts.append(verdict)
    for number, what in enumerate(
        ("an answer and nothing untrue in it", "all well again without a restart")
    ):
        ours, *theirs = (
            sum(verdict[who][number] for verdict in verdicts)
            for who in (*["panewatch"], *([PEER] if contest.binary else []))
        )
        report.figures.append(
            Figure(
                f"faults with {what}", ours, f"of {len(verdicts)}", len(verdicts), at_least=True,
                peer=PEER if theirs else "", peer_value=theirs[0] if theirs else None,
            )
        )  # fmt: skip
    report.notes.append(
        f"The table tells what each answers {arguments.seconds:g} s after a fault began, and then "
        "up to as long after it is over. GPUs have a new utilization at each: an old one is of "
        "the time before the fault."
    )
    return report


def main() -> None:
    """Measure and print."""
    parser = build_parser(__doc__)
    parser.add_argument("--peer", type=Path, metavar="ENV", help=f"an environment that has {PEER}")
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0, help="to wait for an answer")
    parser.add_argument("--faults", nargs="+", choices=list(FAULTS), default=list(FAULTS))
    arguments = parser.parse_args()
    publish(run(arguments), as_json=arguments.json)


if __name__ == "__main__":
    main()
