"""How fast ``/metrics`` answers at many panes and to many scrapers, beside node_exporter.

Each scraper keeps its connection and asks as Prometheus does (OpenMetrics, gzip). Many
scrapers ask all at the same instant, which is the worst that they can do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from daemons import NODE_EXPORTER, Exporter, start_node_exporter, start_panewatch, wait_for_panes
from feeding import Feeder
from report import Figure, Report, build_parser, publish, quantile
from terminals import IDLE, PrivateServer

SCRAPER = Path(__file__).with_name("scraper.py")
BUDGETS = {(50, 1): 10.0, (1000, 1): 50.0, (50, 100): 100.0, (1000, 100): 1000.0}
"""Most milliseconds at p99, by panes and scrapers."""

PAUSES = {1: 0.06}
"""Seconds between two requests of a lone scraper: more than answers are shared for."""

PAUSE = 0.3
BUSY_SHARE = 10
"""One pane in so many prints a line per second."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one scraper process found; times in milliseconds."""

    p50: float
    p99: float
    answers: int
    refused: int
    torn: int
    series: int
    size: int
    busy: float

    @property
    def per_series(self) -> float:
        """Microseconds of the median for each series in the answer."""
        return 1000 * self.p50 / self.series


def scrape(exporter: Exporter, scrapers: int, requests: int) -> Result:
    """Scrape with ``scrapers`` connections at once, ``requests`` times in all."""
    rounds = max(1, requests // scrapers)
    pause = PAUSES.get(scrapers, PAUSE)
    words = (sys.executable, str(SCRAPER), exporter.port, scrapers, rounds, pause)
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    times = [1000 * seconds for seconds in found["latencies"]]
    return Result(
        p50=quantile(times, 0.5),
        p99=quantile(times, 0.99),
        answers=len(times),
        refused=found["refused"],
        torn=found["torn"],
        series=found["series"],
        size=found["bytes"],
        busy=found["busy"],
    )


def describe(name: str, panes: str, scrapers: int, result: Result) -> dict[str, object]:
    """Return the details of one result."""
    return {
        "exporter": name,
        "panes": panes,
        "scrapers": scrapers,
        "answers": result.answers,
        "p50 ms": f"{result.p50:.1f}",
        "p99 ms": f"{result.p99:.1f}",
        "series": result.series,
        "kB sent": f"{result.size / 1000:.1f}",
        "p50 µs per series": f"{result.per_series:.2f}",
        "refused": result.refused,
        "torn": result.torn,
        "client busy %": f"{100 * result.busy:.0f}",
    }


def run(arguments: argparse.Namespace) -> Report:
    """Measure each number of panes on a server of its own."""
    report = Report("scrape")
    faults = 0
    for count in arguments.panes:
        with ExitStack() as stack:
            server = stack.enter_context(PrivateServer())
            panes = server.open([IDLE] * count)
            stack.enter_context(Feeder(panes[::BUSY_SHARE], fastest=1))
            ours = stack.enter_context(start_panewatch(server.socket, server.folder))
            peer = start_node_exporter(server.folder)
            if peer is not None:
                stack.enter_context(peer)
            wait_for_panes(ours, count)
            for scrapers in arguments.scrapers:
                requests = arguments.requests * (1 if scrapers == 1 else 10)
                result = scrape(ours, scrapers, requests)
                theirs = scrape(peer, scrapers, requests) if peer is not None else None
                faults += result.refused + result.torn
                report.rows.append(describe("panewatch", str(count), scrapers, result))
                if theirs is not None:
                    report.rows.append(describe("node_exporter", "", scrapers, theirs))
                report.figures += judge(count, scrapers, result, theirs)
    report.figures.append(Figure("answers refused or torn", faults, "answers", 0))
    report.notes.append(
        "Times from sending a request to the last byte of the answer. One pane in"
        f" {BUSY_SHARE} prints. The client runs in a process of its own; on few cores it takes"
        " time from the exporter. node_exporter runs without its limit of 40 requests at once."
    )
    return report


def judge(panes: int, scrapers: int, result: Result, peer: Result | None) -> list[Figure]:
    """Return the figures of one number of panes and scrapers."""
    at = f"/metrics, {panes} panes, {scrapers} scraper{'s' * (scrapers > 1)}"
    name = NODE_EXPORTER if peer else ""
    p50, p99, each = (peer.p50, peer.p99, peer.per_series) if peer else (None, None, None)
    budget = BUDGETS.get((panes, scrapers))
    return [
        Figure(f"{at}, p50", result.p50, "ms", peer=name, peer_value=p50),
        Figure(f"{at}, p99", result.p99, "ms", budget, peer=name, peer_value=p99),
        Figure(f"{at}, p50 per series", result.per_series, "µs", peer=name, peer_value=each),
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--panes", type=int, nargs="+", default=[50, 1000])
    parser.add_argument("--scrapers", type=int, nargs="+", default=[1, 100])
    parser.add_argument(
        "--requests", type=int, default=200, help="of a lone scraper; many send ten times as many"
    )
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
