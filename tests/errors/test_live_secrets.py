"""What panes show stays there: no text of theirs in metrics, in the log or in what alerts say."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from errors.live_panes import Live, live_panes
from panewatch.errors.contract import OUTCOMES
from panewatch.errors.pack import load_builtin
from panewatch.errors.rule import CATEGORIES, FRICTIONS, KINDS, SEVERITIES
from polling import wait_until
from runner.programs import get

CANARY = "c4n4ry"
VALUES = (
    f"{CANARY}AKIAIOSFODNN7EXAMPLE",
    f"ghp_{CANARY}000000000000000000000000000000",
    f"https://user:{CANARY}@db.example/",
    f'"}} 1\nup 0\n{CANARY} 1',
    f"{{{{ {CANARY} | query }}}}",
    f"<script>{CANARY}</script>",
    f"[x](http://{CANARY}.example)",
    f"\x1b]0;{CANARY}\x07\x1b[31m{CANARY}\u202e",
    CANARY * (20_000 // len(CANARY)),
)
PACK = r"""
rules:
  - id: leaky
    category: other
    severity: P0
    match: '^LEAK (?P<what>.*)$'
    suggestion: "Look at the pane."
    examples: ["LEAK of a value"]
"""


@pytest.fixture
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


def test_no_text_of_a_pane_leaves_it(live: Live) -> None:
    (live.folder / "leaky.yaml").write_text(PACK)
    live.configure(f"packs: [{live.folder / 'leaky.yaml'}]")
    live.reload("configuration reloaded")
    puppet, place = live.puppet()
    for value in VALUES:
        puppet.print(
            f"$ curl -H {value} x",
            f"LEAK {value}",
            f"ModuleNotFoundError: No module named '{value}'",
            f"PermissionError: [Errno 13] Permission denied: '{value}'",
            f"some unknown error: {value}",
        )
        place.settle()
    wait_until(lambda: place.open_rules().get("leaky", 0) >= len(VALUES) - 1)
    # A reload that fails tells of the pack, not of panes.
    (live.folder / "leaky.yaml").write_text(PACK.replace("rules", "rule"))
    live.reload("reload failed")
    status, text = get(live.port)
    assert status == 200
    assert CANARY not in text
    assert CANARY not in live.exporter.log
    assert "observer failed" not in live.exporter.log
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_labels_that_alerts_show_come_from_closed_lists(live: Live) -> None:
    puppet, place = live.puppet()
    for value in VALUES:
        puppet.print(f"$ run {value}", f"ModuleNotFoundError: No module named '{value}'")
    wait_until(place.open_rules)
    wait_until(lambda: live.samples("rule_matches_total"))
    closed: dict[str, set[str]] = {
        "rule": {rule.id for rule in load_builtin()},
        "severity": set(SEVERITIES),
        "category": set(CATEGORIES),
        "kind": {*KINDS, *FRICTIONS},
        "outcome": set(OUTCOMES),
    }
    place_labels = {"server", "session", "window", "pane"}
    for name in (
        "rule_matches_total", "rules", "pane_error_lines_total", "pane_incidents_total",
        "incidents_total", "pane_incidents_open", "incident_open",
        "incident_opened_timestamp_seconds", "incidents_resolved_total",
        "incident_recovery_seconds_count", "friction_total",
        "pane_lines_noise_total", "pane_unclassified_lines_total",
    ):  # fmt: skip
        samples = live.samples(name)
        assert samples, name
        for labels, _ in samples:
            rest = labels.keys() - place_labels
            assert rest <= closed.keys()
            assert all(labels[label] in closed[label] for label in rest)
