"""What is measured of batches, on a clock that the tests move."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.training.callback.measurement import BOUNDS, Measurement
from panewatch.training.callback.quantiles import Window, find_quantiles


def measure(*batches: tuple[float, float, int | None]) -> Measurement:
    """Measure batches that each waited, computed, and had so many samples."""
    measurement, now = Measurement(), 100.0
    measurement.ask(now)
    for wait, compute, samples in batches:
        measurement.begin(now + wait)
        now += wait + compute
        measurement.end(now, samples)
    return measurement


def test_waiting_and_computing_are_told_apart() -> None:
    measured = measure((0.5, 1.5, 8), (0.25, 0.75, 3)).copy()
    assert (measured.batches, measured.samples) == (2, 11)
    assert (measured.wait, measured.compute) == (0.75, 2.25)
    assert measured.longest == 2.0
    assert measured.last == 103.0


def test_a_pause_is_neither() -> None:
    measurement = Measurement()
    measurement.ask(0.0)
    measurement.begin(1.0)
    measurement.end(2.0, 4)
    measurement.pause()
    measurement.ask(50.0)
    measurement.begin(51.0)
    measurement.end(52.0, 4)
    measured = measurement.copy()
    assert (measured.wait, measured.compute) == (2.0, 2.0)


def test_an_end_without_a_beginning_counts_nothing() -> None:
    measurement = measure((0.0, 1.0, 1))
    measurement.end(200.0, 1)
    assert measurement.copy().batches == 1


def test_samples_are_not_known_once_a_batch_cannot_be_counted() -> None:
    measured = measure((0.0, 1.0, 4), (0.0, 1.0, None), (0.0, 1.0, 4)).copy()
    assert measured.samples is None
    assert measured.per_second(measured.recent_samples) is None
    assert measured.per_second(measured.recent_batches) == 1.0


def test_the_speed_is_that_of_the_last_minute() -> None:
    measured = measure(*[(0.0, 2.0, 10)] * 100, *[(0.0, 0.5, 10)] * 200).copy()
    assert measured.per_second(measured.recent_batches) == pytest.approx(2.0, rel=0.03)
    assert measured.per_second(measured.recent_samples) == pytest.approx(20.0, rel=0.03)


def test_there_is_no_speed_before_the_first_batch() -> None:
    measured = Measurement().copy()
    assert measured.per_second(measured.recent_batches) is None


@given(st.lists(st.floats(0.0, 100.0), max_size=60))
def test_each_batch_is_in_the_bucket_of_its_time(seconds: list[float]) -> None:
    measurement = measure(*[(0.0, each, 1) for each in seconds])
    times = sorted(measurement.copy_times())
    buckets = measurement.copy().buckets
    assert sum(buckets) == len(seconds)
    for place, bound in enumerate(BOUNDS):
        assert sum(buckets[: place + 1]) == sum(time <= bound for time in times)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=300))
def test_quantiles_are_those_of_the_values(values: list[float]) -> None:
    p0, p50, p100 = find_quantiles(values, [0.0, 0.5, 1.0])
    assert (p0, p100) == (min(values), max(values))
    assert p50 == statistics.median_low(values)


def test_quantiles_of_a_hundred_values_are_exact() -> None:
    assert find_quantiles(range(1, 101), [0.5, 0.95, 0.99]) == [50, 95, 99]
    assert find_quantiles(range(1, 21), [0.95]) == [19]
    assert find_quantiles([], [0.5]) == []


@given(st.integers(1, 20), st.lists(st.floats(0, 10), max_size=60))
def test_a_window_keeps_the_last_values(most: int, values: list[float]) -> None:
    window = Window(most)
    for value in values:
        window.add(value)
    assert sorted(window.copy()) == sorted(values[-most:])
