"""One sampler with a clock that the test moves: no thread, no waiting."""

from collections.abc import Iterator

import pytest
from prometheus_client.core import Metric

from panewatch.config import CollectorSettings
from panewatch.health import Record, State
from panewatch.runner import SourceUnavailable
from panewatch.sampler import Names, Sampler, pause_after
from panewatch.snapshot import Format
from runner.collectors import Scripted, Time, gauge

TEXT = Format(openmetrics=False, gzip=False)
SETTINGS = CollectorSettings(interval=1.0, timeout=10.0)


class Bench:
    """A sampler, its clock, its record and what its collector does next."""

    def __init__(self) -> None:
        self.time = Time()
        self.record = Record()
        self.collector = Scripted(lambda: [gauge("panewatch_a")])
        self.sampler = Sampler(self.collector, SETTINGS, self.record, Names(), self.time.clock())

    def counted(self) -> dict[str, int]:
        return {reason: count for reason, count in self.record.errors.items() if count}

    def text(self) -> str:
        return self.sampler.state().snapshot.encode(TEXT).decode()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nothing_is_known_before_the_first_sample(bench: Bench) -> None:
    state = bench.sampler.state()
    assert (state.success, state.duration, bench.text()) == (None, None, "")
    assert bench.record.errors == {"raised": 0, "timeout": 0, "unavailable": 0, "invalid": 0}
    assert not bench.sampler.is_sampled()


def test_a_good_sample(bench: Bench) -> None:
    bench.sampler.sample()
    assert bench.sampler.state().success is True
    assert bench.record.last_success == bench.time.wall
    assert "panewatch_a 1.0\n" in bench.text()
    assert bench.sampler.is_sampled()


def test_a_raising_collector_keeps_what_it_yielded_before(bench: Bench) -> None:
    def collect() -> Iterator[Metric]:
        yield gauge("panewatch_a")
        raise KeyError("secret")

    bench.collector.script = collect
    bench.sampler.sample()
    assert bench.sampler.state().success is False
    assert bench.counted() == {"raised": 1}
    assert "panewatch_a 1.0\n" in bench.text()
    assert bench.record.last_success is None


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError, RecursionError])
def test_no_kind_of_error_gets_out(bench: Bench, error: type[BaseException]) -> None:
    def collect() -> list[Metric]:
        raise error

    bench.collector.script = collect
    bench.sampler.sample()
    assert bench.counted() == {"raised": 1}


def test_series_that_a_failing_sample_did_not_reach_are_gone(bench: Bench) -> None:
    bench.sampler.sample()

    def collect() -> list[Metric]:
        raise SourceUnavailable("no server")

    bench.collector.script = collect
    bench.sampler.sample()
    assert bench.text() == ""
    assert bench.counted() == {"unavailable": 1}
    assert bench.sampler.state().success is False
    assert bench.record.last_success == bench.time.wall


def test_a_late_sample_is_withheld_and_counted_once(bench: Bench) -> None:
    bench.sampler.sample()
    seen: list[State] = []

    def collect() -> list[Metric]:
        bench.time.now += 10.5
        seen.extend(bench.sampler.state() for _ in range(3))
        return [gauge("panewatch_a")]

    bench.collector.script = collect
    bench.sampler.sample()
    assert {(state.success, state.duration) for state in seen} == {(False, 10.5)}
    assert all(state.snapshot.encode(TEXT) == b"" for state in seen)
    assert bench.counted() == {"timeout": 1}
    assert bench.text() == ""
    bench.collector.script = lambda: [gauge("panewatch_a", 2.0)]
    bench.sampler.sample()
    assert bench.sampler.state().success is True
    assert "panewatch_a 2.0\n" in bench.text()
    assert bench.counted() == {"timeout": 1}


def test_a_late_sample_that_nobody_looked_at_is_withheld_too(bench: Bench) -> None:
    def collect() -> list[Metric]:
        bench.time.now += 10.5
        raise KeyError

    bench.collector.script = collect
    bench.sampler.sample()
    assert bench.counted() == {"timeout": 1}
    assert bench.text() == ""


