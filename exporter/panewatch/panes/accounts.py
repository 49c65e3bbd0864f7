"""What is counted of the panes of one place, and what is exported of one pane."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from panewatch.panes.containers import Container
from panewatch.panes.model import Identity, Tasks
from panewatch.panes.state import Program
from panewatch.panes.waiting import Wait


@dataclass(slots=True)
class Counts:
    """The counters of one place (session, window, pane index).

    They belong to the place, not to the pane: when panes swap places no series falls.
    """

    lines: int = 0
    gaps: int = 0
    missed: int = 0
    overflows: int = 0
    truncated: int = 0
    captures: int = 0
    failures: int = 0
    state_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu_seconds: float = 0.0
    read_bytes: int = 0
    written_bytes: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    commands_failed: int | None = None


class PaneView(NamedTuple):
    """What is exported of one pane, fixed at the moment of the last sweep.

    Values that are not known are None. Times are in Unix time or seconds. ``strays`` are the
    processes that left the tree below ``pid``, each with its start as the kernel tells it.
    """

    identity: Identity
    pane_id: str
    program: Program
    state: str
    state_seconds: dict[str, float]
    last_output: float | None
    lines: int
    gaps: int
    missed: int
    overflows: int
    truncated: int
    captures: int
    failures: int
    interval: float
    cpu_seconds: float | None
    memory_bytes: int | None
    processes: int | None
    read_bytes: int | None
    written_bytes: int | None
    exit_status: int | None
    exit_signal: int | None
    deaths: dict[str, int]
    wait: Wait | None
    blocked: int | None
    jobs: int | None
    tasks: Tasks | None
    looping: int
    commands: int | None = None
    commands_failed: int | None = None
    command_started: float | None = None
    command_repeats: int | None = None
    pid: int | None = None
    strays: tuple[tuple[int, bytes], ...] = ()
    containers: tuple[Container, ...] = ()
