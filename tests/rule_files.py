"""The shipped alerting rules and their unit tests, read as data."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yml"))
RULE_TESTS = sorted((ROOT / "tests/rules").glob("*.test.yml"))
RUNBOOKS = ROOT / "docs/runbooks"

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+)(ms|[smhd])")


@dataclass(frozen=True)
class Alert:
    """One alerting rule, as it stands in its file."""

    file: Path
    rule: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.name}-{self.labels['severity']}"

    @property
    def name(self) -> str:
        return str(self.rule["alert"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.rule.get("labels", {}))

    @property
    def annotations(self) -> dict[str, str]:
        return dict(self.rule.get("annotations", {}))


def run_promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end, whatever it says; all that it says is in ``stdout``."""
    return subprocess.run(
        ("promtool", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=500,
        # A third of its time is collection of garbage, of which there is little at any time.
        env={**os.environ, "GOGC": "400"},
    )


def seconds(duration: str | float) -> float:
    """A Prometheus duration (``1m30s``) or a bare number, in seconds."""
    text = str(duration)
    parts = _DURATION.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        return float(text)
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


@cache
def read_alerts() -> list[Alert]:
    """Every alerting rule of every rule file; nobody changes them."""
    return [
        Alert(file, rule)
        for file in RULES
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]


@cache
def _read_tests(file: Path) -> list[dict[str, Any]]:
    """The test groups of a file, which is large: it is read once, and nobody changes them."""
    return list(yaml.safe_load(file.read_text())["tests"])


def read_expected() -> list[tuple[str, dict[str, str]]]:
    """The name and the labels of each alert that the unit tests expect."""
    return [
        (check["alertname"], expected["exp_labels"])
        for file in RULE_TESTS
        for test in _read_tests(file)
        for check in test.get("alert_rule_test", [])
        for expected in check.get("exp_alerts") or []
    ]


def read_checks(alert: str, severity: str) -> list[list[tuple[float, bool]]]:
    """When the unit tests look for an alert, and whether they expect it.

    Returns:
        For each test group that names the alert, its ``(seconds, expected)``
        in order of time; expected means with this severity.
    """
    found = []
    for file in RULE_TESTS:
        for test in _read_tests(file):
            checks = sorted(
                (
                    seconds(check["eval_time"]),
                    any(
                        expected["exp_labels"].get("severity") == severity
                        for expected in check.get("exp_alerts") or []
                    ),
                )
                for check in test.get("alert_rule_test", [])
                if check["alertname"] == alert
            )
            if checks:
                found.append(checks)
    return found