def test_what_a_late_sample_yielded_in_time_is_withheld_too(bench: Bench) -> None:
    def collect() -> Iterator[Metric]:
        yield gauge("panewatch_a")
        bench.time.now += 10.5

    bench.collector.script = collect
    bench.sampler.sample()
    assert bench.counted() == {"timeout": 1}
    assert bench.text() == ""


def test_what_was_scraped_is_made_ahead_in_the_next_sample(bench: Bench) -> None:
    bench.sampler.sample()
    bench.text()
    bench.sampler.sample()
    assert bench.sampler.state().snapshot._encoded


def test_a_sample_just_in_time_counts(bench: Bench) -> None:
    def collect() -> list[Metric]:
        bench.time.now += 10.0
        return [gauge("panewatch_a")]

    bench.collector.script = collect
    bench.sampler.sample()
    assert bench.counted() == {}
    assert bench.sampler.state().duration == 10.0


def test_a_collector_that_never_stops_yielding_is_given_up(bench: Bench) -> None:
    def collect() -> Iterator[Metric]:
        number = 0
        while number < 1000:
            number += 1
            bench.time.now += 1.0
            yield gauge(f"panewatch_{number}")

    bench.collector.script = collect
    bench.sampler.sample()
    assert bench.counted() == {"timeout": 1}
    assert bench.time.now < 1020.0


def test_a_family_yielded_twice_and_no_family_at_all_are_invalid(bench: Bench) -> None:
    bench.collector.script = lambda: [
        gauge("panewatch_a"),
        gauge("panewatch_a", 2.0),
        "family",  # type: ignore[list-item]
        None,  # type: ignore[list-item]
        gauge("panewatch_b"),
    ]
    bench.sampler.sample()
    assert bench.counted() == {"invalid": 1}
    assert bench.sampler.state().success is False
    assert bench.text().count("panewatch_a 1.0\n") == 1
    assert "panewatch_a 2.0" not in bench.text()
    assert "panewatch_b 1.0\n" in bench.text()


def test_the_wall_clock_may_jump(bench: Bench) -> None:
    def collect() -> list[Metric]:
        bench.time.wall -= 86400.0
        return [gauge("panewatch_a")]

    bench.collector.script = collect
    bench.sampler.sample()
    assert bench.sampler.state().duration == 0.0
    assert bench.counted() == {}


@pytest.mark.parametrize(
    ("duration", "cpu", "interval", "pause"),
    [
        (0.1, 0.001, 1.0, 0.9),  # samples begin an interval apart
        (0.9, 0.001, 1.0, 0.9),  # a slow one is followed by as long a rest
        (600.0, 0.001, 1.0, 1.0),  # at most an interval, also after a suspend: no catching up
        (0.1, 0.1, 0.5, 1.9),  # 0.1 s of computing in 2 s
        (0.0, 0.0, 30.0, 30.0),
    ],
)
def test_pause(duration: float, cpu: float, interval: float, pause: float) -> None:
    assert pause_after(duration, cpu, interval) == pytest.approx(pause)


def test_a_collector_that_cannot_start_is_started_again() -> None:
    calls: list[str] = []

    class Startable(Scripted):
        def start(self) -> None:
            calls.append("start")
            if len(calls) == 1:
                raise SourceUnavailable("not yet")

        def stop(self) -> None:
            calls.append("stop")

    record = Record()
    collector = Startable(lambda: [gauge("panewatch_a")])
    sampler = Sampler(collector, SETTINGS, record, Names(), Time().clock())
    sampler.sample()
    assert (record.errors["unavailable"], collector.calls) == (1, 0)
    sampler.sample()
    sampler.sample()
    assert (calls, collector.calls) == (["start", "start"], 2)


def test_names_belong_to_whoever_used_them_first() -> None:
    names = Names()
    assert names.claim("a", {"x", "x_total"})
    assert names.claim("a", {"x"})
    assert not names.claim("b", {"y", "x_total"})
    assert names.claim("c", {"y"})
