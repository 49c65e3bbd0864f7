"""Settings of experiments that clash are refused, and their keys named."""

from __future__ import annotations

from pathlib import Path

import pytest

from panewatch.problems import ProblemsError
from panewatch.settings_file import load


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dynamodb: {time_index: by-time}", "time_index needs time_partition"),
        ("item: {statuses: {failed: [done]}}", "`done` stands under completed too"),
        ("verdict: {goal_mbps: 10}", "goal_mbps has to be below baseline_mbps"),
        ("verdict: {baseline_mbps: 15.5}", "goal_mbps has to be below baseline_mbps"),
        ("verdict: {identical_early: 11}", "identical_early must not be above"),
        ("plan: [{hours: 1, least: 6, most: 5}]", "least must not be above most"),
        (
            "plan: [{hours: 2, least: 1, most: 5}, {hours: 1, least: 1, most: 5}]",
            "each stage has to be later",
        ),
        (
            "plan: [{hours: 1, least: 2, most: 5}, {hours: 2, least: 1, most: 5}]",
            "each stage has to be later",
        ),
        ("source: results.jsonl", "dynamodb://TABLE or the absolute path"),
        ("item: {bitrate: 'a..b'}", "a path such as"),
        ("dynamodb: {endpoint: 'http://user:secret@host'}", "without user and path"),
    ],
)
def test_what_clashes_is_refused(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "panewatch.yml"
    file.write_text(f"experiments:\n  {text}\n")
    with pytest.raises(ProblemsError) as refused:
        load(str(file), {}, {})
    assert told in str(refused.value)
    assert f"{file}:2: experiments." in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "dynamodb: {time_index: by-time, time_partition: all}",
        "dynamodb: {time_partition: all}",
        "verdict: {goal_mbps: 9.9, baseline_mbps: 15}",
        "verdict: {identical_early: 10}",
        "plan: []",
        "plan: [{hours: 1, least: 5, most: 5}]",
        "source: dynamodb://results",
    ],
)
def test_what_does_not_clash_is_taken(text: str, tmp_path: Path) -> None:
    file = tmp_path / "panewatch.yml"
    file.write_text(f"experiments:\n  {text}\n")
    load(str(file), {}, {})
