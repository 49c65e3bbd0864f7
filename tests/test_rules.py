"""The shipped rules: valid, tested on both sides of `for`, and each with its runbook."""

from __future__ import annotations

import copy
import itertools
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

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
    seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALERTS = read_alerts()
NAMES = sorted({alert.name for alert in ALERTS})
RUNBOOK_BASE = "https://panewatch.example/runbooks/"
IDENTITY = {"job", "instance"}
"""The labels that every alert carries, whatever it is about."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)


def each_alert(alert: Alert) -> str:
    return f"{alert.name}-{alert.labels['severity']}"


def test_promtool_accepts_configuration_and_rules() -> None:
    done = run("promtool", "check", "config", ROOT / "prometheus/prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    done = run("promtool", "check", "rules", *RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda file: file.name)
def test_unit_tests_of_rules_pass(file: Path) -> None:
    done = run("promtool", "test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_file_has_its_unit_tests() -> None:
    assert [file.name for file in RULES] == [
        file.name.replace(".test.yml", ".yml") for file in RULE_TESTS
    ]


@pytest.mark.parametrize("alert", ALERTS, ids=each_alert)
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


def lengthen_for(rule: dict[str, Any]) -> None:
    rule["for"] = f"{seconds(rule['for']) + 5:.0f}s"


def shorten_for(rule: dict[str, Any]) -> None:
    rule["for"] = f"{seconds(rule['for']) - 5:.0f}s"


def drop_keep(rule: dict[str, Any]) -> None:
    rule.pop("keep_firing_for", None)


def drop_guard(rule: dict[str, Any]) -> None:
    rule["expr"] = re.sub(r"(and|unless) on \(job, instance.*", "", rule["expr"], flags=re.DOTALL)


def change_severity(rule: dict[str, Any]) -> None:
    rule["labels"]["severity"] = "other"


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "longer for": lengthen_for,
    "shorter for": shorten_for,
    "no keep_firing_for": drop_keep,
    "no guard": drop_guard,
    "other severity": change_severity,
}


def change_rules(file: Path, severity: str, change: str) -> tuple[dict[str, Any], set[str]]:
    """Change the rules of one severity; return the file's content and the changed alerts."""
    content = yaml.safe_load(file.read_text())
    changed = set()
    for group in content["groups"]:
        for rule in group["rules"]:
            before = copy.deepcopy(rule)
            if rule.get("labels", {}).get("severity") == severity:
                CHANGES[change](rule)
            if rule != before:
                changed.add(rule["alert"])
    return content, changed


def leave_out_others(content: dict[str, Any], changed: set[str]) -> None:
    """Leave out all rules that the changed alerts do not build on: to evaluate them takes long."""
    rules = [rule for group in content["groups"] for rule in group["rules"]]
    needed = [rule for rule in rules if rule.get("alert") in changed]
    for rule in needed:  # which grows
        told = str(rule["expr"])
        needed += [
            other
            for other in rules
            if other not in needed and (other.get("record") or other["alert"]) in told
        ]
    for group in content["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule in needed]
    content["groups"] = [group for group in content["groups"] if group["rules"]]


def copy_tests(file: Path, alerts: set[str], folder: Path) -> Path:
    """Copy the unit tests of a rule file that look for some of these alerts."""
    name = file.name.replace(".yml", ".test.yml")
    # As text: to YAML, the samples `0x60` are a number.
    content = yaml.load((ROOT / "tests/rules" / name).read_text(), Loader=yaml.BaseLoader)  # noqa: S506  # it builds text alone
    content["rule_files"] = [file.name]
    content["tests"] = [
        {key: value for key, value in test.items() if key != "promql_expr_test"}
        for test in content["tests"]
        if alerts & {check["alertname"] for check in test.get("alert_rule_test", [])}
    ]
    (folder / name).write_text(yaml.safe_dump(content))
    return folder / name


def find_unnoticed(file: Path, severity: str, change: str, folder: Path) -> str:
    """Change the rules of one severity, and tell which of them their unit tests do not notice."""
    content, changed = change_rules(file, severity, change)
    leave_out_others(content, changed)
    (folder / file.name).write_text(yaml.safe_dump(content))
    test = copy_tests(file, changed, folder)
    if run("promtool", "check", "rules", folder / file.name).returncode:
        return f"{change}: the changed rules are not valid"
    done = run("promtool", "test", "rules", test)
    failed = set(re.findall(r"alertname: (\w+), time:", done.stdout + done.stderr))
    return f"{change}: {', '.join(sorted(changed - failed))}" if changed - failed else ""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("file", "severity"),
    [
        pytest.param(file, severity, id=f"{file.stem}-{severity}")
        for file in RULES
        for severity in ("critical", "warning", "info")
        if any(change_rules(file, severity, change)[1] for change in CHANGES)
    ],
)
def test_changed_rules_fail_their_unit_tests(file: Path, severity: str, tmp_path: Path) -> None:
    """The unit tests are worth something: they notice each rule that says something else."""
    changes = [change for change in CHANGES if change_rules(file, severity, change)[1]]
    folders = [tmp_path / str(number) for number in range(len(changes))]
    for folder in folders:
        folder.mkdir()
    # They are most of the suite's time, and promtool leaves processors idle.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        unnoticed = pool.map(partial(find_unnoticed, file, severity), changes, folders)
        assert list(filter(None, unnoticed)) == []


@pytest.mark.parametrize("alert", ALERTS, ids=each_alert)
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
