"""The shipped rules: valid, tested on both sides of `for`, and each with its runbook."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from rule_files import (
    ROOT,
    RULE_TESTS,
    RULES,
    RUNBOOKS,
    Alert,
    read_alerts,
    read_checks,
    read_expected,
    run_promtool,
    seconds,
)

if TYPE_CHECKING:
    from pathlib import Path

ALERTS = read_alerts()
NAMES = sorted({alert.name for alert in ALERTS})
RUNBOOK_BASE = "https://panewatch.example/runbooks/"
IDENTITY = {"job", "instance"}
"""The labels that every alert carries, whatever it is about."""


def test_promtool_accepts_configuration_and_rules() -> None:
    done = run_promtool("check", "config", ROOT / "prometheus/prometheus.yml")
    assert done.returncode == 0, done.stdout
    done = run_promtool("check", "rules", *RULES)
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda file: file.name)
def test_unit_tests_of_rules_pass(file: Path) -> None:
    done = run_promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout


def test_every_rule_file_has_its_unit_tests() -> None:
    assert [file.name for file in RULES] == [
        file.name.replace(".test.yml", ".yml") for file in RULE_TESTS
    ]


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_alert_is_tested_on_both_sides_of_its_for(alert: Alert) -> None:
    step = 5.0
    pairs = [
        (before, after)
        for checks in read_checks(alert.name, alert.labels["severity"])
        for (before, quiet), (after, expected) in itertools.pairwise(checks)
        if not quiet and expected and after - before <= step
    ]
    assert pairs, f"{alert.name}: no test is silent one evaluation before the alert is there"
    ends = [
        checks
        for checks in read_checks(alert.name, alert.labels["severity"])
        if any(expected for _, expected in checks) and not checks[-1][1]
    ]
    assert ends, f"{alert.name}: no test sees it end"


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_alert_says_what_it_must(alert: Alert) -> None:
    assert re.fullmatch(r"Panewatch[A-Z][A-Za-z]+", alert.name)
    assert alert.labels.keys() == {"severity"}
    assert alert.labels["severity"] in {"critical", "warning", "info"}
    assert alert.rule.keys() >= {"expr", "for"}
    assert alert.annotations.keys() - {"suggestion"} == {"summary", "description", "runbook_url"}
    # Templates print the summary as it is, so no value that a pane can set may be in it.
    assert "$" not in alert.annotations["summary"]
    assert "{{" not in alert.annotations["summary"]
    assert re.fullmatch(r"[a-zA-Z].*[^.]\.", alert.annotations["summary"])
    assert "{{ $labels.instance }}" in alert.annotations["description"]
    assert alert.annotations["runbook_url"] == RUNBOOK_BASE + alert.name


def test_runbooks_and_alerts_match() -> None:
    assert sorted(file.stem for file in RUNBOOKS.glob("*.md")) == NAMES


def test_every_alert_stands_in_the_documentation() -> None:
    table = re.findall(r"^\| (Panewatch\w+) \|", (ROOT / "docs/stack.md").read_text(), re.MULTILINE)
    assert sorted(table) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_runbook_has_its_sections(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == [
        "Meaning",
        "Impact",
        "Diagnosis",
        "Mitigation",
    ]
    severities = {alert.labels["severity"] for alert in ALERTS if alert.name == name}
    line = next(line for line in text.splitlines() if line.startswith("Severity:"))
    assert {word for word in ("critical", "warning", "info") if word in line} == severities


def test_every_expected_alert_carries_the_labels_that_inhibition_compares() -> None:
    expected = read_expected()
    assert expected
    for _, labels in expected:
        assert labels.keys() >= IDENTITY


def test_scrape_job_bounds_what_a_pane_can_cost() -> None:
    config = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    limits = {"sample_limit", "label_limit", "label_value_length_limit", "body_size_limit"}
    assert job.keys() >= limits
    assert all(job[limit] for limit in limits)
    assert seconds(config["global"]["scrape_interval"]) <= 15
