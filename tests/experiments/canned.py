"""A source that gives what a test puts into it, and fails as it is told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from panewatch.config import Config
from panewatch.experiments.collector import ExperimentsCollector
from panewatch.experiments.model import Experiment
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import ReadCounts, Whole
from panewatch.exposition import render


class CannedSource:
    """A source in memory.

    ``whole`` is what it holds, None while it is not read whole yet; ``error`` is raised in its
    place; while ``open_gate`` is cleared a reading hangs.
    """

    def __init__(self) -> None:
        self.counts = ReadCounts()
        self.whole: Whole | None = None
        self.error: Exception | None = None
        self.open_gate = threading.Event()
        self.open_gate.set()
        self.asked: list[float] = []
        self.threads: set[int] = set()
        self.closed = False

    def hold(
        self, experiments: Sequence[Experiment], time: float, version: int = 1, **skipped: int
    ) -> None:
        """Hold these from now on."""
        self.whole = Whole(experiments, Counter(skipped), version, time)

    def read(self, seconds: float) -> Whole | None:
        self.asked.append(seconds)
        self.threads.add(threading.get_ident())
        self.open_gate.wait()
        self.counts.items += 10
        self.counts.capacity_units += 0.5
        if self.error is not None:
            raise self.error
        return self.whole

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed = True


class Exporter:
    """A collector of canned sources, with clocks that stand still."""

    def __init__(self, **settings: Any) -> None:
        self.now, self.wall = 1000.0, 1_764_100_000.0
        self.sources: list[CannedSource] = []
        self.prepare: Callable[[CannedSource], None] = lambda _: None
        self.config = self.make_config(**settings)
        self.collector = ExperimentsCollector(
            self.config, self._open, lambda: self.now, lambda: self.wall
        )
        self.text = ""
        self.failure: Exception | None = None

    @staticmethod
    def make_config(timeout: float = 20.0, **settings: Any) -> Config:
        return Config.model_validate(
            {
                "experiments": {"source": "/nowhere.jsonl", **settings},
                "collectors": {"experiments": {"timeout": timeout}},
            }
        )

    @property
    def source(self) -> CannedSource:
        """The one that was opened last."""
        return self.sources[-1]

    def _open(self, settings: ExperimentsSettings) -> CannedSource:
        assert settings.source
        source = CannedSource()
        self.sources.append(source)
        self.prepare(source)
        return source

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds

    def look(self) -> dict[str, float]:
        """Take a sample; give the values of all series."""
        self.text, self.failure = "", None
        try:
            for family in self.collector.collect():
                self.text += "".join(render(family).text)
        except Exception as error:  # noqa: BLE001 - the test asks for it
            self.failure = error
        return read_values(self.text)


def read_values(text: str) -> dict[str, float]:
    """Return the values of all series of an exposition, without their common prefix."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    found = (line.removeprefix("panewatch_").rpartition(" ") for line in lines)
    return {series: float(value) for series, _, value in found}


def find_verdict(values: dict[str, float]) -> str:
    """Return the verdict and reason that hold, of which there has to be exactly one."""
    (series,) = (s for s, value in values.items() if s.startswith("experiments_verdict{") and value)
    _, reason, _, verdict, _ = series.split('"')
    return f"{verdict} {reason}"
