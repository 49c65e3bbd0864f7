"""Families are built anew with what is unchanged taken over: the result must not show it."""

from __future__ import annotations

from dataclasses import replace
from typing import get_type_hints

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.samples import Sample

from panewatch.panes import contract as c
from panewatch.panes.accounts import PaneView
from panewatch.panes.families import CommandNames, build_families
from panewatch.panes.model import Identity, Tasks
from panewatch.panes.published import Published
from panewatch.panes.state import Program
from panewatch.panes.waiting import Wait, Waits

NUMBERS = st.integers(0, 2)
OF_KIND = {
    int: NUMBERS,
    float: NUMBERS,
    int | None: st.none() | NUMBERS,
    float | None: st.none() | NUMBERS,
}
VIEWS = st.builds(
    PaneView,
    identity=st.builds(
        Identity, st.just("default"), st.just("main"), st.sampled_from("ab"), st.sampled_from("012")
    ),
    pane_id=st.sampled_from(["%0", "%1"]),
    program=st.builds(
        Program, st.sampled_from(["sh", "make"]), st.just(""), st.sampled_from(["shell", "program"])
    ),
    state=st.sampled_from(c.STATES),
    state_seconds=st.dictionaries(st.sampled_from(c.STATES), st.sampled_from([0.0, 1.5])),
    deaths=st.dictionaries(st.sampled_from(c.ENDS), NUMBERS),
    wait=st.none() | st.builds(Wait, st.sampled_from(c.WAITS), NUMBERS, NUMBERS),
    tasks=st.none() | st.builds(Tasks, NUMBERS, NUMBERS, NUMBERS),
    **{name: OF_KIND[kind] for name, kind in get_type_hints(PaneView).items() if kind in OF_KIND},
)


def list_views(least: int) -> st.SearchStrategy[tuple[PaneView, ...]]:
    return st.lists(VIEWS, min_size=least, max_size=4, unique_by=lambda view: view.identity).map(
        tuple
    )


def count_waits(lengths: list[float]) -> tuple[Sample, ...]:
    waits = Waits()
    for length in lengths:
        waits.end(Wait("question", 0.0, 0.0), length)
    return waits.sample("default")


SERVERS = st.builds(
    Published,
    server=st.sampled_from(["default", "other"]),
    state=st.sampled_from(c.SERVER_STATES),
    at=st.just(0.0),
    panes=list_views(0),
    dropped=NUMBERS,
    vanished=NUMBERS,
    waits=st.lists(st.sampled_from([0.5, 2.0]), max_size=2).map(count_waits),
    calls=st.dictionaries(st.sampled_from(c.CALLS), NUMBERS),
    failures=st.dictionaries(st.sampled_from(c.SERVER_STATES), NUMBERS),
    sweep_seconds=st.none() | st.sampled_from([0.5, 0.25]),
)


def describe(families: tuple[Metric, ...]) -> list[object]:
    return [(family.name, family.type, family.documentation, family.samples) for family in families]


@given(st.lists(SERVERS, max_size=2), st.lists(SERVERS, max_size=2))
def test_what_was_before_does_not_show(first: list[Published], second: list[Published]) -> None:
    before = tuple(build_families(first, CommandNames()))
    now = tuple(build_families(second, CommandNames(), before))
    assert describe(now) == describe(tuple(build_families(second, CommandNames())))
    again = tuple(build_families(second, CommandNames(), now))
    assert all(old is new for old, new in zip(now, again, strict=True))


@given(list_views(2))
def test_of_what_changed_only_the_new_samples_are_new(panes: tuple[PaneView, ...]) -> None:
    server = Published("default", "up", 0.0, panes)
    before = {family.name: family for family in build_families([server], CommandNames())}
    first, *rest = panes
    more = replace(server, panes=(first._replace(lines=first.lines + 1), *rest))
    changed = [
        (before[family.name], family)
        for family in build_families([more], CommandNames(), before.values())
        if family is not before[family.name]
    ]
    ((old, new),) = changed
    assert new.name == "panewatch_pane_lines"
    same = [one is other for one, other in zip(old.samples, new.samples, strict=True)]
    assert same == [False] + [True] * len(rest)
    assert new.samples[0].labels is old.samples[0].labels


def test_of_a_server_that_cannot_be_read_observers_know_nothing() -> None:
    family = GaugeMetricFamily("panewatch_seen", "Seen.", labels=("server",))
    family.add_metric(("a",), 1.0)
    for state, shown in (("up", True), ("timeout", False), ("no_server", False)):
        built = build_families([Published("a", state, 0.0, families=(family,))], CommandNames(), ())
        assert (family.name in {found.name for found in built}) is shown, state
