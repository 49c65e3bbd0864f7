"""How long it takes until a printed line is counted in ``/metrics``.

A real exporter at defaults, panes that print a line at random times, and a client that
asks again and again. There is no peer: no other exporter reads panes' text.
"""

from __future__ import annotations

import argparse
import heapq
import http.client
import random
import re
import sys
import time
from collections import deque
from collections.abc import Sequence

from daemons import scrape, start_panewatch, wait_for_panes
from report import Figure, Report, build_parser, publish, quantile
from terminals import IDLE, Pane, PrivateServer

P50_BUDGET, P99_BUDGET = 1.0, 2.0
SEED = 20
LOST_AFTER = 20.0
_LINES = re.compile(r'^panewatch_pane_lines_total\{.*window="(\d+)".*\} (\S+)$', re.MULTILINE)


class Watcher:
    """Asks the exporter how many lines each pane, by its place, has printed."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def look(self) -> dict[int, int]:
        """Return the counts as of now."""
        found = _LINES.findall(scrape(self._connection))
        return {int(window): int(float(value)) for window, value in found}

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def plan_events(panes: int, events: int, longest: float) -> list[tuple[float, int]]:
    """Return events as (seconds from the start, pane), each pane's at random distances."""
    chance = random.Random(SEED)  # noqa: S311  # for repeatable figures, not for secrets
    times = []
    for pane in range(panes):
        at = 0.0
        for _ in range(pane, events, panes):
            at += chance.uniform(0.1, longest)
            times.append((at, pane))
    heapq.heapify(times)
    return times


def follow(
    panes: Sequence[Pane], watcher: Watcher, plan: list[tuple[float, int]], pause: float
) -> list[float]:
    """Print as planned, and return for each event the seconds until it was counted."""
    base = watcher.look()
    waiting: list[deque[float]] = [deque() for _ in panes]
    seen = [0] * len(panes)
    delays: list[float] = []
    start = time.monotonic()
    while plan or any(waiting):
        now = time.monotonic()
        while plan and start + plan[0][0] <= now:
            _, place = heapq.heappop(plan)
            waiting[place].append(time.monotonic())
            panes[place].show(f"epoch {len(waiting[place])} took {now - start:.3f} s\n")
        counts = watcher.look()
        after = time.monotonic()
        for place, times in enumerate(waiting):
            rise = counts[place] - base[place] - seen[place]
            assert rise <= len(times), f"pane {place} counts more lines than were printed"
            seen[place] += rise
            delays += [after - times.popleft() for _ in range(rise)]
            assert not times or after - times[0] < LOST_AFTER, f"a line of pane {place} is lost"
        time.sleep(pause)
    return delays


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    with PrivateServer() as server:
        panes = server.open([IDLE] * arguments.panes)
        with start_panewatch(server.socket, server.folder) as exporter:
            wait_for_panes(exporter, len(panes))
            watcher = Watcher(exporter.port)
            plan = plan_events(len(panes), arguments.events, arguments.longest)
            delays = follow(panes, watcher, plan, arguments.poll)
            watcher.close()
    assert len(delays) == arguments.events
    report = Report("latency")
    report.figures = [
        Figure("printed → visible, p50", quantile(delays, 0.5), "s", P50_BUDGET),
        Figure("printed → visible, p99", quantile(delays, 0.99), "s", P99_BUDGET),
        Figure("printed → visible, longest", max(delays), "s"),
    ]
    report.notes.append(
        f"{len(delays)} lines in {len(panes)} panes, in each 0.1 to {arguments.longest:g} s"
        f" apart (uniform), /metrics asked every {1000 * arguments.poll:.0f} ms; the time to"
        " ask is part of the figures. Peer: none."
    )
    return report


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--panes", type=int, default=8)
    parser.add_argument("--longest", type=float, default=6.0, help="most seconds between lines")
    parser.add_argument("--poll", type=float, default=0.03, help="seconds between two looks")
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
