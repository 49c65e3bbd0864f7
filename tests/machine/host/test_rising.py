"""Counters of the kernel that fall, and never do here."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from panewatch.machine.host.rising import Rising

WIDTH = 2.0**32


def test_it_follows_what_rises() -> None:
    rising = Rising()
    assert [rising.follow("a", value) for value in (5, 5, 7, 100)] == [5, 5, 7, 100]
    assert rising.follow("b", 3) == 3


def test_one_whose_width_is_over_goes_on() -> None:
    rising = Rising()
    assert rising.follow("a", WIDTH - 10, wraps_at=WIDTH) == WIDTH - 10
    assert rising.follow("a", 5, wraps_at=WIDTH) == WIDTH + 5
    assert rising.follow("a", 6, wraps_at=WIDTH) == WIDTH + 6


def test_one_that_begins_anew_stands_and_goes_on() -> None:
    rising = Rising()
    assert [rising.follow("a", value) for value in (1000, 4, 6)] == [1000, 1000, 1002]


def test_one_that_takes_a_little_back_has_to_catch_up() -> None:
    rising = Rising()
    told = [rising.follow("a", value, slack=3.0) for value in (100, 98, 99, 100, 101)]
    assert told == [100, 100, 100, 100, 101]
    assert [rising.follow("a", value, slack=3.0) for value in (50, 51)] == [101, 102]


@given(
    st.lists(st.floats(min_value=0, max_value=2**33)),
    st.sampled_from([0.0, WIDTH]),
    st.sampled_from([0.0, 3.0]),
)
def test_none_ever_falls(values: list[float], wraps_at: float, slack: float) -> None:
    rising = Rising()
    told = [rising.follow("a", value, wraps_at=wraps_at, slack=slack) for value in values]
    assert all(before <= after for before, after in pairwise(told))


def test_what_is_remembered_is_bounded_and_the_oldest_goes() -> None:
    rising = Rising()
    rising.follow("kept", 10)
    rising.follow("gone", 10)
    for number in range(5000):
        rising.follow(number, 1)
        rising.follow("kept", 10)
    assert rising.follow("kept", 4) == 10
    assert rising.follow("gone", 4) == 4
