"""The verdict: on recorded searches, on both sides of each threshold, and on any figures."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.courses import History, follow, load_histories
from panewatch.experiments.contract import REASONS, VERDICTS
from panewatch.experiments.figures import compute
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.verdict import ADVICE, Verdict, judge, say_bitrate

HISTORIES = load_histories()
ENTRIES = st.sampled_from(
    ["0.9", "1.0", "4.2", "9.9", "12.5", "15.04", "16", "T", "F", "Fv1", "F:disk", "R", "Rv2", "O"]
)


def look(*course: object, left_out: int = 0, **verdict: object) -> Verdict:
    settings = ExperimentsSettings.model_validate({"verdict": verdict})
    return judge(compute(follow(course), settings, left_out), settings)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.name)
def test_says_what_an_operator_would(history: History) -> None:
    found = look(*history.course, left_out=history.left_out)
    assert (found.verdict, found.reason) == (history.verdict, history.reason), found.detail
    assert history.why


def test_the_histories_hold_every_reason() -> None:
    counts = Counter(history.reason for history in HISTORIES)
    assert counts.keys() == REASONS.keys()
    assert len({history.name for history in HISTORIES}) == len(HISTORIES) >= 20
    assert {history.verdict for history in HISTORIES} == set(VERDICTS)


def test_every_reason_has_its_advice() -> None:
    assert ADVICE.keys() == REASONS.keys()


EVIDENCE = (
    ("15.04x26", "26 results, all 15.04 Mbps: the generated code is probably not executed."),
    (
        "0.9x10",
        (
            "10 results, all 0.9 Mbps, below the goal and yet no proof: the generated code is "
            "probably not executed."
        ),
    ),
    ("15.04x5", "5 results, all 15.04 Mbps, above 15 Mbps."),
    ("16 17 18 19 20", "5 results, the best 16 Mbps, above 15 Mbps."),
    ("T F T T", "4 experiments ended, 3 by a timeout, none with a result."),
    ("9 0.94", "2 results, the best 0.94 Mbps, below the goal of 1 Mbps."),
    ("9 Fv2 Fv1", "Code was refused 3 times, up to now."),
    ("9 F:disk F:disk", "2 of the newest 3 that ended failed by one and the same error."),
    ("9 9 9", "3 results, all 9 Mbps."),
    ("9.8 8.1 7.7 7 15.04x10", "14 results, the newest 10 of them all 15.04 Mbps."),
    ("9.8 T 8.1 7.7 7 T", "2 of the newest 6 that ended ran into a timeout, more than 20 %."),
    ("9! 8!", "A person had to step in 2 times of late."),
    (
        "Fx10",
        (
            "10 experiments ended, none with a result, not below the 10 Mbps that are known to be "
            "possible."
        ),
    ),
    (
        "4 4.5 5 5.5 6 6.5",
        "The newest results rise, by 0.5 Mbps from one to the next, and they should fall.",
    ),
    ("", "0 experiments so far, none with a result."),
    ("R", "1 experiment so far, none with a result."),
    ("9.5", "1 result, the best 9.5 Mbps: too few to judge."),
    ("9 8 7", "3 results, the best 7 Mbps, and they get better."),
    ("9 6 7 9 8 9 7", "7 results, the best 6 Mbps, 4 of them different, the newest 5 no better."),
)


class TestDetail:
    @pytest.mark.parametrize(("course", "evidence"), EVIDENCE)
    def test_has_the_numbers_and_what_to_do(self, course: str, evidence: str) -> None:
        found = look(*course.split())
        assert found.detail == f"{evidence} {ADVICE[found.reason]}"

    def test_is_tried_for_every_reason(self) -> None:
        reasons = {look(*course.split()).reason for course, _ in EVIDENCE}
        assert reasons == REASONS.keys() - {"left_out"}

    def test_tells_how_many_items_are_left_out(self) -> None:
        detail = look("9", "8", left_out=3).detail
        assert detail == f"3 of 5 items make no experiment. {ADVICE['left_out']}"

    @pytest.mark.parametrize(
        ("bits", "text"),
        [(15.04e6, "15.04 Mbps"), (999_990.0, "0.99999 Mbps"), (5.0, "5e-06 Mbps")],
    )
    def test_bitrates_are_in_mbps(self, bits: float, text: str) -> None:
        assert say_bitrate(bits) == text


@pytest.mark.parametrize(
    ("course", "settings", "reason"),
    [
        (["5x4"], {"identical_early": 4, "identical_restart": 4}, "identical"),
        (["5x3"], {"identical_early": 4, "identical_restart": 4}, "early"),
        (["5", "5.2", "5.1"], {"tolerance_ratio": 0.05}, "identical_early"),
        (["5", "5.001", "5.002"], {"tolerance_ratio": 0}, "varied"),
        (["T"], {"timeouts_restart": 1}, "only_timeouts"),
        (["16", "17"], {"worst_after": 2}, "worse_than_worst"),
        (["12", "13"], {"worst_after": 2, "worst_mbps": 11}, "worse_than_worst"),
        (["3"], {"goal_mbps": 4}, "goal"),
        (["12", "13", "12.5"], {"no_progress_after": 3}, "no_progress"),
        (["8", "7", "6"], {"no_progress_after": 3, "baseline_mbps": 6}, "no_progress"),
        (["Fv1"], {"validation_failures": 1}, "validation_failures"),
        (["F:a", "F:a"], {"repeated_errors": 3}, "waiting"),
        (["F:a", "F:a", "F:a"], {"repeated_errors": 3}, "repeated_error"),
        (["9!"], {"interventions": 1}, "interventions"),
        (["9", "8", "7", "T", "T"], {"timeout_ratio": 0.4}, "improving"),
        (["9", "8", "7", "T", "T"], {"timeout_ratio": 0.39}, "timeouts"),
        (["T", "T", "9", "8", "7", "6", "5"], {"recent": 5}, "improving"),
    ],
)
def test_thresholds_are_those_of_the_settings(
    course: list[str], settings: dict[str, Any], reason: str
) -> None:
    assert look(*course, **settings).reason == reason


@pytest.mark.parametrize(
    ("course", "reason"),
    [
        # What several reasons would hold of is said by the first of them.
        (["0.9x10"], "identical"),
        (["0.9x3", "F:disk", "F:disk"], "goal"),
        (["F:disk!", "F:disk!", "Fv1:disk", "Fv2:disk"], "validation_failures"),
        (["12x3", "F:disk!", "F:disk!", "T", "T"], "repeated_error"),
        (["12x3", "T!", "T!"], "identical_early"),
        (["12.1", "12.9", "12.2", "T!", "T!"], "timeouts"),
        (["12.1!", "12.9!", *["F"] * 8], "interventions"),
        (["11", "12", "13", "14", "15", "16", "17", "F", "F", "F"], "no_progress"),
    ],
)
def test_the_first_reason_counts(course: list[str], reason: str) -> None:
    assert look(*course).reason == reason


@pytest.mark.parametrize(
    ("course", "left_out", "reason"),
    [
        ([], 2, "waiting"),
        ([], 3, "left_out"),
        (["9", "8", "7"], 3, "improving"),
        (["9", "8", "7"], 4, "left_out"),
        (["T", "T", "T"], 3, "only_timeouts"),
        (["T", "T", "T"], 4, "left_out"),
        (["Fv1", "Fv2"], 3, "left_out"),
        (["15.04x10"], 11, "identical"),
        (["0.9"], 5, "goal"),
    ],
)
def test_where_most_is_left_out_little_is_known(
    course: list[str], left_out: int, reason: str
) -> None:
    assert look(*course, left_out=left_out).reason == reason


@given(st.lists(ENTRIES, max_size=60))
def test_any_search_has_one_verdict_and_a_sentence(course: list[str]) -> None:
    found = look(*course)
    assert REASONS[found.reason] == found.verdict
    assert re.fullmatch(r"[A-Z0-9].*\. [A-Z].*\.", found.detail)


@given(st.lists(ENTRIES, max_size=30), st.integers(1, 5))
def test_running_ones_do_not_change_it(course: list[str], running: int) -> None:
    found = look(*course)
    if found.reason != "waiting":
        assert look(*course, f"Rx{running}") == found
