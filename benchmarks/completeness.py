"""Whether every printed line is seen once, and every loss counted, with pipe-pane as truth.

Panes print numbered lines at many rates, in bursts, with clears, while they are resized,
their programs restarted or the panes respawned, all at the same time on one tmux server.
One real sweeper thread at default settings reads them.
"""

from __future__ import annotations

import argparse
import itertools
import math
import shlex
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from prometheus_client import Metric

from panewatch.config import PanesSettings, TmuxSettings
from panewatch.panes.model import PaneKey, PaneUpdate
from panewatch.panes.sweeper import Sweeper
from panewatch.panes.tmux import Tmux
from report import Figure, Report, build_parser, publish
from tally import Look, Tally, find_lines, tally
from terminals import Pane, PrivateServer, wait_for

PRINTER = Path(__file__).with_name("printer.py")
RATES = (10, 1000, 5000, 50_000)
MUST_BE_EXACT_TO = 5000
BURST = 1500
BURST_EVERY = 2.5
SLOW = 200
"""Lines per second of the panes that are cleared, resized, restarted and respawned."""

LIVES = 4
"""Programs that run one after the other in a pane."""

NEXT_LIFE = 1_000_000
SIZES = ("37x24", "120x24", "80x50", "60x10", "80x24")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pane does: its name, shell command, and whether all of it must be seen."""

    name: str
    command: str
    exact: bool
    asked: str


class Witness:
    """An observer that keeps the looks at each pane and their times."""

    name: ClassVar[str] = "witness"

    def __init__(self) -> None:
        self.looks: dict[str, list[Look]] = defaultdict(list)
        self.times: dict[str, list[float]] = defaultdict(list)
        self.weight = 0
        """Lines and gaps seen so far."""

    def observe(self, update: PaneUpdate) -> None:
        """Take in one look."""
        lines = [line.text for line in update.lines if not line.continued]
        self.looks[update.key.pane_id].append(Look(update.gap, lines))
        self.times[update.key.pane_id].append(update.monotonic)
        self.weight += update.gap + len(lines)

    def forget(self, pane: PaneKey) -> None:
        """Keep everything."""

    def collect(self) -> Iterable[Metric]:
        """Return nothing."""
        return ()


def print_from(
    first: int, rate: float, seconds: float, *, start: float = 0.0, more: str = ""
) -> str:
    """Return the shell command that runs the printer."""
    words = (sys.executable, "-S", str(PRINTER), start, first, int(rate * seconds), rate)
    return f"{shlex.join(map(str, words))} {more}".rstrip()


def make_plans(folder: Path, start: float, seconds: float, rates: Sequence[int]) -> list[Plan]:
    """Return all panes; they begin to print at ``start`` (Unix time)."""

    def run(name: str, rate: float, more: str = "") -> str:
        report = shlex.quote(str(folder / f"{name}.report"))
        printing = print_from(0, rate, seconds, start=start, more=f"{more} --report {report}")
        return f"{printing}; exec sleep 1000"

    life = seconds / LIVES
    lives = "; ".join(
        print_from(n * NEXT_LIFE, SLOW, life, start=start if n == 0 else 0) for n in range(LIVES)
    )
    plans = [
        Plan(f"{rate}/s", run(f"{rate}", rate), rate <= MUST_BE_EXACT_TO, str(rate))
        for rate in rates
    ]
    return [
        *plans,
        Plan("bursts", run("bursts", BURST / BURST_EVERY, f"--burst {BURST}"), True,
             f"{BURST} at once"),
        Plan("clears", run("clears", SLOW, f"--clear {SLOW // 2}"), True, str(SLOW)),
        Plan("resizes", run("resizes", SLOW), True, str(SLOW)),
        Plan("restarts", f"{lives}; exec sleep 1000", True, str(SLOW)),
        Plan("respawns", print_from(0, SLOW, 1000, start=start), False, str(SLOW)),
    ]  # fmt: skip


class Disturbance(threading.Thread):
    """Calls ``act`` with 1, 2, 3 … every ``every`` seconds from ``start`` on, ``count`` times."""

    def __init__(self, start: float, every: float, count: int, act: Callable[[int], None]) -> None:
        super().__init__(daemon=True)
        self._start_time, self._every, self._count, self._act = start, every, count, act

    def run(self) -> None:
        """Act until done."""
        for number in range(1, self._count + 1):
            time.sleep(max(0.0, self._start_time + number * self._every - time.time()))
            self._act(number)


def disturb(
    server: PrivateServer, panes: dict[str, Pane], start: float, seconds: float
) -> list[Disturbance]:
    """Start to resize one pane and to respawn another."""
    sizes = itertools.cycle(size.split("x") for size in SIZES)
    resized, respawned = panes["resizes"].pane_id, panes["respawns"].pane_id

    def resize(_number: int) -> None:
        width, height = next(sizes)
        server.run("resize-window", "-t", resized, "-x", width, "-y", height)

    def respawn(number: int) -> None:
        last = number == LIVES
        printing = print_from(number * NEXT_LIFE, SLOW, 1000)
        server.run("respawn-pane", "-k", "-t", respawned, "sleep 1000" if last else printing)

    threads = [
        Disturbance(start, 0.7, int(seconds / 0.7), resize),
        Disturbance(start, seconds / LIVES, LIVES, respawn),
    ]
    for thread in threads:
        thread.start()
    return threads


def wait_for_end(folder: Path, plans: Sequence[Plan], witness: Witness, limit: float) -> None:
    """Wait until the printers have ended and nothing new is printed or seen."""

    def weigh() -> tuple[int, int]:
        files = sum((folder / f"{place}.truth").stat().st_size for place in range(len(plans)))
        return files, witness.weight

    reports = [plan for plan in plans if "--report" in plan.command]
    wait_for(lambda: len(list(folder.glob("*.report"))) == len(reports), limit, "printers end")
    last, since = weigh(), time.monotonic()

    def settled() -> bool:
        nonlocal last, since
        now = weigh()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 4.0

    wait_for(settled, 60, "all is seen")


def measure(seconds: float, rates: Sequence[int]) -> list[tuple[Plan, Tally, float, float]]:
    """Return plan, tally, lines per second and longest time between looks of each pane."""
    witness = Witness()
    with PrivateServer() as server:
        began = time.time() - 2.0
        start = time.time() + 5.0
        plans = make_plans(server.folder, start, seconds, rates)
        panes = server.open([plan.command for plan in plans])
        for place, pane in enumerate(panes):
            truth = shlex.quote(str(server.folder / f"{place}.truth"))
            server.run("pipe-pane", "-O", "-t", pane.pane_id, f"exec cat >> {truth}")
        settings = TmuxSettings()
        tmux = Tmux(settings.binary, (), server.socket, settings.timeout)
        sweeper = Sweeper(
            "bench", tmux, PanesSettings(), local=True, observers=(witness,), began=began
        )
        sweeper.start()
        try:
            wait_for(lambda: len(witness.looks) == len(panes), 10, "all panes are read")
            assert time.time() < start, "printing began before all panes were read"
            named = {plan.name: pane for plan, pane in zip(plans, panes, strict=True)}
            disturbances = disturb(server, named, start, seconds)
            wait_for_end(server.folder, plans, witness, 5 * seconds + 30)
            for disturbance in disturbances:
                disturbance.join()
        finally:
            sweeper.stop(10.0)
        results = []
        for place, (plan, pane) in enumerate(zip(plans, panes, strict=True)):
            printed = find_lines((server.folder / f"{place}.truth").read_bytes())
            assert len(printed) == len(set(printed)), f"{plan.name}: the truth repeats itself"
            times = witness.times[pane.pane_id]
            rate = read_rate(server.folder / f"{plan.name.removesuffix('/s')}.report")
            results.append(
                (plan, tally(printed, witness.looks[pane.pane_id]), rate,
                 max(map(float.__sub__, times[1:], times)))
            )  # fmt: skip
    return results


def read_rate(path: Path) -> float:
    """Return the lines per second that a printer reports, NaN where it does not."""
    if not path.exists():
        return float("nan")
    count, seconds = path.read_text().split()
    return int(count) / float(seconds)


def run(arguments: argparse.Namespace) -> Report:
    """Measure and judge."""
    report = Report("completeness")
    results = measure(arguments.seconds, arguments.rates)
    for plan, result, rate, pause in results:
        report.rows.append(
            {
                "pane": plan.name,
                "lines/s": plan.asked if math.isnan(rate) else f"{rate:.0f}",
                "printed": result.printed,
                "once": result.once,
                "repeated": result.repeated,
                "missing": result.missing,
                "gaps": result.gaps,
                "runs missing without a gap": result.hidden,
                "foreign": result.foreign,
                "disordered": result.disordered,
                "longest pause s": f"{pause:.2f}",
                "verdict": judge(plan, result),
            }
        )
    exact = [result for plan, result, *_ in results if plan.exact]
    every = [result for _, result, *_ in results]
    report.figures = [
        Figure("lines missing where all must be seen", sum(r.missing for r in exact), "lines", 0,
               peer="pipe-pane", peer_value=0),
        Figure("gaps where there must be none", sum(r.gaps for r in exact), "gaps", 0),
        Figure("lines repeated, foreign or disordered anywhere",
               sum(r.repeated + r.foreign + r.disordered for r in every), "lines", 0,
               peer="pipe-pane", peer_value=0),
        Figure("losses without a gap anywhere", sum(r.hidden for r in every), "runs", 0),
        Figure("lines seen of all that were printed", sum(r.once for r in every), "lines",
               peer="pipe-pane", peer_value=sum(r.printed for r in every)),
    ]  # fmt: skip
    report.notes.append(
        "All panes at once on one tmux server, history 2000, one sweeper at default settings;"
        f" all rows but {MUST_BE_EXACT_TO + 1}/s and more and respawns (which wipe what was"
        " printed since the last look) have to be exact. A rate below the one asked for is as"
        " fast as tmux took it."
    )
    return report


def judge(plan: Plan, result: Tally) -> str:
    """Say whether a pane fulfils its condition."""
    if plan.exact:
        return "exact" if result.exact else "MISSED: not exact"
    return "no loss hidden" if result.honest else "MISSED: a loss is hidden or a line repeated"


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each pane prints")
    parser.add_argument("--rates", type=int, nargs="+", default=list(RATES), help="lines/s")
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
