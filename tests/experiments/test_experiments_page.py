"""The examples of docs/experiments.md work, and its tables say what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from panewatch.config import Config
from panewatch.experiments import verdict
from panewatch.experiments.contract import REASONS
from panewatch.experiments.diagnose import diagnose
from panewatch.experiments.settings import ExperimentsSettings

PAGE = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
SETTINGS = ExperimentsSettings()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def read_table(heading: str) -> Iterator[list[str]]:
    """The rows of the table that begins so."""
    rows = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    for row in rows:
        yield [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split()[2])
def test_example_is_accepted(example: str) -> None:
    assert Config.model_validate(yaml.safe_load(example)).experiments.source


def test_the_first_example_succeeds_as_it_says(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    (line,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    file.write_text(line)
    given = yaml.safe_load(EXAMPLES[0])
    given["experiments"]["source"] = str(file)
    (finding,) = diagnose(Config.model_validate(given))
    assert finding.ok
    assert f"ok     experiments: {finding.detail}" in PAGE


def test_the_table_has_every_reason_in_the_order_in_which_they_count() -> None:
    told = [(reason.strip("`"), leads_to) for reason, leads_to, _ in read_table("reason")]
    assert dict(told) == REASONS
    assert len(told) == len(REASONS)
    source = Path(verdict.__file__).read_text("utf-8")
    assert [reason for reason, _ in told] == re.findall(r'yield \(?\s*"(\w+)"', source)


def test_the_table_has_every_threshold_with_its_default() -> None:
    named = set()
    for _, _, when in read_table("reason"):
        for key in re.findall(r"`(\w+)`", when):
            named.add(key)
            assert re.search(rf"\b{getattr(SETTINGS.verdict, key):g}\b", when), (key, when)
    assert named == type(SETTINGS.verdict).model_fields.keys() - {"tolerance_ratio"}


def test_the_plan_is_that_of_the_settings() -> None:
    told = [
        (
            f"{stage.hours:g} hours",
            f"{stage.least} to {stage.most}",
            f"{stage.best_mbps:g} Mbps" if stage.best_mbps else "",
        )
        for stage in SETTINGS.plan
    ]
    assert [tuple(row) for row in read_table("after")] == told


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"more than {SETTINGS.verdict.tolerance_ratio:g} (`tolerance_ratio`)" in TEXT
    assert f"The newest {SETTINGS.newest} results (`experiments.newest`)" in TEXT
    minutes = SETTINGS.expires_after / 60
    assert f"`experiments.expires_after` ({minutes:g} minutes)" in TEXT
    assert f"the best is among the newest {verdict._FRESH} results" in TEXT
    assert f"of which there are {verdict._LEAST_ENDED} at least" in TEXT
