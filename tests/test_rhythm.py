"""When the next scrape is expected: what is shown at one must have been made ready before."""

from __future__ import annotations

import pytest

from panewatch.rhythm import Rhythm


class _Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class _Day:
    """A rhythm, and the seconds of a day since it began."""

    def __init__(self) -> None:
        self._clock = _Clock()
        self.rhythm = Rhythm(self._clock)

    def scrape(self, *times: float) -> None:
        """Let scrapes come."""
        for at in times:
            self._clock.now = 1000.0 + at
            self.rhythm.note()

    def is_near(self, at: float) -> bool:
        """Tell whether a scrape is expected."""
        self._clock.now = 1000.0 + at
        return self.rhythm.is_near()


@pytest.fixture
def day() -> _Day:
    return _Day()


def test_at_the_start_somebody_may_look_at_any_time(day: _Day) -> None:
    assert day.is_near(0.0)
    assert day.is_near(59.0)


def test_nobody_looks_where_no_scrape_ever_came(day: _Day) -> None:
    assert not day.is_near(61.0)


def test_two_scrapes_are_no_rhythm(day: _Day) -> None:
    day.scrape(3.0, 18.0)
    assert all(day.is_near(at) for at in (18.0, 25.0, 32.9))


def test_between_the_scrapes_of_one_prometheus_nobody_looks(day: _Day) -> None:
    day.scrape(3.0, 18.0, 33.001)
    assert [day.is_near(at) for at in (33.5, 40.0, 45.0, 46.5, 47.9)] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_a_scrape_that_does_not_come_is_waited_for(day: _Day) -> None:
    day.scrape(0.0, 15.0, 30.0)
    assert day.is_near(80.0)
    assert not day.is_near(106.0)


def test_a_scrape_out_of_turn_breaks_the_rhythm(day: _Day) -> None:
    day.scrape(0.0, 15.0, 30.0, 37.0)
    assert day.is_near(37.1)
    assert day.is_near(41.0)


def test_a_rhythm_is_found_again(day: _Day) -> None:
    day.scrape(0.0, 15.0, 30.0, 37.0, *(15.0 * number for number in range(3, 13)))
    assert day.is_near(181.0)
    day.scrape(195.0)
    assert not day.is_near(196.0)
    assert day.is_near(209.0)


def test_who_asks_now_and_then_beside_another_finds_all_fresh(day: _Day) -> None:
    regular = [15.0 * number for number in range(40)]
    other = [60.0 * number + 7.0 for number in range(2, 10)]
    found = []
    for at in sorted((*regular, *other)):
        found.append((at in other, day.is_near(at)))
        day.scrape(at)
    # The first time nobody knows of it.
    assert [near for of_other, near in found if of_other] == [False] + [True] * 7


def test_two_that_take_turns_have_a_rhythm_too(day: _Day) -> None:
    day.scrape(0.0, 4.0, 15.0, 19.0, 30.0)
    assert [day.is_near(at) for at in (31.0, 32.5, 33.9)] == [False, True, True]
    day.scrape(34.0)
    assert [day.is_near(at) for at in (35.0, 42.0, 43.5)] == [False, False, True]


def test_two_that_come_together_are_as_one(day: _Day) -> None:
    day.scrape(0.0, 0.05, 15.0, 15.06, 30.0, 30.01)
    assert not day.is_near(31.0)
    assert day.is_near(43.5)


def test_who_asks_often_always_looks(day: _Day) -> None:
    day.scrape(*(float(at) for at in range(20)))
    assert all(day.is_near(19.0 + part / 10) for part in range(10))


def test_long_intervals_are_waited_for_in_full(day: _Day) -> None:
    day.scrape(0.0, 120.0, 240.0)
    assert not day.is_near(241.0)
    assert not day.is_near(320.0)
    assert day.is_near(358.5)
    assert day.is_near(370.0)
