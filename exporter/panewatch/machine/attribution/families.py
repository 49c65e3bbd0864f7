"""GPUs and panes, joined by their processes, as metric families."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import Metric

from panewatch.contract import MetricSpec
from panewatch.machine.attribution import contract as c
from panewatch.machine.attribution.ownership import Ownership
from panewatch.machine.gpu.model import Gpu, GpuProcess
from panewatch.panes.accounts import PaneView
from panewatch.panes.contract import PANE
from panewatch.panes.model import Identity
from panewatch.panes.text import clean_label


@dataclass(slots=True)
class _Use:
    """What some processes have of one GPU; None is what the driver tells of none of them."""

    processes: int = 0
    memory: int | None = None
    utilization: float | None = None

    def add(self, process: GpuProcess) -> None:
        self.processes += 1
        if process.memory is not None:
            self.memory = (self.memory or 0) + process.memory
        if process.utilization is not None:
            self.utilization = min(1.0, (self.utilization or 0.0) + process.utilization)


def build_families(
    panes: Sequence[PaneView], gpus: Iterable[Gpu], owners: Ownership
) -> list[Metric]:
    """Build the families of what is known; one that nothing is known of is left out."""
    families = {spec: spec.family() for spec in c.METRICS}

    def add(spec: MetricSpec, value: float | None, **labels: str) -> None:
        if value is not None:
            families[spec].add_sample(spec.full_name, labels, float(value))

    for gpu in gpus:
        if gpu.processes is None:
            continue
        uses: dict[Identity | str, _Use] = {reason: _Use() for reason in c.REASONS}
        for process in gpu.processes:
            uses.setdefault(owners.find(process.pid), _Use()).add(process)
        name = clean_label(gpu.uuid)
        for owner, use in uses.items():
            if isinstance(owner, str):
                memory = use.memory if use.processes else 0
                add(c.OUTSIDE_PROCESSES, use.processes, gpu=name, reason=owner)
                add(c.OUTSIDE_MEMORY, memory, gpu=name, reason=owner)
                continue
            labels = {**_label(owner), "gpu": name}
            add(c.PANE_GPU_PROCESSES, use.processes, **labels)
            add(c.PANE_GPU_MEMORY, use.memory, **labels)
            add(c.PANE_GPU_UTILIZATION, use.utilization, **labels)
    for view in panes:
        for container in view.containers:
            labels = {**_label(view.identity), "container": container.name}
            add(c.PANE_CONTAINER, 1, **labels, runtime=container.runtime)
    return [family for family in families.values() if family.samples]


def _label(identity: Identity) -> dict[str, str]:
    return dict(zip(PANE, identity, strict=True))
