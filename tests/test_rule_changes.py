"""The unit tests of the rules are worth something: they notice each rule that says otherwise.

Each alert is changed in each way that it can be, alone, and its unit tests have to fail. That is
many evaluations, so each is kept short: a changed alert is evaluated with nothing but the rules
that it builds on and without its texts, which look things up, in one group of tests after
another, until one of them fails. That none fails of this alone is seen of the alert as it is,
beside the changed ones.
"""

from __future__ import annotations

import copy
import itertools
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from rule_files import ROOT, Alert, read_alerts, run_promtool, seconds

ALERTS = read_alerts()


def lengthen_for(rule: dict[str, Any]) -> None:
    rule["for"] = f"{seconds(rule['for']) + 5:.0f}s"


def shorten_for(rule: dict[str, Any]) -> None:
    rule["for"] = f"{seconds(rule['for']) - 5:.0f}s"


def drop_keep(rule: dict[str, Any]) -> None:
    rule.pop("keep_firing_for", None)


def drop_guard(rule: dict[str, Any]) -> None:
    rule["expr"] = re.sub(r"(and|unless) on \(job, instance.*", "", rule["expr"], flags=re.DOTALL)


def leave(_: dict[str, Any]) -> None:
    """Change nothing."""


def change_severity(rule: dict[str, Any]) -> None:
    rule["labels"]["severity"] = "other"


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "longer for": lengthen_for,
    "shorter for": shorten_for,
    "no keep_firing_for": drop_keep,
    "no guard": drop_guard,
    "other severity": change_severity,
}


@cache
def read_groups(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(file.read_text())["groups"])


def cut_rules(alert: Alert, change: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
    """The groups of rules that an alert needs, with it changed and without texts."""
    groups = copy.deepcopy(read_groups(alert.file))
    rules = [rule for group in groups for rule in group["rules"]]
    (same,) = (rule for rule in rules if rule == alert.rule)
    change(same)
    needed = [rule for rule in rules if rule.get("alert") == alert.name]
    for rule in needed:  # which grows
        told = str(rule["expr"])
        needed += [
            other
            for other in rules
            if other not in needed and (other.get("record") or other["alert"]) in told
        ]
    for group in groups:
        group["rules"] = [
            {key: value for key, value in rule.items() if key != "annotations"}
            for rule in group["rules"]
            if rule in needed
        ]
    return [group for group in groups if group["rules"]]


def find_changes(alert: Alert) -> list[str]:
    """The ways in which this alert can be changed."""
    same = cut_rules(alert, leave)
    return [name for name, change in CHANGES.items() if cut_rules(alert, change) != same]


@cache
def read_as_text(file: Path) -> dict[str, Any]:
    """Read unit tests. As text: to YAML, the samples `0x60` are a number."""
    content = yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506  # it builds text alone
    return dict(content)


def rank(alert: Alert, test: dict[str, Any]) -> tuple[bool, float]:
    checks = test["alert_rule_test"]
    severities = {one["exp_labels"]["severity"] for check in checks for one in check["exp_alerts"]}
    end = max(seconds(check["eval_time"]) for check in checks)
    return alert.labels["severity"] not in severities, end


def find_tests(alert: Alert) -> list[dict[str, Any]]:
    """The groups of unit tests that look for an alert, and for it alone.

    Returns:
        First those that see it, because most changes show there, and short ones before long ones.
    """
    file = ROOT / "tests/rules" / alert.file.name.replace(".yml", ".test.yml")
    content = read_as_text(file)
    found = []
    for test in content["tests"]:
        checks = [
            {**check, "exp_alerts": [{"exp_labels": one["exp_labels"]} for one in expected]}
            for check in test.get("alert_rule_test", [])
            if check["alertname"] == alert.name
            for expected in [check.get("exp_alerts") or []]
        ]
        if checks:
            alone = {key: value for key, value in test.items() if key != "promql_expr_test"}
            found.append({**alone, "alert_rule_test": checks})
    found.sort(key=partial(rank, alert))
    return [{**content, "rule_files": ["rules.yml"], "tests": [test]} for test in found]


def find_failed(alert: Alert, folders: list[Path]) -> list[Path]:
    """Run the unit tests in these folders; return the folders of which they miss the alert."""
    if not folders:
        return []
    told = run_promtool("test", "rules", *(folder / "test.yml" for folder in folders)).stdout
    _, *parts = told.split("Unit Testing:")
    return [
        folder
        for folder, part in zip(folders, parts, strict=True)
        if f"alertname: {alert.name}, time:" in part
    ]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_changed_alert_fails_its_unit_tests(alert: Alert, tmp_path: Path) -> None:
    as_it_is = tmp_path / "as it is"
    changed = [tmp_path / change for change in find_changes(alert)]
    assert len(changed) >= len(CHANGES) - 2
    for folder in (as_it_is, *changed):
        folder.mkdir()
        groups = cut_rules(alert, CHANGES.get(folder.name, leave))
        (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    # An alert that is not valid is never missed: it would be left over below.
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for test in find_tests(alert):
            tried = [as_it_is, *changed]
            for folder in tried:
                (folder / "test.yml").write_text(yaml.safe_dump(test))
            shares = [tried[number::workers] for number in range(workers)]
            failed = list(itertools.chain(*pool.map(partial(find_failed, alert), shares)))
            assert as_it_is not in failed
            changed = [folder for folder in changed if folder not in failed]
            if not changed:
                break
    assert [folder.name for folder in changed] == []
