"""The runner with its real threads."""

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from panewatch.collector import Collector
from panewatch.config import CollectorSettings
from panewatch.exposition import Rendered
from panewatch.runner import Clock, Runner, SourceUnavailable
from polling import wait_until
from runner.collectors import (
    QUICK,
    Hang,
    Scripted,
    Time,
    errors,
    gauge,
    named,
    read,
    success,
    value,
)

NEVER = CollectorSettings(interval=3600.0, timeout=5.0)
running: list[Runner] = []


@pytest.fixture(autouse=True)
def _stop_all() -> Iterator[None]:
    yield
    while running:
        running.pop().stop(timeout=1.0)


def run(*collectors: tuple[Collector, CollectorSettings], **rest: object) -> Runner:
    runner = Runner(collectors, **rest)  # type: ignore[arg-type]
    running.append(runner)
    runner.start()
    return runner


def samplers(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"panewatch-{name}"]


def test_a_failing_collector_leaves_the_others_alone() -> None:
    def fail() -> Iterator[Metric]:
        yield gauge("panewatch_before")
        raise ValueError

    def refuse() -> list[Metric]:
        raise SourceUnavailable("no source")

    good = named("good", lambda: [gauge("panewatch_good", 7.0)])
    runner = run((named("bad", fail), QUICK), (good, QUICK), (named("none", refuse), QUICK))
    wait_until(runner.ready)
    assert success(runner, "bad") == 0
    assert success(runner, "none") == 0
    assert success(runner, "good") == 1
    assert value(runner, "panewatch_before") == 1
    assert value(runner, "panewatch_good") == 7
    assert set(errors(runner, "bad")) == {"raised"}
    assert set(errors(runner, "none")) == {"unavailable"}
    assert errors(runner, "good") == {}


def test_a_hanging_collector_is_withheld_has_one_thread_and_recovers() -> None:
    hang = Hang()
    slow = named("slow", lambda: [gauge("panewatch_slow")])
    good = named("good", lambda: [gauge("panewatch_good")])
    settings = CollectorSettings(interval=0.02, timeout=0.2)
    runner = run((slow, settings), (good, QUICK))
    wait_until(lambda: value(runner, "panewatch_slow") == 1)
    slow.script = hang
    assert hang.entered.wait(10)
    wait_until(lambda: success(runner, "slow") == 0)
    calls = good.calls
    wait_until(lambda: good.calls > calls + 10, what="the other collector goes on")
    for _ in range(500):
        runner.exposition(openmetrics=False, gzip=False)
    assert value(runner, "panewatch_slow") is None
    assert errors(runner, "slow") == {"timeout": 1}
    assert len(samplers("slow")) == 1
    assert success(runner, "good") == 1
    slow.script = lambda: [gauge("panewatch_slow", 2.0)]
    hang.released.set()
    wait_until(lambda: value(runner, "panewatch_slow") == 2)
    assert success(runner, "slow") == 1
    assert errors(runner, "slow") == {"timeout": 1}


def test_ready_when_every_collector_was_sampled_or_given_up() -> None:
    hang = Hang()
    settings = CollectorSettings(interval=1.0, timeout=0.3)
    runner = run((named("slow", hang), settings), (named("good", list), QUICK))
    assert hang.entered.wait(10)
    assert not runner.ready()
    wait_until(runner.ready)
    hang.released.set()


def test_stop_does_not_wait_for_a_long_interval_but_says_when_something_hangs() -> None:
    hang = Hang()
    runner = run((named("good", list), NEVER))
    wait_until(runner.ready)
    assert runner.stop(timeout=5.0)
    assert not samplers("good")
    runner = run((named("stuck", hang), NEVER))
    assert hang.entered.wait(10)
    assert not runner.stop(timeout=0.05)
    hang.released.set()
    wait_until(lambda: not samplers("stuck"))


def test_start_and_stop_of_a_collector_are_called_once_in_its_own_thread() -> None:
    calls: list[tuple[str, str]] = []

    class Startable(Scripted):
        name = "startable"

        def start(self) -> None:
            calls.append(("start", threading.current_thread().name))

        def stop(self) -> None:
            calls.append(("stop", threading.current_thread().name))

    collector = Startable(list)
    runner = run((collector, QUICK))
    wait_until(lambda: collector.calls > 3)
    assert runner.stop(timeout=5.0)
    assert calls == [("start", "panewatch-startable"), ("stop", "panewatch-startable")]


