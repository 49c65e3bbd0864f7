"""How long it takes to read many panes, all changed or none, beside libtmux.

panewatch lists, captures and aligns with the code that it serves with. libtmux captures
the screen of each pane: less, since it sees no line that scrolled away.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Sequence

import libtmux

from panewatch.config import PanesSettings, TmuxSettings
from panewatch.panes.accounts import PaneView
from panewatch.panes.processes import measure_trees
from panewatch.panes.sweeper import Sweeper
from panewatch.panes.tmux import Tmux
from report import Figure, Report, build_parser, publish
from terminals import IDLE, Pane, PrivateServer, wait_for

LARGE = 1000
LINES = 3
WARM_UP = 2
FULL_BUDGET, IDLE_BUDGET, RATIO_BUDGET = 250.0, 50.0, 40.0


class Bench:
    """One tmux server with panes, and a sweeper that sweeps when told."""

    def __init__(self, server: PrivateServer, count: int) -> None:
        self._server = server
        self._panes: list[Pane] = server.open([IDLE] * count)
        self._printed = 0
        # Due at every call, but a pane is read only where the list shows that it changed;
        # process trees are measured apart.
        settings = PanesSettings(
            list_interval=1e-6, min_interval=1e-6, busy_interval=1000.0, max_interval=1000.0,
            process_interval=1e6, max_panes=count,
        )  # fmt: skip
        tmux = Tmux(TmuxSettings().binary, (), server.socket, 60.0)
        self._sweeper = Sweeper("bench", tmux, settings, local=True, began=0.0)
        self.print_lines(30)  # from here on the screen is full and history grows

    def print_lines(self, count: int) -> None:
        """Let every pane print, and wait until tmux has taken it in."""
        lines = range(self._printed, self._printed + count)
        self._printed += count
        for pane in self._panes:
            pane.show("".join(f"{pane.pane_id} step {n}: loss {1 / (n + 1):.6f}\n" for n in lines))
        wait_for(
            lambda: set(self._server.count_rows().values()) == {self._printed}, 60, "lines shown"
        )

    def _list_views(self) -> Sequence[PaneView]:
        published = self._sweeper.published
        return published.panes if published else ()

    def sweep(self, *, new_lines: int) -> tuple[float, float]:
        """Return wall and CPU milliseconds of one sweep, after checking what it read.

        CPU is panewatch's own and its tmux clients', without the tmux server's.
        """
        before = sum(view.lines for view in self._list_views())
        begin, cpu_before = time.perf_counter(), _count_cpu()
        self._sweeper.sweep()
        spent, cpu = time.perf_counter() - begin, _count_cpu() - cpu_before
        views = self._list_views()
        assert len(views) == len(self._panes)
        read = sum(view.lines for view in views) - before
        assert read == new_lines * len(views), f"{read} new lines in {len(views)} panes"
        return 1000 * spent, 1000 * cpu

    def measure_processes(self) -> float:
        """Return the milliseconds that one look at all process trees takes."""
        listed = self._server.run("list-panes", "-a", "-F", "#{pane_pid}")
        roots = {int(word) for word in listed.split()}
        begin = time.perf_counter()
        assert len(measure_trees(roots)) == len(roots)
        return 1000 * (time.perf_counter() - begin)

    def capture_with_libtmux(self) -> float:
        """Return the milliseconds in which libtmux captures every pane once."""
        panes = libtmux.Server(socket_path=self._server.socket).panes
        assert len(panes) == len(self._panes)
        begin = time.perf_counter()
        for pane in panes:
            assert pane.capture_pane()
        return 1000 * (time.perf_counter() - begin)


def _count_cpu() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure(count: int, rounds: int, peer_rounds: int) -> tuple[list[Figure], dict[str, object]]:
    """Return the figures and the details for one number of panes."""
    with PrivateServer() as server:
        bench = Bench(server, count)
        bench.sweep(new_lines=30)
        full: list[tuple[float, float]] = []
        idle: list[tuple[float, float]] = []
        for _ in range(WARM_UP + rounds):
            bench.print_lines(LINES)
            full.append(bench.sweep(new_lines=LINES))
            idle.append(bench.sweep(new_lines=0))
        full, idle = full[WARM_UP:], idle[WARM_UP:]
        peer = [bench.capture_with_libtmux() for _ in range(peer_rounds)]
        processes = statistics.median(bench.measure_processes() for _ in range(3))
    (ours, ours_cpu), (quiet, quiet_cpu) = map(_take_medians, (full, idle))
    theirs = statistics.median(peer)
    judged = count == LARGE
    figures = [
        Figure(f"sweep of {count} panes, all changed", ours, "ms",
               FULL_BUDGET if judged else None, peer="libtmux", peer_value=theirs),
        Figure(f"sweep of {count} panes, none changed", quiet, "ms",
               IDLE_BUDGET if judged else None),
        Figure(f"{count} panes: times faster than libtmux", theirs / ours, "x",
               RATIO_BUDGET if judged else None, at_least=True),
    ]  # fmt: skip
    details = {
        "panes": count,
        "full min/max ms": f"{min(full)[0]:.1f}/{max(full)[0]:.1f}",
        "idle min/max ms": f"{min(idle)[0]:.1f}/{max(idle)[0]:.1f}",
        "CPU full/idle ms": f"{ours_cpu:.1f}/{quiet_cpu:.1f}",
        "libtmux min/max ms": f"{min(peer):.0f}/{max(peer):.0f}",
        "process trees ms": f"{processes:.1f}",
    }
    return figures, details


def _take_medians(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    wall, cpu = zip(*times, strict=True)
    return statistics.median(wall), statistics.median(cpu)


def run(arguments: argparse.Namespace) -> Report:
    """Measure each number of panes on a server of its own."""
    report = Report("sweep")
    for count in arguments.panes:
        peer_rounds = arguments.peer_rounds if count < LARGE else min(2, arguments.peer_rounds)
        figures, details = measure(count, arguments.rounds, peer_rounds)
        report.figures += figures
        report.rows.append(details)
    report.notes.append(
        f"Medians of {arguments.rounds} rounds after {WARM_UP} of warm-up; before each, every pane"
        f" printed {LINES} lines, and each sweep was checked to have read just those. Some sweeps"
        " hold a listing with all facts, as in service. Process trees are measured every 5 s in"
        " service, here apart."
    )
    return report


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--panes", type=int, nargs="+", default=[20, 200, LARGE])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--peer-rounds", type=int, default=5)
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
