"""How often a pane is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from panewatch.config import PanesSettings
from panewatch.panes.pace import Pace

SETTINGS = PanesSettings(min_interval=0.2, busy_interval=1.0, max_interval=60.0)


def test_a_new_pane_is_due_at_once() -> None:
    assert Pace(SETTINGS, 100.0).due == 100.0


def test_a_quiet_pane_is_read_more_and_more_rarely() -> None:
    pace, now = Pace(SETTINGS, 0.0), 0.0
    intervals = []
    for _ in range(10):
        pace.note(now, rows=0, limit=2000, changed=False)
        intervals.append(pace.interval)
        now = pace.due
    assert intervals == sorted(intervals)
    assert intervals[0] == 2.0
    assert intervals[-1] == 60.0


def test_a_pane_that_wakes_is_read_soon_again() -> None:
    pace = Pace(SETTINGS, 0.0)
    for now in (1.0, 10.0, 100.0):
        pace.note(now, rows=0, limit=2000, changed=False)
    pace.note(101.0, rows=1, limit=2000, changed=True)
    assert pace.interval == 1.0


def test_what_nobody_looks_at_is_read_half_as_often() -> None:
    pace = Pace(SETTINGS, 0.0)
    pace.note(1.0, rows=1, limit=2000, changed=True, watched=False)
    assert (pace.interval, pace.due) == (2.0, 3.0)


def test_before_somebody_looks_it_is_read_as_usual() -> None:
    pace = Pace(SETTINGS, 0.0)
    pace.note(1.0, rows=1, limit=2000, changed=True, watched=False)
    pace.hasten()
    assert (pace.interval, pace.due) == (1.0, 2.0)


def test_a_pane_that_is_quiet_stays_so_when_somebody_looks() -> None:
    pace = Pace(SETTINGS, 0.0)
    for now in (1.0, 3.0, 7.0):
        pace.note(now, rows=0, limit=2000, changed=False, watched=False)
    before = pace.interval
    pace.hasten()
    assert pace.interval == before > 2.0


def test_a_flood_is_read_as_soon_whether_anybody_looks_or_not() -> None:
    seen, unseen = Pace(SETTINGS, 0.0), Pace(SETTINGS, 0.0)
    for now in (1.0, 1.5, 2.0):
        seen.note(now, rows=1500, limit=2000, changed=True)
        unseen.note(now, rows=1500, limit=2000, changed=True, watched=False)
    assert unseen.interval == seen.interval < SETTINGS.busy_interval


def test_no_interval_grows_over_its_limit_because_nobody_looks() -> None:
    settings = PanesSettings(min_interval=0.2, busy_interval=1.0, max_interval=1.5)
    pace = Pace(settings, 0.0)
    pace.note(1.0, rows=1, limit=2000, changed=True, watched=False)
    assert pace.interval == 1.5


def test_a_flood_is_read_before_its_history_is_full() -> None:
    pace, now, limit, rate = Pace(SETTINGS, 0.0), 1.0, 2000, 2000.0
    for _ in range(5):
        pace.note(now, rows=int(rate * max(pace.interval, 0.4)), limit=limit, changed=True)
        now = pace.due
    assert pace.interval * rate < limit
    assert pace.interval >= SETTINGS.min_interval


def test_faster_counts_at_once_and_slower_has_to_prove_itself() -> None:
    pace = Pace(SETTINGS, 0.0)
    pace.note(1.0, rows=5000, limit=2000, changed=True)
    assert pace._rows_per_second == 5000
    fast = pace.interval
    pace.note(2.0, rows=0, limit=2000, changed=True)
    assert fast <= pace.interval < SETTINGS.busy_interval


def test_the_expected_rows_follow_the_pace() -> None:
    pace = Pace(SETTINGS, 0.0)
    pace.note(1.0, rows=100, limit=2000, changed=True)
    assert pace.count_expected(1.5) == 100
    assert pace.count_expected(0.5) == 0, "a clock that stands or falls asks for nothing"


@given(
    st.lists(
        st.tuples(st.floats(-10, 1e6), st.integers(0, 10**7), st.integers(0, 10**6), st.booleans()),
        min_size=1,
    )
)
def test_the_interval_stays_within_its_bounds(
    reads: list[tuple[float, int, int, bool]],
) -> None:
    pace, now = Pace(SETTINGS, 0.0), 0.0
    for step, rows, limit, changed in reads:
        now += step
        pace.note(now, rows=rows, limit=limit, changed=changed)
        assert SETTINGS.min_interval <= pace.interval <= SETTINGS.max_interval
        assert pace.due > now
        assert pace.count_expected(now + 1) >= 0