def test_two_collectors_with_one_family_never_break_the_exposition() -> None:
    first = named("first", lambda: [gauge("panewatch_x", pane="1"), gauge("panewatch_first")])
    second = named("second", lambda: [gauge("panewatch_x", pane="1"), gauge("panewatch_second")])
    own = named("own", lambda: [gauge("panewatch_collector_success", collector="own")])
    runner = run((first, QUICK), (second, QUICK), (own, QUICK))
    wait_until(lambda: errors(runner, "own"))
    wait_until(lambda: errors(runner, "first") or errors(runner, "second"))
    series = read(runner)  # fails on a duplicate
    assert series["panewatch_x", (("pane", "1"),)] == 1
    assert ("panewatch_first", ()) in series
    assert ("panewatch_second", ()) in series
    assert success(runner, "own") == 0
    failed = [name for name in ("first", "second") if errors(runner, name)]
    assert len(failed) == 1
    assert set(errors(runner, failed[0])) == {"invalid"}


def test_hostile_labels_stay_labels() -> None:
    hostile = '"} 1\nup 0\n\\'
    runner = run((named("bad", lambda: [gauge("panewatch_x", pane=hostile)]), QUICK))
    wait_until(runner.ready)
    assert value(runner, "panewatch_x", pane=hostile) == 1
    assert ("up", ()) not in read(runner)


def test_extra_families_are_isolated_too() -> None:
    def extra() -> Iterator[Metric]:
        yield gauge("panewatch_extra")
        yield gauge("panewatch_extra")
        yield gauge("panewatch_collector_success")
        raise OSError

    runner = run((named("good", lambda: [gauge("panewatch_good")]), QUICK), extra=extra)
    wait_until(runner.ready)
    assert value(runner, "panewatch_extra") == 1
    assert value(runner, "panewatch_good") == 1
    assert success(runner, "good") == 1


def test_disabled_collectors_are_left_out() -> None:
    off = CollectorSettings(enabled=False)
    runner = run((named("off", lambda: [gauge("panewatch_off")]), off), (named("on", list), QUICK))
    wait_until(runner.ready)
    assert success(runner, "off") is None
    assert success(runner, "on") == 1


def test_sample_once_tells_whether_all_succeeded() -> None:
    def refuse() -> list[Metric]:
        raise SourceUnavailable("no source")

    good = named("good", lambda: [gauge("panewatch_good")])
    runner = Runner([(good, NEVER)])
    assert runner.sample_once()
    assert value(runner, "panewatch_good") == 1
    assert good.calls == 1
    assert not Runner([(good, NEVER), (named("none", refuse), NEVER)]).sample_once()


def test_a_hundred_scrapers_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []

    class Counted(Rendered):
        @property
        def text(self) -> tuple[str, ...]:
            encoded.append(threading.current_thread().name)
            return ("# HELP panewatch_x Help.\n# TYPE panewatch_x gauge\npanewatch_x 1.0\n",)

    def render_counted(_family: Metric, _before: object) -> Rendered:
        rendered = object.__new__(Counted)
        object.__setattr__(rendered, "names", frozenset({"panewatch_x"}))
        object.__setattr__(rendered, "dropped", 0)
        return rendered

    monkeypatch.setattr("panewatch.sampler.render", render_counted)
    runner = run((named("good", lambda: [gauge("panewatch_x")]), NEVER))
    wait_until(runner.ready)
    together = threading.Barrier(20)

    def scrape(number: int) -> bytes:
        if number < 20:
            together.wait(10)
        body = runner.exposition(openmetrics=False, gzip=number % 2 == 0)
        return gzip.decompress(body) if number % 2 == 0 else body

    with ThreadPoolExecutor(20) as pool:
        bodies = list(pool.map(scrape, range(100)))
    assert all(b"\npanewatch_x 1.0\n" in body for body in bodies)
    assert len(encoded) == 1


