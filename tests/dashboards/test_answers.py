"""What the less obvious queries answer, evaluated by Prometheus on series written here."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from boards import queries
from boards.states import ATTENTION, PANE_STATES
from boards.verdicts import REASONS
from dashboards.boards_on_disk import QUERIES
from dashboards.promql import substitute

PANE = 'job="panewatch", instance="h", server="s", session="a", window="0", pane="0"'
LABELS = "instance, server, session, window, pane"
NAME = '{instance="h", server="s", session="a", window="0", pane="0"}'


def state(name: str, values: str) -> dict[str, str]:
    return {"series": f'panewatch_pane_state{{{PANE}, state="{name}"}}', "values": values}


def ask(folder: Path, series: list[dict[str, str]], expr: str, at: str, **sample: Any) -> None:
    """Fail unless the query gives just this sample at that time, or none."""
    ask_all(folder, series, expr, at, [sample] if sample else [])


def ask_all(
    folder: Path, series: list[dict[str, str]], expr: str, at: str, samples: list[dict[str, Any]]
) -> None:
    """Fail unless the query gives just these samples at that time."""
    test = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [{"expr": substitute(expr), "eval_time": at, "exp_samples": samples}],
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


def query_of(title: str, letter: str = "A") -> str:
    """Give a query by the title of its panel, without the windows of Grafana."""
    (expr,) = [q["expr"] for p, q in QUERIES if str(p) == title and q["refId"] == letter]
    return str(expr).replace("$__rate_interval", "5m").replace("$__range", "10m")


def pane_series(metric: str, values: str, pane: str = "0", **labels: str) -> dict[str, str]:
    own = "".join(f', {name}="{value}"' for name, value in labels.items())
    return {
        "series": f"{metric}{{{PANE}{own}}}".replace('pane="0"', f'pane="{pane}"'),
        "values": values,
    }


INFO = pane_series("panewatch_pane_info", "1x20", command="node", agent="claude", kind="agent")
SINCE = "panewatch_pane_waiting_since_timestamp_seconds"


def test_the_wall_puts_first_what_needs_somebody_in_the_end(tmp_path: Path) -> None:
    """Prometheus orders the rows by the label ``by``; the rank is that of the last moment."""
    series = [
        pane_series("panewatch_pane_state", values, pane, state=name)
        for pane, name, values in (
            ("0", "working", "1x20"),
            ("1", "working", "1x5 0x15"),
            ("1", "waiting_input", "0x5 1x15"),
            ("2", "dead", "1x4 stale"),
        )
    ]
    expr = query_of("panes: State of each pane")

    def row(pane: str, rank: str, value: float) -> dict[str, Any]:
        by = f'by="{rank} s a 0 {pane}", rank="{rank}"'
        labels = NAME.replace('pane="0"', f'pane="{pane}"').replace("}", f", {by}}}")
        return {"labels": labels, "value": value}

    ask_all(tmp_path, series, expr, "15m", [row("0", "4", 4), row("1", "1", 1)])
    # The rows of an earlier moment stand in the same order, and those that are gone come last.
    earlier = f"last_over_time(({expr})[1m:1m] offset 12m)"
    rows = [row("0", "4", 4), row("1", "1", 4), row("2", "9", 3)]
    ask_all(tmp_path, series, earlier, "15m", rows)


def test_who_waits_is_told_with_its_agent_and_kind(tmp_path: Path) -> None:
    series = [INFO, pane_series(SINCE, "60x20", kind="permission")]
    row = NAME.replace("}", ', kind="permission", command="node", agent="claude"}')
    ask(tmp_path, series, query_of("waiting: Who waits"), "5m", labels=row, value=240)
    since = NAME.replace("}", ', kind="permission"}')
    ask(tmp_path, series, query_of("waiting: Who waits", "B"), "5m", labels=since, value=60_000)


@pytest.mark.parametrize("board", ["overview", "waiting"])
def test_panes_that_wait_are_counted_and_pagers_are_not(tmp_path: Path, board: str) -> None:
    count, longest = (query_of(f"{board}: Waiting for you", letter) for letter in "AB")
    ask(tmp_path, [], count, "5m")
    pager = [INFO, pane_series(SINCE, "60x20", kind="pager")]
    ask(tmp_path, pager, count, "5m", labels="{}", value=0)
    ask(tmp_path, pager, longest, "5m")
    asked = [
        *pager,
        pane_series(SINCE, "120x20", "1", kind="question"),
        pane_series(SINCE, "180x20", "2", kind="password"),
    ]
    ask(tmp_path, asked, count, "5m", labels="{}", value=2)
    ask(tmp_path, asked, longest, "5m", labels="{}", value=180)


def test_wait_quantiles_are_of_the_waits_that_ended(tmp_path: Path) -> None:
    expr = query_of("waiting: Time to an answer")
    labels = 'job="panewatch", instance="h", server="s", kind="question"'
    buckets = {"60": "0x20", "120": "0x5 2x15", "+Inf": "0x5 2x15"}
    series = [
        {"series": f'panewatch_pane_wait_seconds_bucket{{{labels}, le="{le}"}}', "values": values}
        for le, values in buckets.items()
    ]
    ask(tmp_path, series, expr, "4m")
    ask(tmp_path, series, expr, "8m", labels='{kind="question"}', value=90)
    ask(tmp_path, series, expr, "14m")


def test_time_of_agents_leaves_out_other_panes(tmp_path: Path) -> None:
    seconds = "panewatch_pane_state_seconds_total"
    series = [
        INFO,
        pane_series(seconds, "0+15x20", state="waiting_input"),
        pane_series(seconds, "0+45x20", state="working"),
        pane_series("panewatch_pane_info", "1x20", "1", command="bash", agent="", kind="shell"),
        pane_series(seconds, "0+60x20", "1", state="waiting_input"),
    ]
    title = "waiting: Time of agents in each state, in this time range"
    row = NAME.replace("}", ', agent="claude"}')
    ask(tmp_path, series, query_of(title), "15m", labels=row, value=0.25)
    ask(tmp_path, series, query_of(title, "B"), "15m", labels=row, value=150)


def test_tasks_left_are_those_not_done(tmp_path: Path) -> None:
    series = [
        pane_series("panewatch_pane_tasks", f"{number}x20", status=status)
        for status, number in (("pending", 3), ("in_progress", 1), ("done", 7))
    ]
    ask(tmp_path, series, query_of("waiting: Tasks left"), "5m", labels=NAME, value=4)


def test_a_loop_is_drawn_and_no_loop_is_told_from_nobody_looking(tmp_path: Path) -> None:
    loop, none = (query_of("waiting: Panes that go in circles", letter) for letter in "AB")
    series = [pane_series("panewatch_pane_looping", "0x5 1x15")]
    ask(tmp_path, series, loop, "4m")
    ask(tmp_path, series, none, "4m", labels="{}", value=0)
    ask(tmp_path, series, loop, "8m", labels=NAME, value=1)
    ask(tmp_path, [], none, "4m")


def test_switches_are_per_hour_and_by_session(tmp_path: Path) -> None:
    counter = (
        'panewatch_pane_switches_total{job="panewatch", instance="h", server="s", session="a"}'
    )
    series = [{"series": counter, "values": "0+2x90"}]
    labels = '{instance="h", server="s", session="a"}'
    ask(tmp_path, series, query_of("waiting: Switches per hour"), "80m", labels=labels, value=120)


def test_what_runs_longest_is_measured_from_its_start(tmp_path: Path) -> None:
    started = pane_series("panewatch_pane_command_started_timestamp_seconds", "60x20")
    row = NAME.replace("}", ', command="node", agent="claude", kind="agent"}')
    expr = query_of("commands: Running longest now")
    ask(tmp_path, [INFO, started], expr, "5m", labels=row, value=240)
    ask(tmp_path, [INFO, started], query_of("commands: Commands"), "5m", labels="{}", value=1)
    ask(tmp_path, [INFO], query_of("commands: Commands"), "5m", labels="{}", value=0)


def test_the_share_of_failures_is_known_only_where_failures_are(tmp_path: Path) -> None:
    series = [
        INFO,
        pane_series("panewatch_pane_commands_total", "0+4x20"),
        pane_series("panewatch_pane_info", "1x20", "1", command="bash", agent="", kind="shell"),
        pane_series("panewatch_pane_commands_total", "0+4x20", "1"),
        pane_series("panewatch_pane_commands_failed_total", "0+1x20"),
    ]
    title = "commands: Commands by pane, in this time range"
    row = NAME.replace("}", ', agent="claude"}')
    ask(tmp_path, series, query_of(title), "15m", labels=row, value=10)
    ask(tmp_path, series, query_of(title, "C"), "15m", labels=row, value=0.25)


def experiments_series(metric: str, values: str, **labels: str) -> dict[str, str]:
    own = "".join(f', {name}="{value}"' for name, value in labels.items())
    return {
        "series": f'panewatch_{metric}{{job="panewatch", instance="h"{own}}}',
        "values": values,
    }


def test_a_verdict_is_told_by_its_reason_and_none_where_nothing_is_known(tmp_path: Path) -> None:
    expr = query_of("experiments: Verdict")
    series = [
        experiments_series(
            "experiments_verdict",
            "1x10" if reason == "rising" else "0x10",
            verdict=v,
            reason=reason,
        )
        for reason, v in (("identical", "restart"), ("rising", "fix"), ("goal", "reached"))
    ]
    (rising,) = [state.code for state in REASONS if state.name == "rising"]
    ask(tmp_path, series, expr, "5m", labels='{instance="h"}', value=rising)
    ask(tmp_path, [], expr, "5m")


def test_goal_and_baseline_stand_beside_each_experiment(tmp_path: Path) -> None:
    series = [experiments_series("experiments_bitrate_goal_bits_per_second", "1000000x10")] + [
        experiments_series("experiment_timestamp_seconds", time, experiment=name)
        for name, time in (("a", "100x10"), ("b", "200x10"))
    ]
    title = "experiments: Bitrate of each experiment"
    times, goals = (
        [
            {"labels": f'{{instance="h", experiment="{name}"}}', "value": value}
            for name, value in zip("ab", values, strict=True)
        ]
        for values in ((100_000, 200_000), (1_000_000, 1_000_000))
    )
    ask_all(tmp_path, series, query_of(title), "5m", times)
    ask_all(tmp_path, series, query_of(title, "D"), "5m", goals)
