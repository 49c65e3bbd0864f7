"""Where a query for what is new begins, and what may be spent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.tables import BEGIN, Clock
from panewatch.experiments.dynamodb.budget import Budget, Portion
from panewatch.experiments.dynamodb.time_key import shift


@pytest.mark.parametrize(
    ("written", "earlier"),
    [
        ({"N": "1760000000"}, {"N": "1759999100"}),
        ({"N": "1760000000.75"}, {"N": "1759999100"}),
        ({"N": "1760000000000"}, {"N": "1759999100000"}),
        ({"S": "1760000000"}, {"S": "1759999100"}),
        ({"S": "2025-10-09T08:53:20Z"}, {"S": "2025-10-09T08:38:19"}),
        ({"S": "2025-10-09T08:53:20.123456+00:00"}, {"S": "2025-10-09T08:38:19"}),
        ({"S": "2025-10-09 08:53"}, {"S": "2025-10-09 08:37:59"}),
        ({"S": "2025-10-09"}, {"S": "2025-10-08"}),
        ({"S": "20251009T085320"}, None),
        ({"S": "2025-13-09T08:53:20"}, None),
        ({"S": "٣"}, None),
        ({"N": "x"}, None),
        ({"B": b"1"}, None),
        ("2025-10-09", None),
    ],
)
def test_an_earlier_sort_key_is_written_as_the_table_writes_them(
    written: Any, earlier: dict[str, str] | None
) -> None:
    found = shift(written, float(BEGIN), BEGIN - 900.0)
    if earlier is not None and "N" in earlier and found is not None:
        assert abs(float(found["N"]) / float(earlier["N"]) - 1) < 1e-9
    else:
        assert found == earlier


def test_no_later_sort_key_is_asked_for() -> None:
    assert shift({"N": "5"}, 5.0, 6.0) is None


@given(
    st.lists(st.tuples(st.floats(0.1, 40), st.floats(0, 30)), min_size=1, max_size=25),
    st.floats(5, 40),
)
def test_in_no_minute_more_is_spent(requests: list[tuple[float, float]], units: float) -> None:
    clock = Clock()
    clock.now = 0.0
    budget = Budget(units, clock)
    spent: list[tuple[float, float]] = []
    for amount, pause in requests:
        clock.now += pause
        clock.now += budget.wait(amount)
        assert budget.wait(amount) < 1e-6
        budget.spend(amount)
        spent.append((clock.now, amount))
    for begin, _ in spent:
        inside = [amount for at, amount in spent if begin <= at < begin + 60.0 - 1e-6]
        assert sum(inside) <= units + 1e-6 or inside == [max(inside)] or inside[-1] > units
    assert sum(amount for _, amount in spent) <= units * (clock.now / 60 + 1) + max(
        amount for _, amount in spent)  # fmt: skip


def test_a_portion_learns_how_large_items_are() -> None:
    clock = Clock()
    budget = Budget(120.0, clock)
    portion = Portion(budget)
    assert portion.count() == 1, "nothing is known of them: each may be as large as can be"
    assert portion.spend({"CapacityUnits": 0.5}, 1) == 0.5
    assert portion.count() == 60
    assert portion.spend([{"CapacityUnits": 20.0}, {"CapacityUnits": 10.0}], 2) == 30.0
    assert portion.count() == 2
    for _ in range(8):
        portion.spend({"CapacityUnits": 7.5}, 75)
    assert portion.wait() > 0.0
    assert portion.count() == 11
    assert Portion(Budget(1e6, clock)).count() is None
    assert Portion(Budget(1e6, clock), 100).count() == 100


@pytest.mark.parametrize("answer", [None, "x", {}, {"CapacityUnits": "9"}, {"CapacityUnits": -1}])
def test_a_cost_that_is_not_told(answer: Any) -> None:
    budget = Budget(10.0, Clock())
    assert Portion(budget).spend(answer, 8) == 0.0
    assert budget.wait(5.0) == 0.0
    assert budget.wait(7.0) > 0.0