def test_scrapers_at_one_time_share_an_answer_later_ones_get_a_new_one() -> None:
    time = Time()
    told: list[int] = []

    def extra() -> list[Metric]:
        told.append(len(told))
        return [gauge("panewatch_told", len(told))]

    runner = Runner([], extra=extra, clock=time.clock())
    together = threading.Barrier(20)

    def scrape(_: int) -> bytes:
        together.wait(10)
        return runner.exposition(openmetrics=False, gzip=False)

    with ThreadPoolExecutor(20) as pool:
        assert len({id(body) for body in list(pool.map(scrape, range(20)))}) == 1
    assert len(told) == 1
    time.now += 0.1
    assert value(runner, "panewatch_told") == 2


def test_openmetrics_of_everything_parses() -> None:
    runner = run((named("good", lambda: [gauge("panewatch_x", pane="1")]), QUICK))
    wait_until(runner.ready)
    text = runner.exposition(openmetrics=True, gzip=False).decode()
    names = {family.name for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]
    assert {"panewatch_x", "panewatch_collector_errors"} <= names


def test_own_metrics_of_a_frozen_clock() -> None:
    time = Time()
    runner = Runner([(named("good", list), NEVER)], clock=time.clock())
    running.append(runner)
    assert errors(runner, "good") == {}
    assert (
        value(runner, "panewatch_collector_errors_total", collector="good", reason="timeout") == 0
    )
    assert success(runner, "good") is None
    time.now += 1.0
    runner.start()
    wait_until(runner.ready)
    name = "panewatch_collector_last_success_timestamp_seconds"
    assert value(runner, name, collector="good") == time.wall
    assert value(runner, "panewatch_collector_duration_seconds", collector="good") == 0


def test_replace_keeps_what_stays_and_swaps_the_rest_at_once() -> None:
    stays = named("stays", lambda: [gauge("panewatch_stays")])
    old = named("panes", lambda: [gauge("panewatch_generation", 1.0)])
    new = named("panes", lambda: [gauge("panewatch_generation", 2.0)])
    runner = run((stays, NEVER), (old, QUICK))
    wait_until(runner.ready)
    seen: list[float | None] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.append(value(runner, "panewatch_generation"))

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(watch)
        wait_until(lambda: len(seen) > 20)
        runner.replace([(stays, NEVER), (new, QUICK)])
        reached = len(seen)
        wait_until(lambda: len(seen) > reached + 20)
        over.set()
    assert set(seen) == {1.0, 2.0}  # never absent, never both
    assert value(runner, "panewatch_generation") == 2
    assert stays.calls == 1
    calls = old.calls
    wait_until(lambda: len(samplers("panes")) == 1)
    wait_until(lambda: new.calls > 5)
    assert old.calls == calls


def test_errors_go_on_counting_across_a_replacement() -> None:
    def fail() -> list[Metric]:
        raise ValueError

    runner = run((named("bad", fail), NEVER))
    wait_until(lambda: errors(runner, "bad") == {"raised": 1})
    runner.replace([(named("bad", fail), NEVER)])
    assert errors(runner, "bad") == {"raised": 2}


def test_new_settings_hold_at_once_for_a_collector_that_stays() -> None:
    stays = named("stays", list)
    runner = run((stays, NEVER))
    wait_until(runner.ready)
    runner.replace([(stays, QUICK)])
    wait_until(lambda: stays.calls > 3)


def test_replace_can_be_cancelled() -> None:
    hang = Hang()
    runner = run((named("panes", list), QUICK))
    wait_until(runner.ready)
    runner.replace([(named("panes", hang), NEVER)], cancelled=hang.entered.is_set)
    hang.released.set()


def test_no_thread_left(monkeypatch: pytest.MonkeyPatch) -> None:
    old = named("old", lambda: [gauge("panewatch_old")])
    runner = run((old, QUICK))
    wait_until(runner.ready)
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "panewatch-second":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        runner.replace(
            [(old, QUICK), (named("first", list), QUICK), (named("second", list), QUICK)]
        )
    assert value(runner, "panewatch_old") == 1
    assert not samplers("first")
    assert samplers("old")


def test_the_real_clock_is_monotonic() -> None:
    clock = Clock()
    assert clock.monotonic() <= clock.monotonic()
