"""The figures of a search: counts, spread, trend and trouble, and what they must not depend on."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.courses import BEGIN, PACE, follow
from panewatch.experiments.completions import Completions
from panewatch.experiments.figures import Figures, compute
from panewatch.experiments.labels import name_id
from panewatch.experiments.model import STATUSES, Experiment
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.trend import find_direction, find_slope, number_groups

SETTINGS = ExperimentsSettings()
TOLERANCE = SETTINGS.verdict.tolerance_ratio
BITRATES = st.floats(1e-3, 1e12)
SEARCHES = st.lists(
    st.builds(
        Experiment,
        id=st.text(max_size=3),
        status=st.sampled_from(STATUSES),
        time=st.integers(0, 5).map(float),
        bitrate=st.none() | BITRATES,
        validation_failures=st.integers(0, 3),
        error=st.sampled_from(["", "a", "b"]),
        interventions=st.integers(0, 2),
    ),
    max_size=40,
    unique_by=lambda experiment: experiment.id,
).map(lambda experiments: sorted(experiments, key=lambda experiment: experiment.time))


def look(*course: object, **verdict: object) -> Figures:
    settings = ExperimentsSettings.model_validate({"verdict": verdict})
    return compute(follow(course), settings)


def test_of_nothing_there_is_nothing() -> None:
    figures = compute([], SETTINGS)
    assert figures.statuses == dict.fromkeys(STATUSES, 0)
    empty = (figures.best, figures.mean, figures.latest, figures.since_best, figures.trend)
    assert {*empty, figures.started, figures.last_completed, figures.timeout_ratio} == {None}
    assert (figures.total, figures.ended, figures.unique, figures.same, figures.newest) == (
        0, 0, 0, 0, (),
    )  # fmt: skip


def test_a_search_in_figures() -> None:
    figures = look("9", "T", "F:disk", "6", "6.003", "R", "F:disk", "12!", "O")
    assert figures.statuses == {
        "completed": 4, "running": 1, "failed": 2, "timeout": 1, "other": 1,
    }  # fmt: skip
    assert (figures.total, figures.ended, figures.results) == (9, 7, 4)
    assert (figures.best, figures.latest) == (6e6, 12e6)
    assert figures.mean == pytest.approx(8.25075e6)
    assert (figures.unique, figures.same, figures.since_best) == (3, 1, 2)
    assert (figures.judged, figures.timeouts, figures.timeout_ratio) == (7, 1, 1 / 7)
    assert (figures.repeated_error, figures.interventions) == (2, 1)
    assert (figures.started, figures.last_completed) == (BEGIN, BEGIN + 7 * PACE)
    assert [experiment.id for experiment in figures.newest] == ["e0", "e3", "e4", "e7"]


def test_only_the_newest_count_where_it_says_so() -> None:
    figures = look("T!x5", "F:a!", "F:ax4", "9", "8", "7", "6", "5", "4", recent=5)
    assert (figures.judged, figures.timeouts, figures.repeated_error) == (5, 0, 0)
    assert (figures.interventions, figures.trend) == (0, -1e6)
    assert figures.results == 6
    settings = ExperimentsSettings(newest=2)
    newest = compute(follow(["9", "8", "T", "7"]), settings).newest
    assert [experiment.bitrate for experiment in newest] == [8e6, 7e6]


def test_a_completed_one_without_a_result_is_counted_and_no_result() -> None:
    figures = compute([Experiment("a", "completed", 5.0)], SETTINGS)
    assert (figures.statuses["completed"], figures.results) == (1, 0)
    assert (figures.best, figures.last_completed) == (None, 5.0)


def test_a_bitrate_of_what_has_not_completed_is_no_result() -> None:
    figures = compute([Experiment("a", "failed", 5.0, bitrate=1.0)], SETTINGS)
    assert (figures.results, figures.best, figures.newest) == (0, None, ())


@pytest.mark.parametrize(
    ("course", "refusals"),
    [
        (["Fv1", "Fv2"], 3),
        (["Fv1", "9", "Fv2"], 2),
        (["Fv1", "F", "Fv2"], 2),
        (["Fv1", "T"], 0),
        (["Fv1", "R", "Fv2", "R"], 3),
        (["Fv1", "Rv2"], 3),
        (["Fv1", "9v3"], 0),
        (["Tv1", "Ov1"], 2),
    ],
)
def test_refusals_are_counted_up_to_the_last(course: list[str], refusals: int) -> None:
    assert look(*course).validation_failures == refusals


@pytest.mark.parametrize(
    ("course", "same"),
    [
        (["9", "8", "8", "8"], 3),
        (["8", "9", "8"], 1),
        (["8", "8", "T", "8"], 3),
        (["8", "8.007", "8.014"], 2),
    ],
)
def test_the_newest_of_one_value(course: list[str], same: int) -> None:
    assert look(*course).same == same


@pytest.mark.parametrize(
    ("course", "since"),
    [
        (["9"], 0),
        (["9", "9", "9"], 2),
        (["9", "8", "9", "10"], 2),
        (["9", "8.995"], 1),
        (["9", "8.995", "8.99"], 0),
    ],
)
def test_results_since_the_best(course: list[str], since: int) -> None:
    assert look(*course).since_best == since


class TestGroups:
    @pytest.mark.parametrize(
        ("values", "tolerance", "groups"),
        [
            ([1.0, 1.0, 2.0], 0.0, [0, 0, 1]),
            ([90.0, 95.0, 100.0, 101.0], 0.1, [0, 0, 0, 1]),
            ([1.0, 1.1, 1.2, 1.3], 0.1, [0, 0, 1, 1]),
        ],
    )
    def test_begin_at_the_lowest(
        self, values: list[float], tolerance: float, groups: list[int]
    ) -> None:
        assert list(number_groups(values, tolerance)) == groups

    @given(st.lists(BITRATES, min_size=1, max_size=60), st.sampled_from([0.0, 0.001, 0.1, 0.9]))
    def test_are_as_few_as_can_be_and_none_is_too_wide(
        self, values: list[float], tolerance: float
    ) -> None:
        ascending = sorted(values)
        groups = list(number_groups(ascending, tolerance))
        starts = [value for value, number in zip(ascending, groups, strict=True)
                  if groups.index(number) == ascending.index(value)]  # fmt: skip
        for value, number in zip(ascending, groups, strict=True):
            lowest = ascending[groups.index(number)]
            assert value - lowest <= tolerance * value
        # No two first ones fit into one group, so there are never fewer groups than these.
        assert all(b - a > tolerance * b for a, b in pairwise(sorted(set(starts))))


class TestTrend:
    def test_is_none_of_two(self) -> None:
        assert find_slope([2.0, 1.0]) is None
        assert find_slope([3.0, 2.0, 1.0]) == -1.0

    def test_does_not_follow_outliers(self) -> None:
        values = [float(20 - n) for n in range(20)]
        values[3] = values[11] = values[17] = 1e9
        assert find_slope(values) == pytest.approx(-1.0, abs=0.15)

    @pytest.mark.parametrize("count", [3, 4, 5])
    def test_few_values_have_no_direction(self, count: int) -> None:
        assert find_direction([float(n + 1) for n in range(count)], 0) == 0

    def test_six_have_one(self) -> None:
        rising = [float(n + 1) for n in range(6)]
        assert find_direction(rising, 0) == 1
        assert find_direction(rising[::-1], 0) == -1
        assert find_direction([rising[1], rising[0], *rising[2:]], 0) == 0

    @pytest.mark.parametrize(
        ("values", "direction"),
        [
            # Of seven, 19 pairs that rise and 2 that fall are the last that chance seldom makes.
            ([2, 1, 4, 3, 5, 6, 7], 1),
            ([2, 1, 4, 3, 6, 5, 7], 0),
            ([7, 6, 5, 3, 4, 1, 2], -1),
            ([7, 5, 6, 3, 4, 1, 2], 0),
        ],
    )
    def test_the_last_that_chance_seldom_makes(self, values: list[float], direction: int) -> None:
        assert find_direction(values, 0) == direction

    def test_what_is_within_the_tolerance_does_not_rise(self) -> None:
        values = [1000.0 + n / 100 for n in range(20)]
        assert find_direction(values, 0) == 1
        assert find_direction(values, 0.001) == 0
        assert find_direction([5.0] * 20, 0) == 0

    def test_noise_seldom_has_one(self) -> None:
        source = random.Random(7)  # noqa: S311 - the same noise each time
        found = [
            find_direction([source.lognormvariate(2, 0.3) for _ in range(20)], TOLERANCE)
            for _ in range(1500)
        ]
        assert 0 < found.count(1) <= 0.015 * len(found)
        assert 0 < found.count(-1) <= 0.015 * len(found)

    def test_a_trend_in_noise_is_found(self) -> None:
        source = random.Random(7)  # noqa: S311 - as above
        found = [
            find_direction([5 + n / 4 + source.gauss(0, 1) for n in range(20)], TOLERANCE)
            for _ in range(200)
        ]
        assert found.count(1) > 190


def test_ids_of_one_time_are_sorted_as_people_do() -> None:
    found = compute(
        [Experiment(f"run-{n}", "completed", 0.0, 20e6 - n) for n in (10, 2, 1, 9, 11)], SETTINGS
    )
    assert [each.id for each in found.newest] == ["run-1", "run-2", "run-9", "run-10", "run-11"]
    assert found.since_best == 4


class TestAnyOrderAndUnit:
    @given(SEARCHES, st.randoms(use_true_random=False))
    def test_those_of_one_time_may_come_in_any_order(
        self, experiments: list[Experiment], chance: random.Random
    ) -> None:
        shuffled = experiments.copy()
        chance.shuffle(shuffled)
        shuffled.sort(key=lambda experiment: experiment.time)
        assert compute(shuffled, SETTINGS) == compute(experiments, SETTINGS)

    @given(SEARCHES, st.sampled_from([0.125, 8.0, 1024.0]))
    def test_another_unit_changes_bitrates_only(
        self, experiments: list[Experiment], factor: float
    ) -> None:
        def scale(value: float | None) -> float | None:
            return None if value is None else value * factor

        scaled = [replace(each, bitrate=scale(each.bitrate)) for each in experiments]
        before, after = compute(experiments, SETTINGS), compute(scaled, SETTINGS)
        of_bitrates = {"best", "mean", "latest", "trend"}
        for name in of_bitrates:
            expected, found = scale(getattr(before, name)), getattr(after, name)
            assert found == (expected if expected is None else pytest.approx(expected, rel=1e-9))
        for name in {field.name for field in fields(Figures)} - of_bitrates - {"newest"}:
            assert getattr(after, name) == getattr(before, name)

    @given(st.lists(BITRATES, min_size=1, max_size=30))
    def test_each_twice_changes_neither_best_nor_spread(self, values: list[float]) -> None:
        once = [Experiment(f"a{n}", "completed", float(n), v) for n, v in enumerate(values)]
        again = [replace(each, id=f"b{each.id}") for each in once]
        figures, double = compute(once, SETTINGS), compute([*once, *again], SETTINGS)
        assert (double.best, double.unique) == (figures.best, figures.unique)
        assert double.mean == pytest.approx(figures.mean)
        assert figures.mean == pytest.approx(fmean(values))

    @given(SEARCHES)
    def test_figures_fit_each_other(self, experiments: list[Experiment]) -> None:
        figures = compute(experiments, SETTINGS)
        assert figures.total == len(experiments) >= figures.ended >= figures.judged
        assert figures.statuses["completed"] >= figures.results >= figures.unique
        assert (figures.same == figures.results) == (figures.unique <= 1)
        if figures.best is not None and figures.mean is not None:
            assert figures.best <= figures.mean * (1 + 1e-12)

    def test_the_largest_floats_are_no_trouble(self) -> None:
        high = [Experiment(f"a{n}", "completed", float(n), 1.7e308) for n in range(8)]
        figures = compute(high, SETTINGS)
        assert (figures.mean, figures.unique, figures.trend) == (1.7e308, 1, 0.0)


class TestLabels:
    @pytest.mark.parametrize("text", ["a", "run-7_2026.11", "x-1", "X" * 64])
    def test_plain_ids_stand(self, text: str) -> None:
        assert name_id(text) == text

    @pytest.mark.parametrize(
        "text",
        ["", "X" * 65, 'a"} 1\n', "a b", "é", "<b>", "arn:aws:x", "x-0123456789", "\ud800", "a\n"],
    )
    def test_others_are_digests(self, text: str) -> None:
        label = name_id(text)
        assert label.startswith("x-")
        assert len(label) == 12
        assert label != text

    @given(st.text(), st.text())
    def test_two_ids_are_two_labels(self, one: str, other: str) -> None:
        assert (name_id(one) == name_id(other)) == (one == other)


class TestCompletions:
    @staticmethod
    def count(completions: Completions, experiments: Iterable[Experiment]) -> int:
        held = list(experiments)
        assert list(completions.watch(held)) == held
        return completions.total

    def test_each_counts_once_and_stays(self) -> None:
        completions = Completions()
        assert self.count(completions, follow(["9", "R", "T", "8"])) == 2
        assert self.count(completions, follow(["9", "7", "T", "8"])) == 3
        assert self.count(completions, []) == 3
        new = [Experiment(f"new{n}", "completed", 1.0, 1.0) for n in range(3)]
        assert self.count(completions, [*new, new[1]]) == 6

    @given(st.lists(st.sets(st.integers(0, 12)), max_size=8))
    def test_whatever_comes_and_goes(self, rounds: list[set[int]]) -> None:
        completions, before, total = Completions(), set[int](), 0
        for ids in rounds:
            total += len(ids - before)
            before = ids
            found = (Experiment(str(n), "completed", 0.0, 1.0) for n in ids)
            assert self.count(completions, found) == total


def test_of_a_long_search_only_the_newest_are_kept() -> None:
    stream = (Experiment(f"e{n}", "failed", float(n), error=str(n)) for n in range(20_000))
    tracemalloc.start()
    try:
        figures = compute(stream, SETTINGS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert figures.statuses["failed"] == 20_000
    assert peak < 100_000
