"""What is expected by now: the stages of the plan, and what lies between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.courses import BEGIN
from panewatch.experiments.plan import Expectation, expect
from panewatch.experiments.settings import ExperimentsSettings, PlanStage

PLAN = ExperimentsSettings().plan


def look(hours: float, *stages: PlanStage) -> Expectation:
    found = expect(BEGIN, BEGIN + hours * 3600, stages or PLAN)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("hours", "least", "most", "best"),
    [
        (-1, 0, 0, None),
        (0, 0, 0, None),
        (0.3, 0, 2, None),
        (0.5, 1, 3, None),
        (0.99, 2, 5, None),
        (1, 3, 5, 15e6),
        (1.5, 4, 8, 12.5e6),
        (2, 6, 10, 10e6),
        (3, 9, 15, 5e6),
        (4, 11, 20, 5e6),
        (6, 16, 30, 5e6),
        (7, 18, 35, 5e6),
        (8, 20, 40, 5e6),
        (100, 20, 40, 5e6),
    ],
)
def test_the_plan_hour_by_hour(hours: float, least: int, most: int, best: float | None) -> None:
    found = look(hours)
    assert (found.least, found.most) == (least, most)
    assert found.best == (best if best is None else pytest.approx(best))


def test_a_plan_without_a_bitrate_expects_none() -> None:
    stage = PlanStage(hours=2, least=2, most=4)
    assert look(1, stage) == Expectation(1, 2, None)
    assert look(9, stage) == Expectation(2, 4, None)


def test_no_plan_expects_nothing() -> None:
    assert expect(BEGIN, BEGIN + 60, ()) is None


@given(st.floats(0, 20), st.floats(0, 20))
def test_it_never_expects_less_later(one: float, other: float) -> None:
    earlier, later = look(min(one, other)), look(max(one, other))
    assert earlier.least <= later.least
    assert earlier.most <= later.most
    assert later.least <= later.most
    if earlier.best is not None:
        assert later.best is not None
        assert later.best <= earlier.best * (1 + 1e-12)
