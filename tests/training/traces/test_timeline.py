"""Own times: a stack per thread, in whatever order the events stand and however they overlap."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.training.traces import timeline as timeline_module
from panewatch.training.traces.event import Event
from panewatch.training.traces.intervals import Intervals, divide, merge
from panewatch.training.traces.names import Kind
from panewatch.training.traces.timeline import Timeline
from training.traces.forge import call, copy, kernel, profile, rows, span, step, wait

LINEAR = (
    span("aten::linear", 0, 100),
    span("aten::t", 10, 20),
    span("aten::transpose", 15, 10),
    span("aten::addmm", 40, 50),
)


def test_children_are_taken_away_once(tmp_path: Path) -> None:
    assert rows(profile(tmp_path, *LINEAR).operators) == {
        "aten::linear": (1, 30, 100),
        "aten::t": (1, 10, 20),
        "aten::transpose": (1, 10, 10),
        "aten::addmm": (1, 50, 50),
    }


def test_the_order_of_the_events_does_not_matter(tmp_path: Path) -> None:
    straight = profile(tmp_path, *LINEAR)
    assert profile(tmp_path, *reversed(LINEAR)) == straight
    assert profile(tmp_path, *LINEAR[2:], *LINEAR[:2]) == straight


def test_of_two_that_begin_together_the_longer_calls_the_other(tmp_path: Path) -> None:
    found = profile(tmp_path, span("aten::addmm", 0, 60), span("aten::linear", 0, 100))
    assert rows(found.operators) == {"aten::addmm": (1, 60, 60), "aten::linear": (1, 40, 100)}


def test_threads_have_stacks_of_their_own(tmp_path: Path) -> None:
    found = profile(tmp_path, span("forward", 0, 100), span("backward", 10, 50, tid=2))
    assert rows(found.operators) == {"forward": (1, 100, 100), "backward": (1, 50, 50)}


def test_calls_of_the_driver_and_annotations_are_rows(tmp_path: Path) -> None:
    found = profile(
        tmp_path, step(1, 0, 100), span("aten::mm", 10, 50), call("cudaLaunchKernel", 20, 5),
        span("PyTorch Profiler (0)", 0, 100, "Trace"), span("train.py(3): loop", 0, 90,
        "python_function"),
    )  # fmt: skip
    assert rows(found.operators) == {
        "ProfilerStep*": (1, 50, 100),
        "aten::mm": (1, 45, 50),
        "cudaLaunchKernel": (1, 5, 5),
    }
    assert found.events == 3


def test_calls_of_itself_count_again_in_the_total_only(tmp_path: Path) -> None:
    found = profile(tmp_path, span("aten::to", 0, 10), span("aten::to", 2, 6))
    assert rows(found.operators) == {"aten::to": (2, 10, 16)}


def test_what_kineto_cannot_tell_apart_from_measuring_is_left_to_its_caller(
    tmp_path: Path,
) -> None:
    found = profile(tmp_path, span("forward", 0, 10), span("aten::is_leaf", 2, 6))
    assert rows(found.operators) == {"forward": (1, 10, 10)}


def test_old_names_of_categories_are_known(tmp_path: Path) -> None:
    found = profile(
        tmp_path, span("aten::mm", 0, 10, "Operator"), span("cudaLaunchKernel", 2, 3, "Runtime"),
        span("gemm", 4, 5, "Kernel"), span("Memcpy HtoD", 9, 1, "Memcpy"),
    )  # fmt: skip
    assert rows(found.operators) == {"aten::mm": (1, 7, 10), "cudaLaunchKernel": (1, 3, 3)}
    assert rows(found.kernels) == {"gemm": (1, 5, 5), "Memcpy HtoD": (1, 1, 1)}


def test_kernels_of_streams_that_overlap_are_rows_in_full(tmp_path: Path) -> None:
    found = profile(tmp_path, kernel("gemm", 0, 10), kernel("gemm", 5, 10, stream=9), copy(0, 4))
    assert rows(found.kernels) == {
        "gemm": (2, 20, 20),
        "Memcpy HtoD (Pageable -> Device)": (1, 4, 4),
    }
    assert {row.device for row in found.kernels} == {"cuda"}
    assert found.seconds == pytest.approx(15e-6)


def test_a_table_adds_up_with_what_it_has_no_room_for(tmp_path: Path) -> None:
    from panewatch.training.traces.reading import read_trace

    profile(tmp_path, *LINEAR)
    found = read_trace(tmp_path / "trace.json", top=2)
    assert [row.name for row in found.operators] == ["aten::addmm", "aten::linear", "other"]
    assert found.operators[-1].calls == 2
    assert sum(row.self_seconds for row in found.operators) == pytest.approx(100e-6)


def test_names_that_are_too_many_go_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from panewatch.training.traces import names

    monkeypatch.setattr(names, "MOST_NAMES", 2)
    found = profile(tmp_path, *(span(f"op{n}", n * 10, 5) for n in range(5)))
    assert rows(found.operators) == {"op0": (1, 5, 5), "op1": (1, 5, 5), "other": (3, 15, 15)}


def test_events_that_are_too_many_end_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline_module, "MOST_EVENTS", 2)
    assert profile(tmp_path, *LINEAR).truncated


# Whole numbers, so that sums are exact.
spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 30), st.sampled_from("abcd")), min_size=1,
    max_size=25,
)  # fmt: skip


def walk(events: list[tuple[int, int, str]]) -> tuple[Timeline, dict[Kind, Intervals]]:
    timeline = Timeline()
    timeline.take([
        Event(ph="X", cat="cpu_op", name=name, pid=1, tid=1, ts=float(start), dur=float(length))
        for start, length, name in events
    ])  # fmt: skip
    covers, _ = timeline.walk((1, 1))
    return timeline, covers


@given(spans)
def test_own_times_add_up_to_the_time_that_is_covered(events: list[tuple[int, int, str]]) -> None:
    covered = {at for start, length, _ in events for at in range(start, start + length)}
    timeline, covers = walk(events)
    assert sum(timeline.names.selfs) == len(covered)
    assert min(timeline.names.selfs) >= 0
    assert covers[Kind.OPERATOR].measure() == len(covered)
    assert sum(timeline.names.calls) == len(events)


def test_events_that_overlap_in_a_chain_leave_the_stack() -> None:
    """Or each of them would look at all before it: a minute for this, and days for a trace."""
    count = 100_000
    timeline, _ = walk([(10 * n, 15, "a") for n in range(count)])
    assert timeline.names.selfs == [10 * count + 5]


@given(spans, st.randoms())
def test_own_times_are_the_same_in_any_order(events: list[tuple[int, int, str]], r: object) -> None:
    shuffled = list(events)
    r.shuffle(shuffled)  # type: ignore[attr-defined]
    # Two that begin and end together call each other in the order in which they stand.
    same = {(start, length): name for start, length, name in events}
    events = [(start, length, same[start, length]) for start, length, _ in events]
    shuffled = [(start, length, same[start, length]) for start, length, _ in shuffled]
    assert add_up(events) == add_up(shuffled)


def add_up(events: list[tuple[int, int, str]]) -> dict[str, float]:
    names = walk(events)[0].names
    return dict(zip(names.texts, names.selfs, strict=True))


sets = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=12)


def build(parts: list[tuple[int, int]]) -> tuple[Intervals, set[int]]:
    raw = Intervals()
    for start, length in parts:
        raw.add(start, start + length)
    return merge([raw]), {at for start, length in parts for at in range(start, start + length)}


@given(sets, sets)
def test_sets_of_instants_are_divided_as_sets_are(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    whole, points = build(first)
    part, others = build(second)
    within, without = divide(whole, part)
    assert (within.measure(), without.measure()) == (len(points & others), len(points - others))
    assert divide(without, part)[0].measure() == 0
    for found in (whole, within, without):
        edges = [edge for pair in zip(found.starts, found.ends, strict=True) for edge in pair]
        assert edges == sorted(set(edges))


def test_times_since_1970_keep_their_digits() -> None:
    many = Intervals()
    base = 1_790_857_026_000_000.0
    for number in range(100_000):
        many.add(base + 2 * number, base + 2 * number + 1)
    assert many.measure() == 100_000


def test_waiting_in_another_thread_is_no_wait_of_the_training(tmp_path: Path) -> None:
    found = profile(tmp_path, step(1, 0, 100), wait(0, 80, tid=2), span("aten::mm", 0, 60))
    assert {share.part: round(share.ratio, 3) for share in found.shares if share.ratio} == {
        "compute": 0.6, "idle": 0.4}  # fmt: skip
