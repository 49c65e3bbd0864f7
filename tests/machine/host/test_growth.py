"""When a filesystem will be full, told from histories that were made up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panewatch.machine.host.growth import (
    FEWEST_LOOKS,
    LOOK_SECONDS,
    LOOKS,
    MOST_DAYS,
    Growth,
    estimate_pace,
)

GIB = float(1 << 30)
SIZE = 1000 * GIB
DAY = 86400.0
PER_LOOK = 50 * GIB / (DAY / LOOK_SECONDS)
"""What is used up between two looks at 50 GiB a day."""


def follow(left: Iterable[float], growth: Growth | None = None, begin: float = 0.0) -> float | None:
    """Give what is told at last, of a filesystem that is looked at every 5 seconds."""
    growth, days = growth or Growth(), None
    for index, available in enumerate(left):
        for second in range(0, int(LOOK_SECONDS), 60):
            days = growth.look(begin + index * LOOK_SECONDS + second, SIZE, available)
    return days


def series(used: Callable[[int], float], looks: int = LOOKS) -> list[float]:
    return [400 * GIB - used(index) for index in range(looks)]


def test_steady_growth_is_told_after_an_hour_and_not_before() -> None:
    left = series(lambda index: index * PER_LOOK)
    assert follow(left[: FEWEST_LOOKS - 1]) is None
    days = follow(left[:FEWEST_LOOKS])
    assert days == pytest.approx(left[FEWEST_LOOKS - 1] / (50 * GIB))


@pytest.mark.parametrize(
    "used",
    [
        pytest.param(lambda _: 0.0, id="nothing happens"),
        pytest.param(lambda index: -index * PER_LOOK, id="it empties"),
        pytest.param(lambda index: 90 * GIB if index > 35 else 0.0, id="one large file"),
        pytest.param(lambda index: 90 * GIB if index > 5 else 0.0, id="one large file, early"),
        pytest.param(lambda index: 9 * GIB * (index % 2), id="a file that comes and goes"),
        pytest.param(
            lambda index: (index if index < 50 else index - 50) * PER_LOOK, id="just cleaned up"
        ),
        pytest.param(lambda index: 9 * GIB * math.sin(index / 5), id="it breathes"),
        pytest.param(lambda index: index * 4096.0, id="it takes more than a year"),
    ],
)
def test_what_does_not_grow_steadily_is_not_told(used: Callable[[int], float]) -> None:
    assert follow(series(used)) is None


@pytest.mark.parametrize(
    "used",
    [
        pytest.param(lambda index: index * PER_LOOK, id="a line"),
        pytest.param(lambda index: index // 6 * 6 * PER_LOOK, id="a checkpoint each half hour"),
        pytest.param(
            lambda index: index * PER_LOOK + (200 * GIB if index == 30 else 0), id="one outlier"
        ),
        pytest.param(
            lambda index: index * PER_LOOK + PER_LOOK * math.sin(index * index), id="noise"
        ),
    ],
)
def test_steady_growth_of_any_shape_is_told(used: Callable[[int], float]) -> None:
    left = series(used)
    days = follow(left)
    assert days == pytest.approx(left[-1] / (50 * GIB), rel=0.1)


def test_a_resize_and_a_pause_begin_anew() -> None:
    left = series(lambda index: index * PER_LOOK)
    growth = Growth()
    assert follow(left, growth) is not None
    now = LOOKS * LOOK_SECONDS
    assert growth.look(now, 2 * SIZE, left[-1] + SIZE) is None
    growth = Growth()
    assert follow(left, growth) is not None
    assert follow(left[:1], growth, begin=now + 2 * 3600) is None


def test_a_full_one_is_full_now() -> None:
    left = [max(0.0, 60 * PER_LOOK - index * PER_LOOK) for index in range(LOOKS)]
    assert follow(left) == 0


@settings(max_examples=40, deadline=None)  # each is thousands of slopes
@given(
    pace=st.floats(min_value=1.0, max_value=1e9),
    outliers=st.dictionaries(
        st.integers(0, LOOKS - 1), st.floats(min_value=-1e12, max_value=1e12), max_size=4
    ),
)
def test_few_outliers_hardly_move_the_pace(pace: float, outliers: dict[int, float]) -> None:
    looks = [
        (index * LOOK_SECONDS, outliers.get(index, -pace * index * LOOK_SECONDS))
        for index in range(LOOKS)
    ]
    found = estimate_pace(looks)
    assert found == 0 or found == pytest.approx(pace, rel=0.01)
    if len(outliers) <= 2:
        assert found > 0


@given(
    left=st.lists(st.floats(min_value=0, max_value=1e15), max_size=30),
    steps=st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=30, max_size=30),
)
def test_whatever_happens_days_are_positive_and_at_most_a_year(
    left: list[float], steps: list[float]
) -> None:
    growth, now = Growth(), 0.0
    for step, available in zip(steps, left, strict=False):
        now += step
        days = growth.look(now, SIZE, available)
        assert days is None or 0 <= days <= MOST_DAYS


@given(st.lists(st.floats(min_value=0, max_value=1e15), min_size=FEWEST_LOOKS, max_size=40))
def test_what_only_empties_never_has_a_day(left: list[float]) -> None:
    looks = [(index * LOOK_SECONDS, each) for index, each in enumerate(sorted(left))]
    assert estimate_pace(looks) == 0
