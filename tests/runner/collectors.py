"""Collectors that do what a test asks of them, and time that a test moves."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from panewatch.config import CollectorSettings
from panewatch.runner import Clock, Runner

QUICK = CollectorSettings(interval=0.02, timeout=5.0)


def gauge(name: str, value: float = 1.0, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, "Help.", labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


def named(name: str, collect: Callable[[], Iterable[Metric]]) -> "Scripted":
    """Build a collector with a name of its own: names belong to classes."""
    kind = type(f"{name.title()}Collector", (Scripted,), {"name": name})
    collector: Scripted = kind(collect)
    return collector


class Scripted:
    name: ClassVar[str] = "scripted"

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.script = collect
        self.calls = 0

    def collect(self) -> Iterable[Metric]:
        self.calls += 1
        yield from self.script()


@dataclass
class Hang:
    """A call that does not return until it is released."""

    entered: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> Iterator[Metric]:
        self.entered.set()
        self.released.wait(60)
        yield gauge("panewatch_slow")


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall = 1.7e9
        self.cpu = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.wall, lambda: self.cpu)


def read(runner: Runner) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read every series of an exposition by name and sorted labels; fail on a duplicate."""
    text = runner.exposition(openmetrics=False, gzip=False).decode()
    series: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in series
            series[key] = sample.value
    return series


def value(runner: Runner, name: str, **labels: str) -> float | None:
    return read(runner).get((name, tuple(sorted(labels.items()))))


def success(runner: Runner, collector: str) -> float | None:
    return value(runner, "panewatch_collector_success", collector=collector)


def errors(runner: Runner, collector: str) -> dict[str, float]:
    """Give the reasons with a count above 0."""
    found = {}
    for (name, labels), count in read(runner).items():
        of = dict(labels)
        if name == "panewatch_collector_errors_total" and of["collector"] == collector and count:
            found[of["reason"]] = count
    return found
