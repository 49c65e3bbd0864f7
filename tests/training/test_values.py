"""Numbers and times as logs write them."""

from __future__ import annotations

import math

import pytest

from panewatch.training.values import read_duration, read_number


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), ("1,234", 1234), ("1.2K", 1200), ("3M", 3e6), ("1e-3", 1e-3), ("-2", -2),
     ("1e309", math.inf), ("0,5", 0.5), ("inf", math.inf)],
)  # fmt: skip
def test_a_number_is_read(text: str, value: float) -> None:
    assert read_number(text) == value


def test_nan_is_a_number() -> None:
    assert math.isnan(read_number("NaN"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("01:30", 90), ("1:02:03", 3723), ("2 days, 0:00:01", 172801), ("5.7s", 5.7), ("1m 5s", 65),
     ("1h2m", 3720), ("x", None), ("12", None), ("a, 1:00", None), ("1.2.3s", None)],
)  # fmt: skip
def test_a_duration_is_read(text: str, seconds: float | None) -> None:
    assert read_duration(text) == seconds
