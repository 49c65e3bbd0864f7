"""What is shown of a profile: names that may be labels, bounded rows, all of the time in them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.training.profiles.facts import (
    MOST_OPERATORS,
    clean_operator,
    decode,
    encode,
    select,
)
from panewatch.training.profiles.shelf import find_run
from panewatch.training.traces.profile import (
    FINDINGS,
    PARTS,
    Finding,
    Operator,
    Profile,
    Share,
    Step,
)


def make_profile(**values: object) -> Profile:
    usual: dict[str, object] = {
        "rank": None, "world_size": None, "device_name": "", "seconds": 1.0,
        "steps": (Step(3, 0.25), Step(4, 0.75)), "operators": (), "kernels": (), "findings": (),
        "events": 9, "skipped": 0,
        "shares": tuple(Share(part, 0.5 if part == "idle" else 0.0) for part in PARTS),
        "truncated": False,
    }  # fmt: skip
    return Profile(**(usual | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("aten::addmm", "aten::addmm"),
        ("Optimizer.step#SGD.step", "Optimizer.step#SGD.step"),
        ("enumerate(DataLoader)#_MultiProcessingDataLoaderIter.__next__", "DataLoader.__next__"),
        ("ProfilerStep#17", "ProfilerStep"),
        ("void at::native::reduce<512, 1, at::native::R>(int, float)", "at::native::reduce"),
        ("ampere_sgemm_32x128_tn", "ampere_sgemm_32x128_tn"),
        ("Memcpy HtoD (Pageable -> Device)", "Memcpy_HtoD"),
        ("Memset (Device)", "Memset"),
        ("Memcpy", "Memcpy"),
        ("nn.Module: Linear_0", "other"),
        ("/root/train.py(12): forward", "other"),
        ("x" * 65, "other"),
        ("", "other"),
        ("2fast", "other"),
        ("<lambda>", "other"),
    ],
)  # fmt: skip
def test_operators_are_named_by_what_may_be_a_label(name: str, label: str) -> None:
    assert clean_operator(name) == label


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("resnet.1795333738251097879.pt.trace.json.gz", "resnet"),
        ("resnet-rank3.1795333738251097879.pt.trace.json", "resnet-rank3"),
        ("v1.5.1795333738251.pt.trace.json", "v1.5"),
        ("trace.json", "trace"),
        ("lr-0.1.json", "lr-0.1"),
        ("lr-0.01.json", "lr-0.01"),
        ("exp.2.json.gz", "exp.2"),
        ("epoch.5.pt.trace.json", "epoch.5"),
        ("exp.1795333738251097879.json", "exp.1795333738251097879"),
        ("a.json.1795333738251097879.pt.trace.json.gz", "a.json"),
        ("my trace (2).json.gz", "my-trace-2"),
        (".pt.trace.json", "train"),
    ],
)
def test_the_run_is_found_in_the_name(name: str, run: str) -> None:
    assert find_run(name) == run


NAMES = st.one_of(
    st.sampled_from(["aten::mm", "a<b>", "a<c>", "x y", "other"]),
    st.text(max_size=9),
    st.integers(0, 60).map(lambda n: f"op{n}"),
)
ROWS = st.lists(st.tuples(NAMES, st.integers(1, 9), st.integers(0, 10**6)), max_size=60)


@given(ROWS)
def test_no_time_and_no_call_is_lost(rows: list[tuple[str, int, int]]) -> None:
    operators = tuple(
        Operator(name, "cpu", calls, float(own), float(own)) for name, calls, own in rows
    )
    shown = select(make_profile(operators=operators)).operators
    assert sum(row.calls for row in shown) == sum(calls for _, calls, _ in rows)
    assert sum(row.self_seconds for row in shown) == sum(own for *_, own in rows)
    names = [row.operator for row in shown]
    assert len(set(names)) == len(names) <= MOST_OPERATORS + 1
    ordered = [row.self_seconds for row in shown if row.operator != "other"]
    assert ordered == sorted(ordered, reverse=True)


def test_facts_come_through_as_they_are() -> None:
    facts = select(
        make_profile(
            operators=(Operator("aten::mm", "cpu", 2, 0.5, 0.5),),
            kernels=(Operator("gemm", "cuda", 3, 0.25, 0.25),),
            findings=(Finding("data_bound", "advice", "evidence", 0.0),),
        )
    )
    assert decode(encode(facts)) == facts
    assert (facts.steps, facts.step_seconds, facts.step_longest_seconds) == (2, 0.5, 0.75)
    assert facts.shares["idle"] == 0.5
    assert [name for name in FINDINGS if facts.findings[name]] == ["data_bound"]
    assert [(row.operator, row.device) for row in facts.operators] == [
        ("aten::mm", "cpu"), ("gemm", "cuda"),
    ]  # fmt: skip


def test_a_profile_without_steps_or_with_numbers_that_are_none() -> None:
    facts = select(make_profile(steps=(), shares=(Share("idle", math.nan), Share("compute", 7.0))))
    assert (facts.steps, facts.step_seconds, facts.step_longest_seconds) == (0, None, None)
    assert facts.shares == {part: float(part == "compute") for part in PARTS}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"operators": 3}', '{"operators": [{}]}']
)
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no answer"):
        decode(text.encode())


def test_the_answer_is_plain_json() -> None:
    assert json.loads(encode(select(make_profile())))["truncated"] is False
