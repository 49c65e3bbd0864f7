"""How many lines per second the built-in rules are tried on, beside mtail and a loop over ``re``.

The rules are panewatch's own code: `Rulebook.find` (which rules take a line) and the whole
`Classifier.feed` (what each line means). The peers get the same expressions.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import NamedTuple

from logs import ABSENT, Blocks, find_files, read_log
from panewatch.config import ErrorsSettings
from panewatch.errors.classifier import Classifier
from panewatch.errors.incident import Incidents
from panewatch.errors.loading import build_rulebook
from panewatch.errors.rulebook import Rulebook
from peers import Work, prepare_mtail, prepare_re
from report import Figure, Report, build_parser, publish

BUDGET, RATIO_BUDGET = 2_000_000.0, 50.0
FOLDERS = ("training", "ci")

_OTHER_LINES = [f"error {number}: of no interest" for number in range(6000)]
"""More lines than a rulebook remembers, so that no round profits from the one before."""


class Cost(NamedTuple):
    """Seconds that something took."""

    cpu: float
    wall: float


def measure(work: Callable[[], object]) -> Cost:
    """Return what ``work`` costs this process and the children that it waits for."""
    cpu, wall = _count_cpu(), time.perf_counter()
    work()
    return Cost(_count_cpu() - cpu, time.perf_counter() - wall)


def _count_cpu() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measure_median(work: Callable[[], object], rounds: int) -> Cost:
    """Return the median CPU time and the median wall time of ``rounds``."""
    cpu, wall = zip(*(measure(work) for _ in range(rounds)), strict=True)
    return Cost(statistics.median(cpu), statistics.median(wall))


class Ours:
    """The built-in rules and the logs that they are tried on."""

    def __init__(self, rulebook: Rulebook, logs: Sequence[Blocks]) -> None:
        self._rulebook = rulebook
        self._logs = logs

    def find_rules(self) -> None:
        """Find the rules of every line."""
        for log in self._logs:
            for block in log:
                self._rulebook.find(block)

    def read_events(self) -> None:
        """Let every log scroll through a pane of its own."""
        for log in self._logs:
            classifier = Classifier(self._rulebook, Incidents(count(1)))
            for block in log:
                classifier.feed(block, 0.0)
            classifier.flush(0.0, force=True)

    def measure(self, work: Callable[[], None], rounds: int) -> Cost:
        """Return the medians of rounds that remember nothing of each other."""
        work()  # compiles what lines ask for
        found: list[Cost] = []
        for _ in range(rounds):
            self._rulebook.find(_OTHER_LINES)
            found.append(measure(work))
        cpu, wall = zip(*found, strict=True)
        return Cost(statistics.median(cpu), statistics.median(wall))


def measure_peer(work: Work, rounds: int) -> Cost:
    """Return the medians of rounds without what the start takes."""
    start, whole = measure_median(work.start, rounds), measure_median(work.search, rounds)
    return Cost(whole.cpu - start.cpu, whole.wall - start.wall)


def take_sample(logs: Sequence[Blocks], most: int) -> list[str]:
    """Return at most ``most`` lines, evenly from all logs, each with those beside it."""
    blocks = [block for log in logs for block in log]
    step = max(1, sum(map(len, blocks)) // most)
    return [line for block in blocks for line in block[:: max(1, step)]][:most]


def run(arguments: argparse.Namespace) -> Report:
    """Measure panewatch and its peers on the same logs."""
    report = Report("classification")
    files = find_files(arguments.logs, FOLDERS)
    if not files:
        report.notes.append(ABSENT)
        return report
    rulebook = build_rulebook(ErrorsSettings())
    logs = [read_log(path) for path in files]
    number = sum(len(block) for log in logs for block in log)
    sample = take_sample(logs, arguments.peer_lines)

    def note(what: str, lines: int, cost: Cost, hits: int | None = None) -> float:
        report.rows.append(
            {
                "what": what, "lines": lines, "CPU s": f"{cost.cpu:.3f}",
                "wall s": f"{cost.wall:.3f}", "lines/s of wall": f"{lines / cost.wall:.0f}",
                "matches": "" if hits is None else hits,
            }
        )  # fmt: skip
        return lines / cost.cpu

    ours = Ours(rulebook, logs)
    found = note("find", number, ours.measure(ours.find_rules, arguments.rounds))
    fed = note("feed", number, ours.measure(ours.read_events, arguments.rounds))
    loop = prepare_re(rulebook.rules, sample)
    slow = note("re loop", len(sample), measure_peer(loop, arguments.peer_rounds), loop.search())
    binary = shutil.which("mtail")
    theirs: float | None = None
    if binary is None:
        report.notes.append("mtail is not installed: the re loop is the only peer.")
    else:
        with tempfile.TemporaryDirectory() as folder:
            mtail = prepare_mtail(binary, rulebook.rules, sample, Path(folder))
            cost = measure_peer(mtail, arguments.peer_rounds)
            theirs = note("mtail", len(sample), cost, mtail.search())
    report.figures += [
        Figure("lines whose rules are found, per second of CPU", found, "lines", BUDGET,
               at_least=True, peer="mtail", peer_value=theirs),
        Figure("lines read into events, per second of CPU", fed, "lines",
               peer="re loop", peer_value=slow),
        Figure("reading into events: times faster than the re loop", fed / slow, "x"),
    ]  # fmt: skip
    if theirs is not None:
        report.figures.append(
            Figure("reading into events: times faster than mtail", fed / theirs, "x",
                   RATIO_BUDGET, at_least=True)
        )  # fmt: skip
    longest = max(len(block) for log in logs for block in log)
    report.notes.append(
        f"{len(files)} logs in blocks of up to {longest} lines; {len(rulebook.rules)} rules with"
        f" {sum(len(rule.match) for rule in rulebook.rules)}"
        f" expressions. Medians of {arguments.rounds} rounds, {arguments.peer_rounds} for the"
        " peers, whose start is taken off. They read an even sample of the same lines."
    )
    return report


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("logs", nargs="*", type=Path, help="files or folders")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peer-rounds", type=int, default=3)
    parser.add_argument("--peer-lines", type=int, default=2000, help="that the peers read")
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
