"""Whether processes do something, from what they used."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from panewatch.panes.effort import Effort
from panewatch.panes.processes import Usage

REST = Usage(cpu_seconds=10.0, memory_bytes=1, read_bytes=5, written_bytes=5, processes=2)
NEVER = float("-inf")


def measure(*usages: Usage | None, every: float = 5.0) -> float:
    """Return when the last of these measurements, from 0 s on, told of something done."""
    effort = Effort()
    for number, usage in enumerate(usages):
        effort.take(usage, number * every, 0.01)
    return effort.last


def test_processes_that_rest_do_nothing() -> None:
    assert measure(*[REST] * 10) == NEVER
    assert measure(REST, replace(REST, cpu_seconds=10.04)) == NEVER
    assert measure(REST, replace(REST, memory_bytes=100)) == NEVER


@pytest.mark.parametrize(
    "change",
    [
        {"cpu_seconds": 10.06},
        {"cpu_seconds": 9.0},
        {"read_bytes": 6},
        {"written_bytes": 4096},
        {"processes": 3},
        {"blocked": 1},
    ],
)
def test_whatever_they_do_counts(change: dict[str, Any]) -> None:
    assert measure(REST, REST, replace(REST, **change)) == 10.0


def test_one_tick_in_no_time_is_no_work() -> None:
    assert measure(REST, replace(REST, cpu_seconds=10.01), every=0.001) == NEVER
    ticks = [replace(REST, cpu_seconds=10.0 + n / 100) for n in range(400)]
    assert measure(*ticks, every=2.0) == NEVER
    assert measure(*ticks, every=0.5) == 199.0


def test_what_cannot_be_seen_is_not_judged() -> None:
    assert measure(None, REST, None, replace(REST, cpu_seconds=99.0)) == NEVER
