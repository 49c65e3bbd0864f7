"""Runs as metric families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import Metric

from panewatch.contract import MetricSpec
from panewatch.panes.contract import PANE
from panewatch.panes.model import Identity
from panewatch.training import contract as c
from panewatch.training.run import Run

Place = tuple[Identity, Run, bool]
"""Where a run is, and whether it has ended."""


def name_run(identity: Identity) -> str:
    """Return the ``run`` label of the run in a pane."""
    server, session, window, pane = identity
    return f"{server}/{session}:{window}.{pane}"


def build_families(
    places: Sequence[Place], now: float, offset: float, stalled_after: float
) -> Iterable[Metric]:
    """Build the families of all runs.

    Args:
        places: The runs.
        now: The monotonic time of the last look.
        offset: What has to be added to monotonic time to make it Unix time.
        stalled_after: Seconds without progress that make a run stalled at the earliest.
    """
    families: dict[str, Metric] = {spec.name: spec.family() for spec in c.RUNS}

    def add(spec: MetricSpec, value: float | None, **labels: str) -> None:
        if value is not None:
            families[spec.name].add_sample(spec.full_name, labels, float(value))

    for identity, run, ended in places:
        name = name_run(identity)
        where = dict(zip(PANE, identity, strict=True))
        add(c.TRAINING_INFO, 1, run=name, framework=run.framework, source="pane", **where)
        add(c.TRAINING_EPOCH, run.epoch, run=name)
        add(c.TRAINING_EPOCHS, run.epochs, run=name)
        add(c.TRAINING_STEP, run.step, run=name)
        add(c.TRAINING_STEPS, run.steps, run=name)
        add(c.TRAINING_PROGRESS, run.progress, run=name)
        for split in c.SPLITS:
            add(c.TRAINING_LOSS, run.losses.get(split), run=name, split=split)
        add(c.TRAINING_METRIC, run.learning_rate, run=name, metric="learning_rate")
        if not ended:
            _add_rates(add, run, name, now)
            add(c.TRAINING_LAST_PROGRESS, run.moved + offset, run=name)
            add(c.TRAINING_STALLED, run.stands(now, stalled_after), run=name)
        add(c.TRAINING_NONFINITE, run.nonfinite, run=name)
        add(c.TRAINING_RESTARTS, run.restarts, run=name)
    return families.values()


def _add_rates(add: Callable[..., None], run: Run, name: str, now: float) -> None:
    if not run.stands(now):
        add(c.TRAINING_SAMPLES_RATE, run.rates.get("samples_per_second"), run=name)
        add(c.TRAINING_TOKENS_RATE, run.rates.get("tokens_per_second"), run=name)
    add(c.TRAINING_STEPS_RATE, run.steps_per_second(now), run=name)
    add(c.TRAINING_ETA, run.eta(now), run=name)
