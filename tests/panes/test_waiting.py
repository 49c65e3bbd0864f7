"""The histogram of waits."""

from __future__ import annotations

from panewatch.panes import contract as c
from panewatch.panes.waiting import Wait, Waits


def read(waits: Waits, kind: str) -> dict[str, float]:
    return {
        sample.name.removeprefix("panewatch_pane_wait_seconds_") + sample.labels.get("le", ""):
            sample.value
        for sample in waits.sample("here")
        if sample.labels["kind"] == kind
    }  # fmt: skip


def test_every_kind_is_there_before_anybody_waited() -> None:
    samples = Waits().sample("here")
    assert {sample.labels["kind"] for sample in samples} == set(c.WAITS)
    assert {sample.labels["server"] for sample in samples} == {"here"}
    assert {sample.value for sample in samples} == {0.0}


def test_a_wait_counts_in_its_bucket_and_those_above() -> None:
    waits = Waits()
    waits.end(Wait("password", 100.0, 0.0), 105.0)
    waits.end(Wait("password", 100.0, 0.0), 99.0)  # a clock that went back
    found = read(waits, "password")
    assert (found["bucket1.0"], found["bucket5.0"], found["bucket+Inf"]) == (1.0, 2.0, 2.0)
    assert (found["count"], found["sum"]) == (2.0, 5.0)
    assert set(read(waits, "pager").values()) == {0.0}


def test_samples_are_the_same_objects_until_a_wait_ends() -> None:
    waits = Waits()
    before = waits.sample("here")
    assert waits.sample("here") is before
    waits.end(Wait("pager", 0.0, 0.0), 1.0)
    assert waits.sample("here") != before
    assert {sample.labels["server"] for sample in waits.sample("there")} == {"there"}
