"""Runs as metric families."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from prometheus_client import Metric

from panewatch.panes.contract import PANE
from panewatch.panes.families import Labels, build_family
from panewatch.panes.model import Identity
from panewatch.training import contract as c
from panewatch.training.run import Run

Place = tuple[Identity, Run, bool]
"""Where a run is, and whether it has ended."""

_ORDER: Final = (
    c.TRAINING_EPOCH, c.TRAINING_EPOCHS, c.TRAINING_STEP, c.TRAINING_STEPS, c.TRAINING_PROGRESS,
    *(c.TRAINING_LOSS for _ in c.SPLITS), c.TRAINING_METRIC, c.TRAINING_NONFINITE,
    c.TRAINING_RESTARTS, c.TRAINING_SAMPLES_RATE, c.TRAINING_TOKENS_RATE, c.TRAINING_STEPS_RATE,
    c.TRAINING_ETA, c.TRAINING_LAST_PROGRESS, c.TRAINING_STALLED,
)  # fmt: skip
"""What is told of a run, in the order of `_tell`."""


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
    infos = [_label_info(identity, run.framework) for identity, run, _ in places]
    series: dict[str, tuple[list[Labels], list[float]]] = {
        c.TRAINING_INFO.name: (infos, [1.0] * len(infos)),
        c.TRAINING_METRIC.name: ([], []),
    }
    labels = zip(*(_label_all(identity) for identity, _, _ in places), strict=True)
    told = zip(*(_tell(run, ended, now, offset, stalled_after) for _, run, ended in places),
               strict=True)  # fmt: skip
    for spec, of_each, column in zip(_ORDER, labels, told, strict=bool(places)):
        of, values = series.setdefault(spec.name, ([], []))
        if None in column:
            of += [one for one, value in zip(of_each, column, strict=True) if value is not None]
            values += [float(value) for value in column if value is not None]
        else:
            of += of_each
            values += map(float, column)
    of, values = series[c.TRAINING_METRIC.name]
    for identity, run, _ in places:
        if run.metrics:
            of += [_label_metric(identity, name) for name in run.metrics]
            values += run.metrics.values()
    known = {family.name: family for family in before}
    return [build_family(spec, *series.get(spec.name, ([], [])), known) for spec in c.RUNS]


def _tell(
    run: Run,
    ended: bool,
    now: float,
    offset: float,
    stalled_after: float,
) -> tuple[float | None, ...]:
    """Return what is told of a run, None where that is nothing."""
    told = (
        run.epoch, run.epochs, run.step, run.steps, run.progress,
        *map(run.losses.get, c.SPLITS), run.learning_rate, run.nonfinite, run.restarts,
    )  # fmt: skip
    if ended:
        return told + (None,) * (len(_ORDER) - len(told))
    rates = {} if run.stands(now) else run.rates
    return (
        *told,
        rates.get("samples_per_second"),
        rates.get("tokens_per_second"),
        run.steps_per_second(now),
        run.eta(now),
        # To the millisecond, that what has not moved on stays as it is.
        round(run.moved + offset, 3),
        run.stands(now, stalled_after),
    )


@lru_cache(maxsize=4096)
def _label_all(identity: Identity) -> Sequence[Labels]:
    """Return the labels of all that is told of a run: shared by samples, never changed."""
    run = {"run": name_run(identity)}
    splits = iter(c.SPLITS)
    return [
        run | {"split": next(splits)} if spec is c.TRAINING_LOSS
        else run | {"metric": "learning_rate"} if spec is c.TRAINING_METRIC
        else run
        for spec in _ORDER
    ]  # fmt: skip


@lru_cache(maxsize=4096)
def _label_metric(identity: Identity, name: str) -> Labels:
    return {"run": name_run(identity), "metric": name}


@lru_cache(maxsize=4096)
def _label_info(identity: Identity, framework: str) -> Labels:
    where = dict(zip(PANE, identity, strict=True))
    return {"run": name_run(identity), "framework": framework, "source": "pane", **where}
