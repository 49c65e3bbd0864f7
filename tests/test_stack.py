"""From metrics to a page: the shipped configuration on a real Prometheus and Alertmanager."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from panewatch.errors.pack import load_builtin
from polling import wait_until
from rule_files import ROOT, read_alerts, read_expected
from stack import FakeExporter, Stack, serve_fake

ALERTMANAGER = ROOT / "alertmanager/alertmanager.yml"
IDENTITY = {"job", "instance"}
SERVING = 'panewatch_tmux_server_up{server="default"} 1\n'
HOSTILE = "<script>*a* [x](http://e.com) {{ .Status }} \u202e`@all`|\x1b[31m"


def pane_died(session: str, status: int = 3) -> str:
    escaped = session.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    labels = f'server="default",session="{escaped}",window="0",pane="1"'
    return f"panewatch_pane_exit_status{{{labels}}} {status}\n"


def run_amtool(*arguments: str | Path) -> str:
    """Run amtool; raises with its message where it fails."""
    done = subprocess.run(("amtool", *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_amtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in run_amtool("check-config", ALERTMANAGER)


@pytest.mark.parametrize(
    ("severity", "receiver"),
    [("critical", "page"), ("warning", "notify"), ("info", "silent"), ("other", "notify")],
)
def test_route_hangs_on_the_severity(severity: str, receiver: str) -> None:
    for labels in ([], ["session=critical", "alertname=PanewatchPaneFailed"]):
        assert find_receiver(f"severity={severity}", *labels) == receiver


def test_good_news_are_told() -> None:
    assert find_receiver("severity=info", "alertname=PanewatchExperimentsGoalReached") == "news"
    assert find_receiver("severity=info", "session=PanewatchExperimentsGoalReached") == "silent"


def find_receiver(*labels: str) -> str:
    """Who is told of an alert with these labels."""
    file = f"--config.file={ALERTMANAGER}"
    return run_amtool("config", "routes", "test", file, *labels).strip()


def read_inhibition() -> list[dict[str, list[str]]]:
    """The rules by which one alert holds another back."""
    return list(yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"])


def matches(matchers: list[str], labels: dict[str, str]) -> bool:
    """Whether an alert with these labels is meant."""
    for matcher in matchers:
        found = re.fullmatch(r'(\w+)(=~|!=|=)"(.*)"', matcher)
        assert found, matcher
        name, operator, value = found.groups()
        pattern = value if operator == "=~" else re.escape(value)
        if bool(re.fullmatch(pattern, labels.get(name, ""))) == (operator == "!="):
            return False
    return True


def test_nothing_matches_on_what_a_pane_can_set() -> None:
    config = yaml.safe_load(ALERTMANAGER.read_text())
    matchers = [matcher for route in config["route"]["routes"] for matcher in route["matchers"]]
    for rule in config["inhibit_rules"]:
        matchers += rule["source_matchers"] + rule["target_matchers"]
    names = {matcher.split("=")[0].rstrip("!~") for matcher in matchers}
    # Besides what the rules set themselves: labels whose values panewatch chooses from a list.
    assert names == {"severity", "alertname"} | {"rule", "reason", "collector"}


@pytest.mark.parametrize("rule", read_inhibition(), ids=lambda rule: rule["source_matchers"][0])
def test_inhibition_compares_only_labels_that_both_sides_carry(rule: dict[str, list[str]]) -> None:
    """A label that both sides lack counts as equal."""
    expected = [{"alertname": name} | labels for name, labels in read_expected()]
    for side in ("source_matchers", "target_matchers"):
        meant = [labels for labels in expected if matches(rule[side], labels)]
        assert meant
        assert all(labels.keys() >= set(rule["equal"]) for labels in meant)
    assert set(rule["equal"]) >= IDENTITY


def test_inhibition_names_alerts_that_exist() -> None:
    text = json.dumps(read_inhibition())
    names = {alert.name for alert in read_alerts()}
    for name in (
        "PanewatchDown",
        "PanewatchTmuxServerLost",
        "PanewatchCollectorFailing",
        "PanewatchCapturesFailing",
        "PanewatchPaneWaiting",
        "PanewatchPaneLooping",
        "PanewatchAgentDied",
    ):
        assert name in text
        assert name in names


SEVERITIES = ["info", "warning", "critical"]
"""Of alerts, by how many are told of them."""


@pytest.mark.parametrize("rule", read_inhibition(), ids=lambda rule: rule["source_matchers"][0])
def test_nothing_is_held_back_by_what_is_told_to_fewer(rule: dict[str, list[str]]) -> None:
    alerts = [{"alertname": alert.name} | alert.labels for alert in read_alerts()]
    alerts += [{"alertname": name} | labels for name, labels in read_expected()]
    sources, targets = (
        [SEVERITIES.index(labels["severity"]) for labels in alerts if matches(rule[side], labels)]
        for side in ("source_matchers", "target_matchers")
    )
    assert min(sources) >= SEVERITIES.index("warning")
    assert min(sources) >= max(targets)


def find_held_back(name: str, severity: str) -> set[str]:
    """The warnings about a pane that one of its alerts holds back."""
    source = {"alertname": name, "severity": severity}
    return {
        alert.name
        for alert in read_alerts()
        for rule in read_inhibition()
        if "pane" in rule["equal"]
        and alert.labels["severity"] == "warning"
        and matches(rule["source_matchers"], source)
        and matches(rule["target_matchers"], {"alertname": alert.name} | alert.labels)
    }


def read_warnings_about_panes() -> set[str]:
    panes = {name for name, labels in read_expected() if "pane" in labels}
    return {a.name for a in read_alerts() if a.labels["severity"] == "warning"} & panes


@pytest.mark.parametrize("name", ["Failed", "Killed", "KeepsFailing", "Blocked"], ids=str)
def test_a_page_holds_back_every_warning_about_its_pane(name: str) -> None:
    warnings = read_warnings_about_panes()
    assert len(warnings) > 10
    assert find_held_back(f"PanewatchPane{name}", "critical") == warnings


def test_a_pane_that_waits_explains_why_it_stands_still() -> None:
    held = {"PaneStalled", "PaneLooping", "PaneIncidentLasting", "PaneNoSuccess", "WorkUnsaved"}
    held |= {"TrainingStalled", "TrainingSlow"}
    assert find_held_back("PanewatchPaneWaiting", "warning") == {f"Panewatch{n}" for n in held}
    assert find_held_back("PanewatchPaneWaiting", "info") == set()


@pytest.mark.parametrize(
    ("name", "severity", "rules"),
    [
        ("AgentDied", "critical", {"process-killed", "process-segfault", "exit-killed"}),
        ("AgentDied", "warning", set()),
        ("TrainingNonfinite", "critical", {"training-loss-nan"}),
        ("PaneFailed", "critical", set()),
    ],
)
def test_what_one_page_tells_is_no_second_one(name: str, severity: str, rules: set[str]) -> None:
    blockers = {rule.id for rule in load_builtin() if rule.severity == "P0"}
    assert blockers > rules
    held = {
        blocker
        for blocker in blockers
        for rule in read_inhibition()
        if "pane" in rule["equal"]
        and matches(
            rule["source_matchers"], {"alertname": f"Panewatch{name}", "severity": severity}
        )
        and matches(
            rule["target_matchers"],
            {"alertname": "PanewatchPaneBlocked", "severity": "critical", "rule": blocker},
        )
    }
    assert held == rules


def render(
    folder: Path, kind: str, status: str, labels: dict[str, str], annotations: dict[str, str]
) -> str:
    """What a notification of one alert says."""
    data = {
        "receiver": "page",
        "status": status,
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:9093",
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": annotations,
                "startsAt": "2026-01-01T00:00:00Z",
                "endsAt": "2026-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": "1",
            }
        ],
    }
    (folder / "data.json").write_text(json.dumps(data))
    return run_amtool(
        "template",
        "render",
        f"--template.data={folder / 'data.json'}",
        f"--template.glob={ROOT / 'alertmanager/templates/*.tmpl'}",
        "--template.text",
        f'{{{{ template "panewatch.{kind}" . }}}}',
    ).rstrip("\n")


@pytest.mark.parametrize("kind", ["title", "text"])
@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_templates_render_a_hostile_session_inert(kind: str, status: str, tmp_path: Path) -> None:
    labels = {
        "alertname": "PanewatchPaneFailed",
        "severity": "critical",
        "server": "default",
        "session": HOSTILE + "\nline train_7 日本",
        "window": "0",
        "pane": "1",
    }
    (alert,) = (a for a in read_alerts() if a.name == "PanewatchPaneFailed")
    shown = render(tmp_path, kind, status, labels, alert.annotations)
    assert "train_7 日本" in shown
    assert shown.startswith(status.upper())
    firing = status == "firing"
    expected_lines = {"title": 1, "text": 3 if firing else 2}[kind]
    assert len(shown.splitlines()) == expected_lines
    of_the_pane = shown.splitlines()[0]
    assert not set(of_the_pane) & set("<>[]{}*`@|\\/\x1b\u202e")
    assert "://" not in of_the_pane
    if kind == "text":
        summary = alert.annotations["summary"]
        told = summary if firing else f"It is over. What was told: {summary}"
        assert shown.splitlines()[1] == told
        assert (alert.annotations["runbook_url"] in shown) == firing, "nothing is to be done"


def test_a_suggestion_stands_in_the_notification_readable_and_inert(tmp_path: Path) -> None:
    labels = {
        "alertname": "PanewatchPaneBlocked",
        "severity": "critical",
        "rule": "pip-not-found",
        "server": "default",
        "session": "train",
        "window": "0",
        "pane": "1",
    }
    annotations = {"summary": "It fails.", "runbook_url": "https://panewatch.example/runbooks/X"}
    suggestion = (
        "Run `pip install -r requirements.txt`, or (as root) mend /etc/pip.conf; try again."
    )
    shown = render(
        tmp_path, "text", "firing", labels, annotations | {"suggestion": suggestion}
    ).splitlines()
    assert shown[2] == "pip-not-found: " + suggestion.replace("`", "'")
    assert len(shown) == 5
    hostile = {"suggestion": f"{HOSTILE}\nhttps:////e.com"}
    shown = render(tmp_path, "text", "firing", labels, annotations | hostile).splitlines()
    assert len(shown) == 5
    assert not set(shown[2]) & set("<>[]{}*`@|\\\x1b\u202e")
    assert "://" not in shown[2]


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        ({}, "To see it: tmux -L work attach -t '=train_7:0.12'"),
        ({"session": "0"}, "To see it: tmux -L work attach -t '=0:0.12'"),
        ({"session": "a'; rm -rf ~; '"}, None),
        ({"session": "$(id)"}, None),
        ({"session": "a b"}, None),
        ({"session": "a\nb"}, None),
        ({"session": "-x"}, None),
        ({"session": "x~%3"}, None),
        ({"session": "x" * 65}, None),
        ({"session": "日本"}, None),
        ({"server": "/tmp/x"}, None),
        ({"window": "0;id"}, None),
        ({"pane": "0\n"}, None),
    ],
)
def test_the_line_to_paste_is_of_names_that_no_shell_reads(
    labels: dict[str, str], line: str | None, tmp_path: Path
) -> None:
    place = {"server": "work", "session": "train_7", "window": "0", "pane": "12"}
    notes = {"summary": "It fails.", "runbook_url": "https://panewatch.example/runbooks/X"}
    shown = render(tmp_path, "text", "firing", {"alertname": "X"} | place | labels, notes)
    assert [told for told in shown.splitlines() if "tmux -L" in told] == ([line] if line else [])
    assert "tmux -L" not in render(tmp_path, "text", "resolved", place | labels, notes)


def test_the_text_names_the_host_and_an_alert_of_no_pane_shows_none(tmp_path: Path) -> None:
    labels = {"alertname": "PanewatchTmuxServerLost", "server": "work", "instance": "gpu1:10065"}
    shown = render(tmp_path, "text", "firing", labels, {"summary": "It is gone."})
    assert "on tmux server work at gpu1:10065" in shown
    assert "attach" not in shown


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeExporter]:
    with serve_fake() as exporter:
        exporter.text = SERVING
        yield exporter


@pytest.fixture(scope="module")
def stack(fake: FakeExporter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack"), fake.port)
    yield running
    running.close()


def of_session(seen: list[tuple[str, dict[str, str]]], session: str) -> list[str]:
    return [status for status, labels in seen if labels.get("session") == session]


def test_a_page_comes_once_survives_a_reload_and_resolves_once(
    fake: FakeExporter, stack: Stack
) -> None:
    fake.text = SERVING + pane_died("train") + pane_died("clean", status=0)
    wait_until(lambda: of_session(stack.pages, "train"), 30, "the page")
    stack.reload()
    stack.wait_evaluations(8)
    assert of_session(stack.pages, "train") == ["firing"]
    fake.text = SERVING + pane_died("clean", status=0)
    wait_until(lambda: len(of_session(stack.pages, "train")) > 1, 30, "the end of it")
    stack.wait_evaluations(8)
    assert of_session(stack.pages, "train") == ["firing", "resolved"]
    assert of_session(stack.pages, "clean") == []
    assert stack.notes == []


def test_two_panes_are_two_pages(fake: FakeExporter, stack: Stack) -> None:
    fake.text = SERVING + pane_died("one") + pane_died("two") + pane_died(HOSTILE)
    sessions = {"one", "two", HOSTILE}
    wait_until(
        lambda: all(of_session(stack.pages, session) for session in sessions), 30, "three pages"
    )
    notifications = [
        [alert["labels"]["session"] for alert in notification["alerts"]]
        for _, notification in stack.receiver.seen
    ]
    assert all(len(alerts) == 1 for alerts in notifications)
    fake.text = SERVING
    wait_until(
        lambda: all(of_session(stack.pages, session)[-1] == "resolved" for session in sessions),
        30,
        "their ends",
    )


def test_a_target_that_is_down_is_one_page_and_holds_the_others_back(
    fake: FakeExporter, stack: Stack
) -> None:
    fake.text = SERVING + "panewatch_config_last_reload_successful 0\n"
    wait_until(lambda: stack.notes, 30, "the warning")
    fake.text = None

    def down() -> list[str]:
        return [s for s, labels in stack.pages if labels["alertname"] == "PanewatchDown"]

    wait_until(down, 30, "the page")
    assert down() == ["firing"]
    assert stack.query("panewatch_tmux_server_up") == {}
    fake.text = SERVING
    wait_until(lambda: down()[-1] == "resolved", 30, "the end of it")
    assert down() == ["firing", "resolved"]


def open_incident(session: str, severity: str, rule: str) -> str:
    pane = f'server="default",session="{session}",window="0",pane="0",rule="{rule}"'
    return (
        f'panewatch_incident_open{{{pane},severity="{severity}",category="other"}} 1\n'
        f"panewatch_incident_opened_timestamp_seconds{{{pane}}} 1\n"
    )


def test_a_blocker_is_told_with_its_suggestion_and_holds_back_the_rest_of_its_pane(
    fake: FakeExporter, stack: Stack
) -> None:
    rule = 'rule="disk-full",severity="P0",category="resource",suggestion="Free some space."'
    blocked = SERVING + f"panewatch_rule_info{{{rule}}} 1\n"
    blocked += open_incident("blocked", "P0", "disk-full")
    fake.text = blocked
    wait_until(lambda: of_session(stack.pages, "blocked"), 30, "the page")
    told = [
        alert["annotations"]["suggestion"]
        for _, notification in stack.receiver.seen
        for alert in notification["alerts"]
        if alert["labels"].get("session") == "blocked"
    ]
    assert told == ["Free some space."]

    fake.text = blocked + "".join(
        open_incident(session, "P1", "test-failed") for session in ("blocked", "failing")
    )

    def held() -> dict[str, bool]:
        return {
            alert["labels"]["session"]: bool(alert["status"]["inhibitedBy"])
            for alert in stack.alerts()
            if alert["labels"]["alertname"] == "PanewatchPaneIncidentLasting"
        }

    wait_until(lambda: held().keys() == {"blocked", "failing"}, 30, "both warnings")
    wait_until(lambda: of_session(stack.notes, "failing"), 30, "the note of the other pane")
    assert held() == {"blocked": True, "failing": False}
    assert of_session(stack.notes, "blocked") == []


def test_a_lost_server_is_one_page_and_its_panes_are_not_told_to_be_mended(
    fake: FakeExporter, stack: Stack
) -> None:
    fake.text = SERVING + pane_died("lost")
    wait_until(lambda: of_session(stack.pages, "lost"), 30, "the page of the pane")
    gone = 'panewatch_tmux_server_lost_panes{server="default"} 27\n'
    fake.text = SERVING.replace('up{server="default"} 1', 'up{server="default"} 0') + gone

    def lost() -> list[str]:
        return [
            status
            for status, labels in stack.pages
            if labels["alertname"] == "PanewatchTmuxServerLost"
        ]

    wait_until(lost, 30, "the page of the server")
    wait_until(
        lambda: not any(alert["labels"].get("session") == "lost" for alert in stack.alerts()),
        30,
        "the end of the pane's alert",
    )
    stack.wait_evaluations(8)
    assert of_session(stack.pages, "lost") == ["firing"]
    fake.text = SERVING
    wait_until(lambda: lost()[-1] == "resolved", 30, "the end of it")
    assert lost() == ["firing", "resolved"]
    assert of_session(stack.pages, "lost") == ["firing"]


def wait_for_answer(session: str) -> str:
    pane = f'server="default",session="{session}",window="0",pane="0"'
    return f'panewatch_pane_waiting_since_timestamp_seconds{{{pane},kind="permission"}} 1\n'


def stall(session: str) -> str:
    pane = f'server="default",session="{session}",window="0",pane="0"'
    return f'panewatch_pane_state{{{pane},state="stalled"}} 1\n'


def test_one_pane_is_one_notification_and_its_neighbours_are_told(
    fake: FakeExporter, stack: Stack
) -> None:
    """What waits, stalls and dies: the first of these holds back the second, the third both."""
    fake.text = (
        SERVING + wait_for_answer("asks") + pane_died("dies").replace('pane="1"', 'pane="0"')
    )
    wait_until(lambda: of_session(stack.notes, "asks"), 30, "the note of the one that asks")
    wait_until(lambda: of_session(stack.pages, "dies"), 30, "the page of the one that died")
    fake.text += stall("asks") + stall("dies") + wait_for_answer("dies") + stall("hangs")

    def held() -> dict[tuple[str, str], bool]:
        return {
            (
                alert["labels"]["session"],
                alert["labels"]["alertname"][len("PanewatchPane") :],
            ): bool(alert["status"]["inhibitedBy"])
            for alert in stack.alerts()
            if alert["labels"].get("session") in {"asks", "dies", "hangs"}
        }

    expected = {
        ("asks", "Waiting"): False,
        ("asks", "Stalled"): True,
        ("dies", "Failed"): False,
        ("dies", "Waiting"): True,
        ("dies", "Stalled"): True,
        ("hangs", "Stalled"): False,
    }
    wait_until(lambda: held() == expected, 30, "each alert held back or not")
    wait_until(lambda: of_session(stack.notes, "hangs"), 30, "the note of the one that hangs")
    assert of_session(stack.notes, "asks") == ["firing"]
    assert of_session(stack.notes, "dies") == []
    assert of_session(stack.pages, "dies") == ["firing"]
