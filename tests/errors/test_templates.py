"""Lines that no rule knows are grouped, and a rule to begin from is written."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from panewatch import linear
from panewatch.errors.pack import load_file
from panewatch.errors.templates import Template, find_templates, write_skeleton


def test_lines_that_differ_in_numbers_are_one_template() -> None:
    lines = [f"worker {n} failed after {n * 7} seconds" for n in range(20)]
    templates = find_templates([*lines, *lines[:5], "the frobnicator exploded"])
    assert templates[0].seen == 25
    assert "worker" in templates[0].text
    assert "<*>" in templates[0].text
    assert templates[0].example in lines
    assert templates[-1] == ("the frobnicator exploded", 1, "the frobnicator exploded")


def test_prefixes_make_no_difference() -> None:
    lines = [f"2024-01-01 12:00:{n:02}.123 cannot frobnicate" for n in range(30)]
    assert find_templates(lines) == [("cannot frobnicate", 30, "cannot frobnicate")]


def test_nothing_is_grouped() -> None:
    assert find_templates([]) == []
    assert find_templates(["", "12:00:00 "]) == []


@given(st.lists(st.text(alphabet="ab 12:'\"\\.*+?()[]{}|^$<*>é#&!%@`-,", max_size=40), max_size=20))
@settings(max_examples=150, deadline=None)
def test_every_line_is_counted_in_one_template(lines: list[str]) -> None:
    templates = find_templates(lines)
    assert sum(template.seen for template in templates) <= len(lines)
    for template in templates:
        skeleton = write_skeleton(template, 1)
        assert template.example
        assert len(skeleton.split("\n")) == 6


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["job {} of {} failed", "can't open '{}': {}", "a\\b {} [x] {}!"]),
            st.text(alphabet=string.ascii_letters + string.digits, min_size=1, max_size=8),
            st.integers(0, 99999),
        ),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_the_expression_of_a_skeleton_takes_its_example(
    parts: list[tuple[str, str, int]],
) -> None:
    for template in find_templates([form.format(a, b) for form, a, b in parts]):
        (rule,) = yaml.safe_load(write_skeleton(template, 1))
        assert linear.compile(rule["match"]).search(template.example) is not None
        assert rule["examples"] == [template.example]


@pytest.mark.parametrize(
    "text", ["it's all [gone] {x} (a|b) $5 ^ \\ . * + ?", "cannot <*> the frobnicator: <*>"]
)
def test_a_skeleton_is_a_good_rule(text: str, tmp_path: Path) -> None:
    example = text.replace("<*>", "defenestrate")
    file = tmp_path / "own.yaml"
    file.write_text("rules:\n" + write_skeleton(Template(text, 3, example), 7) + "\n")
    (rule,) = load_file(str(file))
    assert rule.id == "own-rule-7"
    assert linear.compile(rule.match[0]).search(example) is not None
