"""What panes and callbacks tell, each training once.

One that tells of itself may be shown in a pane too. Its callback knows better, and the pane may
know more, such as the loss of one that logs none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import Metric
from prometheus_client.samples import Sample

from panewatch.panes.families import merge
from panewatch.training import contract as c
from panewatch.training.callback_runs import CallbackFamilies
from panewatch.training.families import name_run

_MORE: Final = frozenset(
    spec.full_name
    for spec in (
        c.TRAINING_LOSS, c.TRAINING_METRIC, c.TRAINING_SAMPLES_RATE, c.TRAINING_TOKENS_RATE,
        c.TRAINING_PROGRESS, c.TRAINING_ETA,
    )
)  # fmt: skip
"""What is taken from a pane where the callback does not tell it. Epochs and steps are not: both
sides count them, and not always alike."""

_NONFINITE: Final = c.TRAINING_NONFINITE.full_name


_LATE_SECONDS: Final = 3.0
"""How long after the end of a callback its pane may be looked at, and show its last lines."""

_SETTLES_SECONDS: Final = 10.0
"""After that such lines are taken for those of another training."""


class Joiner:
    """Joins what panes and callbacks tell, look by look.

    Args:
        wall: Unix time.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._before: dict[str, str] = {}
        """The runs of panes that were those of callbacks, by the names of both."""
        self._ends: dict[str, float] = {}
        """When their callbacks were first seen to tell no more, in Unix time."""
        self._rested: set[str] = set()
        """Those that have ended in their panes too, since then."""

    def join(self, read: Iterable[Metric], told: CallbackFamilies) -> list[Metric]:
        """Return the families of all trainings; ``read`` are those of what panes show."""
        shown = list(read)
        now = {name_run(place): run for place, run in told.places.items()}
        ended = {name_run(place): run for place, run in told.ended.items()}
        if not now and not ended and not self._before:
            return list(merge([*shown, *told.families]))
        there = {sample.labels["run"] for sample in _list(shown)}
        moved = find_moved(shown)
        past = self._before | ended
        wall = self._wall()
        self._ends = {pane: self._ends.get(pane, wall) for pane in past if pane not in now}
        rested = {pane for pane in self._ends if pane in self._rested or pane not in moved}
        self._rested = rested

        def is_same(pane: str) -> bool:
            """Tell whether a pane shows the training of its callback still, not another one."""
            if pane not in moved or pane in now:
                return True
            if pane in rested:
                return False
            late = moved[pane] - self._ends[pane]
            settles = wall - self._ends[pane] <= _SETTLES_SECONDS
            return late <= 0 or (late <= _LATE_SECONDS and settles)

        names = {pane: run for pane, run in past.items() if pane in there and is_same(pane)} | now
        self._before = names
        return list(merge(_take_over(shown, told.families, names)))


def find_moved(shown: Iterable[Metric]) -> dict[str, float]:
    """Return when each run moved on last of those that go on, in Unix time."""
    return {
        sample.labels["run"]: sample.value
        for family in shown
        if family.name == c.TRAINING_LAST_PROGRESS.full_name
        for sample in family.samples
    }


def _take_over(
    shown: Sequence[Metric], told: Sequence[Metric], names: Mapping[str, str]
) -> Iterator[Metric]:
    """Yield both, with what panes show of runs among ``names`` under the names of callbacks."""
    runs = {sample.labels["run"] for sample in _list(told)}
    known = {(sample.name, *sorted(sample.labels.items())) for sample in _list(told)}
    lost = {
        names[sample.labels["run"]]: sample.value
        for sample in _list(shown)
        if sample.name == _NONFINITE and sample.labels["run"] in names
    }
    for sample in _list(told):
        # A callback that was told of a loss has counted those that were no numbers itself.
        if sample.name == c.TRAINING_LOSS.full_name:
            lost.pop(sample.labels["run"], None)

    def rename(sample: Sample) -> Sample | None:
        run = names.get(sample.labels["run"])
        if run is None:
            return sample
        renamed = sample._replace(labels=sample.labels | {"run": run})
        key = (renamed.name, *sorted(renamed.labels.items()))
        return renamed if run in runs and sample.name in _MORE and key not in known else None

    def count(sample: Sample) -> Sample:
        if sample.name != _NONFINITE:
            return sample
        least = lost.get(sample.labels["run"], 0.0)
        return sample._replace(value=max(sample.value, least))

    for family in shown:
        yield _copy(family, (new for one in family.samples if (new := rename(one)) is not None))
    for family in told:
        yield _copy(family, map(count, family.samples))


def _list(families: Iterable[Metric]) -> Iterator[Sample]:
    return (sample for family in families for sample in family.samples)


def _copy(family: Metric, samples: Iterable[Sample]) -> Metric:
    copy = Metric(family.name, family.documentation, family.type, family.unit)
    copy.samples = list(samples)
    return copy
