"""What a running exporter costs at many busy panes: CPU and memory, beside node_exporter.

The CPU of the tmux server counts too: what panewatch makes it do is the difference to
the time before panewatch started.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from daemons import (
    NODE_EXPORTER,
    Exporter,
    Usage,
    measure,
    start_node_exporter,
    start_panewatch,
    wait_for_panes,
)
from feeding import AgentFeeder, Feeder
from report import Figure, Report, build_parser, publish
from terminals import IDLE, PrivateServer

CPU_BUDGET = 2.0
MEMORY_BUDGET = 90.0
MEGA = 1e6


def share(before: Usage, after: Usage) -> tuple[float, float]:
    """Return the CPU of the process itself and of its ended children, in % of one core."""
    span = (after.at - before.at) / 100
    return (after.own - before.own) / span, (after.children - before.children) / span


def watch(
    pids: dict[str, int], exporters: Sequence[Exporter], seconds: float, every: float
) -> dict[str, tuple[Usage, Usage, int]]:
    """Scrape each exporter on time, and return usage at begin and end and most memory."""
    before = {name: measure(pid) for name, pid in pids.items()}
    most = {name: usage.resident for name, usage in before.items()}
    begin = time.monotonic()
    scrapes = 0
    while time.monotonic() < begin + seconds:
        if time.monotonic() >= begin + scrapes * every:
            scrapes += 1
            for exporter in exporters:
                exporter.scrape()
        time.sleep(0.25)
        for name, pid in pids.items():
            most[name] = max(most[name], measure(pid).resident)
    return {name: (before[name], measure(pid), most[name]) for name, pid in pids.items()}


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    report = Report("footprint")
    with ExitStack() as stack:
        server = stack.enter_context(PrivateServer())
        agents = arguments.kind == "agents"
        panes = server.open([server.name_program("claude") if agents else IDLE] * arguments.panes)
        stack.enter_context(AgentFeeder(panes) if agents else Feeder(panes, fastest=5))
        tmux_pid = server.find_pid()
        alone = watch({"tmux": tmux_pid}, (), arguments.seconds / 3, 1e9)["tmux"]
        ours = stack.enter_context(start_panewatch(server.socket, server.folder))
        exporters = [ours]
        pids = {"panewatch": ours.pid, "tmux": tmux_pid}
        peer = start_node_exporter(server.folder)
        if peer is not None:
            exporters.append(stack.enter_context(peer))
            pids["peer"] = peer.pid
        wait_for_panes(ours, len(panes))
        watch(pids, exporters, arguments.warm_up, arguments.scrape_interval)
        found = watch(pids, exporters, arguments.seconds, arguments.scrape_interval)
    own, children = share(*found["panewatch"][:2])
    tmux_cost = share(*found["tmux"][:2])[0] - share(*alone[:2])[0]
    peer_cpu = sum(share(*found["peer"][:2])) if "peer" in found else None
    peer_memory = found["peer"][2] / MEGA if "peer" in found else None
    at = f"at {len(panes)} " + ("agents at work" if agents else "busy panes")
    report.figures = [
        Figure(f"CPU {at}, tmux clients included", own + children, "%", CPU_BUDGET,
               peer=NODE_EXPORTER, peer_value=peer_cpu),
        Figure("of it panewatch itself", own, "%"),
        Figure("of it its ended children (tmux clients)", children, "%"),
        Figure("more CPU of the tmux server", tmux_cost, "%"),
        Figure(f"most resident memory {at}", found["panewatch"][2] / MEGA, "MB", MEMORY_BUDGET,
               peer=NODE_EXPORTER, peer_value=peer_memory),
    ]  # fmt: skip
    report.notes.append(
        f"% of one core over {arguments.seconds:g} s after {arguments.warm_up:g} s of warm-up, one"
        f" scrape every {arguments.scrape_interval:g} s. "
        + (
            "Each pane redraws an agent's box and spinner 10 times a second."
            if agents
            else "Panes print 1 to 5 lines/s, one in five redraws a progress bar 5 times a second."
        )
        + " MB are 10^6 bytes."
        + ("" if "peer" in found else f" {NODE_EXPORTER} is not installed: no peer.")
    )
    return report


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument(
        "--kind",
        choices=("output", "agents"),
        default="output",
        help="panes that print lines and bars, or coding agents that redraw at 10 Hz",
    )
    parser.add_argument("--panes", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--warm-up", type=float, default=60.0, help="seconds until panewatch knows its scraper"
    )
    parser.add_argument("--scrape-interval", type=float, default=15.0)
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
