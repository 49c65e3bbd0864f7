"""What the less obvious queries answer, evaluated by Prometheus on series written here."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from boards import queries
from boards.states import ATTENTION, PANE_STATES
from dashboards.boards_on_disk import QUERIES
from dashboards.promql import substitute

PANE = 'job="panewatch", instance="h", server="s", session="a", window="0", pane="0"'
LABELS = "instance, server, session, window, pane"
NAME = '{instance="h", server="s", session="a", window="0", pane="0"}'


def state(name: str, values: str) -> dict[str, str]:
    return {"series": f'panewatch_pane_state{{{PANE}, state="{name}"}}', "values": values}


def ask(folder: Path, series: list[dict[str, str]], expr: str, at: str, **sample: Any) -> None:
    """Fail unless the query gives just this sample at that time, or none."""
    test = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {"expr": substitute(expr), "eval_time": at, "exp_samples": [sample] if sample else []}
        ],
    }
    file = folder / "queries.test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    result = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def code(scope: str = queries.PANE) -> str:
    return queries.state_code("panewatch_pane_state", scope, LABELS, PANE_STATES)


@pytest.mark.parametrize("present", PANE_STATES, ids=lambda s: str(s.name))
def test_a_state_has_its_code(tmp_path: Path, present: Any) -> None:
    series = [state(s.name, "1x5" if s is present else "0x5") for s in PANE_STATES]
    ask(tmp_path, series, code(), "3m", labels=NAME, value=present.code)


def test_since_is_the_last_minute_in_another_state(tmp_path: Path) -> None:
    series = [
        state("working", "1x10 0x10"),
        state("stalled", "0x4 1x2 0x3 1x10"),
        state("dead", "0x21"),
    ]
    expr = queries.state_since(queries.PANE, ATTENTION)
    ask(tmp_path, series, expr, "15m", labels=NAME, value=11 * 60_000)


def test_since_is_when_it_was_first_seen_where_it_was_never_otherwise(tmp_path: Path) -> None:
    series = [state("dead", "_ _ _ 1x20"), state("stalled", "_ _ _ 0x20")]
    expr = queries.state_since(queries.PANE, ATTENTION)
    ask(tmp_path, series, expr, "15m", labels=NAME, value=3 * 60_000)


def test_since_is_empty_for_a_pane_in_no_such_state(tmp_path: Path) -> None:
    series = [state("dead", "0x20"), state("stalled", "0 0 1 1 0x16"), state("working", "1x20")]
    ask(tmp_path, series, queries.state_since(queries.PANE, ATTENTION), "15m")


def test_the_newer_command_counts_where_two_are_in_sight(tmp_path: Path) -> None:
    """Right after a change of command the old info may still be in the lookback."""
    series = [state("working", "1x10")] + [
        {
            "series": f'panewatch_pane_info{{{PANE}, command="{command}", agent="", '
            f'kind="program", pane_id="%1"}}',
            "values": values,
        }
        for command, values in (("old", "1x5"), ("new", "_x5 1x5"))
    ]
    labels = NAME.replace("}", ', command="new", kind="program"}')
    expr = queries.with_command(f"({code()} > 0)", queries.PANE)
    ask(tmp_path, series, expr, "8m", labels=labels, value=4)


def test_silence_is_of_running_programs(tmp_path: Path) -> None:
    last = {
        "series": f"panewatch_pane_last_output_timestamp_seconds{{{PANE}}}",
        "values": "60x20",
    }
    expr = queries.silence(queries.PANE)
    ask(tmp_path, [last, state("working", "1x20")], expr, "5m", labels=NAME, value=240)
    ask(tmp_path, [last, state("idle", "1x20"), state("working", "0x20")], expr, "5m")


def test_firing_alerts_say_since_when(tmp_path: Path) -> None:
    (expr,) = [q["expr"] for p, q in QUERIES if str(p) == "overview: What fires"]
    alert = f'alertname="PanewatchPaneStalled", severity="warning", {PANE}'
    series = [
        {"series": f"ALERTS_FOR_STATE{{{alert}}}", "values": "120x20"},
        {"series": f'ALERTS{{{alert}, alertstate="pending"}}', "values": "_ _ 1x3 stale"},
        {"series": f'ALERTS{{{alert}, alertstate="firing"}}', "values": "_x6 1x13"},
    ]
    labels = '{alertname="PanewatchPaneStalled", severity="warning", ' + NAME[1:]
    ask(tmp_path, series, expr, "4m")
    ask(tmp_path, series, expr, "8m", labels=labels, value=120_000)


def test_nothing_happened_differs_from_nobody_counted(tmp_path: Path) -> None:
    happened, nothing = (
        query["expr"] for place, query in QUERIES if str(place) == "panes: Looks that failed"
    )
    counter = f"panewatch_pane_capture_failures_total{{{PANE}}}"
    quiet = [{"series": counter, "values": "3x10"}]
    ask(tmp_path, quiet, happened.replace("$__rate_interval", "5m"), "8m")
    ask(tmp_path, quiet, nothing.replace("$__rate_interval", "5m"), "8m", labels="{}", value=0)
    ask(tmp_path, [], nothing, "8m")
    failing = [{"series": counter, "values": "0+2x10"}]
    expr = happened.replace("$__rate_interval", "5m")
    ask(tmp_path, failing, expr, "8m", labels=NAME, value=10)
    ask(tmp_path, failing, nothing.replace("$__rate_interval", "5m"), "8m")


def test_open_incidents_have_their_suggestion_and_keep_their_row_without_one(
    tmp_path: Path,
) -> None:
    expr = next(q["expr"] for p, q in QUERIES if str(p) == "errors: What is open")
    is_open = f'panewatch_incident_open{{{PANE}, rule="r", severity="P0", category="gpu"}}'
    series = [{"series": is_open, "values": "2x10"}]
    row = NAME.replace("}", ', rule="r", severity="P0", category="gpu"}')
    ask(tmp_path, series, expr, "4m", labels=row, value=2)
    # A reload has just changed the suggestion, and both are in sight.
    for suggestion, values in (("old", "1x3"), ("new", "_x3 1x7")):
        info = f'job="panewatch", instance="h", rule="r", severity="P0", suggestion="{suggestion}"'
        series.append({"series": f"panewatch_rule_info{{{info}}}", "values": values})
    ask(
        tmp_path,
        series,
        expr,
        "4m",
        labels=row.replace("}", ', suggestion="new"}'),
        value=2,
    )
