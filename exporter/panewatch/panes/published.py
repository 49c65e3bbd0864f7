"""What the thread of one tmux server last knew, for everybody else."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.samples import Sample

from panewatch.panes.accounts import PaneView
from panewatch.panes.loss import Loss


@dataclass(frozen=True, slots=True)
class Published:
    """What one server's thread last knew.

    ``state`` is one of the server states, ``faults`` how often each observer has failed.
    ``waits`` are the samples of the histogram of waits, empty where none were counted yet.
    ``local`` tells that the panes' processes run on this machine, ``loss`` what a server took
    along that is gone and has had no successor.
    """

    server: str
    state: str
    at: float
    panes: tuple[PaneView, ...] = ()
    dropped: int = 0
    vanished: int = 0
    waits: tuple[Sample, ...] = ()
    calls: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    sweep_seconds: float | None = None
    families: tuple[Metric, ...] = ()
    faults: dict[str, int] = field(default_factory=dict)
    local: bool = False
    loss: Loss | None = None
