"""Runs as metric families."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from prometheus_client import Metric

from panewatch.contract import MetricSpec
from panewatch.panes.contract import PANE
from panewatch.panes.families import Labels, build_family
from panewatch.panes.model import Identity
from panewatch.training import contract as c
from panewatch.training.run import Run

Place = tuple[Identity, Run, bool]
"""Where a run is, and whether it has ended."""


class _Series:
    """Series of each family, in their order."""

    def __init__(self) -> None:
        self._labels: dict[str, list[Labels]] = {spec.name: [] for spec in c.RUNS}
        self._values: dict[str, list[float]] = {spec.name: [] for spec in c.RUNS}

    def add(self, spec: MetricSpec, labels: Labels, value: float | None) -> None:
        """Add a series where there is a value."""
        if value is not None:
            self._labels[spec.name].append(labels)
            self._values[spec.name].append(float(value))

    def build(self, before: Mapping[str, Metric]) -> list[Metric]:
        """Return the families; one that is as it was ``before`` is the very object."""
        return [
            build_family(spec, self._labels[spec.name], self._values[spec.name], before)
            for spec in c.RUNS
        ]


def name_run(identity: Identity) -> str:
    """Return the ``run`` label of the run in a pane."""
    server, session, window, pane = identity
    return f"{server}/{session}:{window}.{pane}"


def build_families(
    places: Sequence[Place],
    now: float,
    offset: float,
    stalled_after: float,
    before: Iterable[Metric] = (),
) -> Sequence[Metric]:
    """Build the families of all runs.

    Args:
        places: The runs.
        now: The monotonic time of the last look.
        offset: What has to be added to monotonic time to make it Unix time.
        stalled_after: Seconds without progress that make a run stalled at the earliest.
        before: What was returned last: what has not changed since is the very same object.
    """
    series = _Series()
    add = series.add
    for identity, run, ended in places:
        where = _label(identity)
        add(c.TRAINING_INFO, _label_info(identity, run.framework), 1)
        add(c.TRAINING_EPOCH, where, run.epoch)
        add(c.TRAINING_EPOCHS, where, run.epochs)
        add(c.TRAINING_STEP, where, run.step)
        add(c.TRAINING_STEPS, where, run.steps)
        add(c.TRAINING_PROGRESS, where, run.progress)
        for split in c.SPLITS:
            add(c.TRAINING_LOSS, _label(identity, "split", split), run.losses.get(split))
        add(c.TRAINING_METRIC, _label(identity, "metric", "learning_rate"), run.learning_rate)
        if not ended:
            _add_rates(series, run, where, now)
            # To the millisecond, that what has not moved on stays as it is.
            add(c.TRAINING_LAST_PROGRESS, where, round(run.moved + offset, 3))
            add(c.TRAINING_STALLED, where, run.stands(now, stalled_after))
        add(c.TRAINING_NONFINITE, where, run.nonfinite)
        add(c.TRAINING_RESTARTS, where, run.restarts)
    return series.build({family.name: family for family in before})


def _add_rates(series: _Series, run: Run, where: Labels, now: float) -> None:
    if not run.stands(now):
        series.add(c.TRAINING_SAMPLES_RATE, where, run.rates.get("samples_per_second"))
        series.add(c.TRAINING_TOKENS_RATE, where, run.rates.get("tokens_per_second"))
    series.add(c.TRAINING_STEPS_RATE, where, run.steps_per_second(now))
    series.add(c.TRAINING_ETA, where, run.eta(now))


@lru_cache(maxsize=4096)
def _label(identity: Identity, *more: str) -> Labels:
    """Return the labels of a run, and of one value of it: shared by samples, never changed."""
    labels = {"run": name_run(identity)}
    if more:
        label, value = more
        labels[label] = value
    return labels


@lru_cache(maxsize=4096)
def _label_info(identity: Identity, framework: str) -> Labels:
    where = dict(zip(PANE, identity, strict=True))
    return {"run": name_run(identity), "framework": framework, "source": "pane", **where}
