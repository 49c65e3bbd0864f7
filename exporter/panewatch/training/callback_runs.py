"""The runs that callbacks tell of, each as long as what its file says is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from prometheus_client import Metric

from panewatch.panes.contract import PANE
from panewatch.panes.model import Identity
from panewatch.training import contract as c
from panewatch.training.callback.origin import is_gone
from panewatch.training.namesakes import STALE_SECONDS, sort_by_claim
from panewatch.training.textfile import Told
from panewatch.training.textfiles import Textfile

_STALE_PAUSES: Final = 5
_SMOOTHING: Final = 0.3

_QUICK: Final = (c.TRAINING_SAMPLES_RATE, c.TRAINING_STEPS_RATE, c.TRAINING_ETA)
_FAMILIES: Final = (*c.RUNS, *c.CALLBACKS)


class _Pace:
    """When a run moved on last, and how long it usually pauses."""

    __slots__ = ("_pause", "_told", "moved")

    def __init__(self, told: float, moved: float) -> None:
        self._told = told
        self.moved = moved
        self._pause = 0.0

    def note(self, told: float, now: float) -> None:
        """Take note of when the run says that it moved on."""
        if told != self._told:
            pause = now - self.moved
            self._pause += _SMOOTHING * (pause - self._pause) if self._pause else pause
            self._told, self.moved = told, now

    def stands(self, now: float, least: float) -> bool:
        """Tell whether it has not moved on for so long, and for several usual pauses."""
        return now - self.moved > max(least, _STALE_PAUSES * self._pause)


class CallbackFamilies(NamedTuple):
    """What callbacks tell.

    Attributes:
        families: The families of their runs.
        states: How many files are in each state.
        places: The run in each pane, the first that began there.
        ended: The same of runs that have ended.
    """

    families: list[Metric]
    states: Counter[str]
    places: dict[Identity, str]
    ended: dict[Identity, str]


class CallbackRuns:
    """Turns files into families, look by look.

    Args:
        monotonic: The clock of the looks.
        wall: Unix time.
    """

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._paces: dict[str, _Pace] = {}
        self._twins: set[tuple[str, object]] = set()
        self._places: dict[str, Identity] = {}
        """Where the writer of each file was seen last: once it has ended nothing tells."""

    def build(
        self,
        files: Mapping[str, Textfile],
        failures: Counter[str],
        find_pane: Callable[[int], Identity | None],
        stalled_after: float,
        expires_after: float,
    ) -> CallbackFamilies:
        """Return the runs that are there.

        Args:
            files: The files by name.
            failures: Where a file is counted that tells of a run that another one has already.
            find_pane: Gives the pane that a process of this machine runs in.
            stalled_after: Seconds without progress that make a run stalled at the earliest.
            expires_after: Seconds that a file counts whose writer has ended or is not known.
        """
        now = self._monotonic()
        states = Counter(refused=sum(1 for file in files.values() if file.refused))
        families = {spec.name: spec.family() for spec in _FAMILIES}
        found = CallbackFamilies(list(families.values()), states, {}, {})
        self._places = {name: each for name, each in self._places.items() if name in files}
        paces, twins, runs = self._paces, self._twins, set[str]()
        self._paces, self._twins = {}, set()
        for name, told, goes_on in sort_by_claim(files.items(), now, expires_after):
            state = told.writer.state if told.writer else "running"
            if told.run in runs and not goes_on:
                states[state] += 1  # it was started again
                continue
            if told.run in runs:
                twin = name, told.writer.origin if told.writer else None
                self._twins.add(twin)
                failures["duplicate"] += twin not in twins
                states["refused"] += 1
                continue
            runs.add(told.run)
            states[state] += 1
            fresh = now - files[name].written <= STALE_SECONDS
            left_out = set() if fresh else {spec.name for spec in _QUICK}
            for family, samples in told.samples.items():
                if family not in left_out:
                    families[family].samples.extend(samples)
            place = self._find_place(name, told, find_pane)
            if place is not None:
                runs_there = found.places if _is_running(told) else found.ended
                runs_there.setdefault(place, told.run)
            families[c.TRAINING_INFO.name].add_sample(
                c.TRAINING_INFO.full_name, _label(told, place), 1.0
            )
            moved = told.find(c.TRAINING_LAST_PROGRESS)
            if moved is not None:
                pace = paces.get(name) or _Pace(moved, now - max(0.0, self._wall() - moved))
                pace.note(moved, now)
                self._paces[name] = pace
                families[c.TRAINING_STALLED.name].add_sample(
                    c.TRAINING_STALLED.full_name,
                    {"run": told.run},
                    float(pace.stands(now, stalled_after)),
                )
        return found

    def _find_place(
        self, name: str, told: Told, find_pane: Callable[[int], Identity | None]
    ) -> Identity | None:
        """Return the pane that the writer of a file runs in, or ran in when it was last seen."""
        writer = told.writer
        if writer is not None and is_gone(writer.origin) is False:
            place = find_pane(writer.origin.pid)
            if place is not None:
                self._places[name] = place
        return self._places.get(name)


def _is_running(told: Told) -> bool:
    return told.writer is not None and told.writer.state == "running"


def _label(told: Told, place: Identity | None) -> dict[str, str]:
    return {
        "run": told.run,
        "framework": told.writer.framework if told.writer else "",
        "source": "callback",
        **dict(zip(PANE, place or ("",) * len(PANE), strict=True)),
    }
