"""Incidents are opened once, hold what joins them, and end once."""

from __future__ import annotations

from itertools import count

import pytest

from errors.panes import make_rule
from panewatch.errors.incident import Incident, Incidents, mask
from panewatch.errors.rule import Rule


def take(
    incidents: Incidents, rule: Rule, *values: str, now: float = 0.0, line: int = 0, run: int = 0
) -> tuple[Incident, bool]:
    return incidents.take(rule, values, now=now, line=line, run=run)


def test_the_same_is_opened_once() -> None:
    incidents, rule = Incidents(count(1)), make_rule("one", "x")
    first, opened = take(incidents, rule, "a")
    again, opened_again = take(incidents, rule, "a", now=5.0, line=7)
    other, opened_other = take(incidents, rule, "b")
    assert (opened, opened_again, opened_other) == (True, False, True)
    assert again is first
    assert (first.count, first.opened, first.seen, first.line) == (2, 0.0, 5.0, 7)
    assert [incident.number for incident in (first, other)] == [1, 2]


def test_there_are_never_more_than_sixty_four_open() -> None:
    incidents, rule = Incidents(count(1)), make_rule("one", "x")
    for number in range(200):
        take(incidents, rule, str(number))
        assert len(incidents.open) <= 64
    assert [incident.values for incident in incidents.open.values()] == [
        (str(number),) for number in range(136, 200)
    ]


def test_a_consequence_may_be_worse_than_its_cause() -> None:
    incidents = Incidents(count(1))
    cause = make_rule("cause", "x", severity="P2")
    worse = make_rule("worse", "x", severity="P0", joins=frozenset({"cause"}))
    better = make_rule("better", "x", severity="P1", joins=frozenset({"any"}))
    incident, _ = take(incidents, cause)
    severities = [incident.severity]
    for rule in (better, worse, better):
        assert take(incidents, rule) == (incident, False)
        severities.append(incident.severity)
    assert severities == ["P2", "P1", "P0", "P0"]


def test_the_nearest_cause_is_joined() -> None:
    incidents = Incidents(count(1))
    near, far = make_rule("near", "x"), make_rule("far", "x")
    last = make_rule("last", "x", joins=frozenset({"any"}))
    take(incidents, near, line=10)
    take(incidents, far, line=5)
    take(incidents, near, line=20)
    assert take(incidents, last, line=21)[0].rule is near


def test_what_is_quiet_ends_and_what_was_seen_again_does_not() -> None:
    incidents, rule = Incidents(count(1)), make_rule("one", "x")
    old, _ = take(incidents, rule, "old", now=1.0)
    kept, _ = take(incidents, rule, "kept", now=1.0)
    take(incidents, rule, "kept", now=50.0)
    assert incidents.settle(10.0) == [old]
    assert incidents.settle(10.0) == []
    assert incidents.holds(kept)
    assert not incidents.holds(old)


def test_a_new_one_of_the_same_name_is_not_the_old_one() -> None:
    incidents, rule = Incidents(count(1)), make_rule("one", "x")
    old, _ = take(incidents, rule)
    incidents.settle(1.0)
    take(incidents, rule)
    assert not incidents.holds(old)


def test_other_rules_of_the_same_ids_are_gone_over_to() -> None:
    incidents = Incidents(count(1))
    kept, gone = make_rule("kept", "x", severity="P0"), make_rule("gone", "x")
    quiet = make_rule("quiet", "x")
    first, _ = take(incidents, kept)
    orphans = [take(incidents, gone)[0], take(incidents, quiet)[0]]
    after = make_rule("kept", "y", severity="P2")
    known = {"kept": after, "quiet": make_rule("quiet", "x", kind="noise")}
    assert incidents.adopt(known) == orphans
    assert (first.rule, first.severity) == (after, "P2")
    assert take(incidents, after) == (first, False)


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("numpy", "numpy"),
        ("0x7fff12ab", "#"),
        ("pid 123456", "pid #"),
        ("port 22", "port 22"),
        ("123e4567-e89b-12d3-a456-426614174000", "#"),
        ("a" * 500, "a" * 128),
    ],
)
def test_values_lose_what_differs_each_time(value: str, masked: str) -> None:
    assert mask(value) == masked
