"""What panewatch remembers of open incidents, and what becomes of it after a restart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from errors.looks import PROMPT, Looks
from errors.panes import make_rule
from panewatch.config import Config, ErrorsSettings
from panewatch.errors.kept import NotKeptError, read
from panewatch.errors.memory import Memory
from panewatch.errors.rulebook import Rulebook
from polling import wait_until

RULES = [
    make_rule("disk", "^disk full", severity="P0", category="filesystem"),
    make_rule("module", "^no module (?P<what>\\S+)", severity="P0"),
    make_rule("step", "^step failed", joins=frozenset({"any"})),
    make_rule("again", "^retrying", kind="friction", friction="retry"),
    make_rule("fine", "^all is well", kind="success", resolves=frozenset({"filesystem"})),
]
SMALL = Rulebook(RULES)
CANARY = "hunter2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "incidents.json"


def open_memory(path: Path) -> Memory:
    memory = Memory()
    memory.open(ErrorsSettings(state_file=str(path)))
    memory.start()
    return memory


class Restarts:
    """An exporter that is restarted: one pane's looks, a file, and a clock that goes on."""

    def __init__(self, path: Path, rulebook: Rulebook = SMALL) -> None:
        self.path = path
        self.memory = open_memory(path)
        self.looks = Looks(rulebook, memory=self.memory)

    def restart(self, away: float = 30.0, rulebook: Rulebook = SMALL) -> Looks:
        self.memory.stop()
        before = self.looks
        self.memory = open_memory(self.path)
        self.looks = Looks(rulebook, memory=self.memory)
        # The monotonic clock begins anew, as after a boot; Unix time goes on.
        self.looks.ahead = before.now + before.ahead + away - self.looks.now
        return self.looks

    def open(self) -> dict[str, str]:
        """The rules with open incidents, and how bad these are."""
        return {
            sample.labels["rule"]: sample.labels["severity"]
            for family in self.looks.observer.collect()
            for sample in family.samples
            if sample.name == "panewatch_incident_open"
        }


@pytest.fixture
def restarts(path: Path) -> Iterator[Restarts]:
    one = Restarts(path)
    yield one
    one.memory.stop()


def test_an_incident_goes_on_with_its_age_and_its_recovery_is_told(restarts: Restarts) -> None:
    looks = restarts.looks
    looks.look("disk full")
    opened = looks.values("incident_opened_timestamp_seconds")
    looks = restarts.restart(away=50.0)
    assert restarts.open() == {}
    looks.look()
    assert restarts.open() == {"disk": "P0"}
    assert looks.values("incident_opened_timestamp_seconds") == opened
    # It was opened by another process, and what it is stays to be looked up.
    assert looks.value("pane_incidents_total") == 0
    assert 'rule="disk",severity="P0",suggestion="mend it"} 1.0' in looks.expose()
    assert 'panewatch_rule_matches_total{rule="disk"} 0.0' in looks.expose()
    looks.look("disk full")
    assert looks.value("pane_incidents_total") == 0
    looks.look("all is well", wait=9.0)
    assert restarts.open() == {}
    assert looks.value("incidents_resolved_total", outcome="success") == 1
    assert looks.value("incident_recovery_seconds_sum") == pytest.approx(61.0, abs=2.0)
    restarts.restart().look()
    assert restarts.open() == {}


def test_the_same_failure_is_the_same_and_another_value_another(restarts: Restarts) -> None:
    restarts.looks.look("no module one")
    looks = restarts.restart()
    looks.look("no module one", "no module two")
    assert looks.value("incident_open", rule="module") == 2
    assert looks.value("pane_incidents_total") == 1


def test_another_attempt_mends_it_after_a_restart(restarts: Restarts) -> None:
    restarts.looks.look(f"{PROMPT} python3 train.py --batch 8", "no module one")
    looks = restarts.restart()
    looks.look(f"{PROMPT} python3 other.py", PROMPT + " ls", f"{PROMPT} ")
    assert restarts.open() == {"module": "P0"}
    looks.look(f"{PROMPT} python3 train.py --batch 4", "fine", f"{PROMPT} ls")
    assert restarts.open() == {}
    assert looks.value("incidents_resolved_total", outcome="success") == 1


def test_a_command_that_ends_well_after_a_restart_refutes_what_it_printed(
    restarts: Restarts,
) -> None:
    restarts.looks.look(f"{PROMPT} ./load", "no module one")
    looks = restarts.restart()
    looks.look()
    looks.look(ended=[looks.end("./load", 0, seconds=600.0)])
    assert restarts.open() == {}
    assert looks.value("incidents_resolved_total", outcome="refuted") == 1


def test_a_consequence_joins_it_only_in_the_command_that_goes_on(restarts: Restarts) -> None:
    restarts.looks.look(f"{PROMPT} make", "disk full")
    restarts.restart().look("step failed")
    assert restarts.open() == {"disk": "P0"}
    restarts.looks.look(f"{PROMPT} ls")
    restarts.restart().look("step failed")
    assert restarts.open() == {"disk": "P0", "step": "P1"}


def test_what_is_tried_again_is_no_blocker_after_a_restart(restarts: Restarts) -> None:
    restarts.looks.look("disk full", "retrying")
    restarts.restart().look()
    assert restarts.open() == {"disk": "P2"}
    restarts.looks.look("disk full")
    assert restarts.open() == {"disk": "P0"}


def test_a_new_tmux_server_inherits_nothing(restarts: Restarts) -> None:
    restarts.looks.look("disk full")
    restarts.restart().look(server=2)
    assert restarts.open() == {}


def test_a_pane_that_is_gone_or_runs_another_program_leaves_nothing(restarts: Restarts) -> None:
    restarts.looks.look("disk full")
    restarts.looks.look("disk full", pane="%2", place="1")
    restarts.looks.forget("%2")
    restarts.looks.look(restarted=True)
    looks = restarts.restart()
    looks.look()
    looks.look(pane="%2", place="1")
    assert restarts.open() == {}


@pytest.mark.parametrize(
    ("away", "screen", "left"),
    [(60.0, "other", 1), (5000.0, "same", 1), (5000.0, "other", 0)],
)
def test_a_pane_that_has_gone_on_for_long_has_no_incident(
    restarts: Restarts, away: float, screen: str, left: int
) -> None:
    restarts.looks.look("disk full", screen=["same"])
    looks = restarts.restart(away)
    looks.look(screen=[screen])
    assert len(restarts.open()) == left
    assert looks.value("incidents_resolved_total", outcome="quiet") == 1 - left


def test_rules_that_changed_meanwhile_judge_it(restarts: Restarts) -> None:
    restarts.looks.look("disk full", "no module one")
    milder = make_rule("disk", "^disk full", severity="P1", category="filesystem")
    restarts.restart(rulebook=Rulebook([milder, *RULES[2:]])).look()
    assert restarts.open() == {"disk": "P1"}


def test_a_clock_that_was_set_back_makes_nothing_happen_in_the_future(restarts: Restarts) -> None:
    restarts.looks.look("disk full")
    looks = restarts.restart(away=-86400.0)
    looks.look()
    (opened,) = looks.values("incident_opened_timestamp_seconds")
    assert opened <= looks.now + looks.ahead
    looks.look("all is well")
    assert 0 <= looks.value("incident_recovery_seconds_sum") < 60


def test_the_file_holds_no_text(restarts: Restarts) -> None:
    typed = f"{PROMPT} python3 train.py --password {CANARY}"
    screen = [typed, f"no module {CANARY}"]
    restarts.looks.look(*screen, screen=screen)
    restarts.memory.stop()
    content = restarts.path.read_text()
    assert '"rule":"module"' in content
    for word in (CANARY, "train", "password", "user", "work"):
        assert word not in content


def test_what_is_severe_is_kept_where_there_is_too_much(restarts: Restarts) -> None:
    restarts.looks.look(*(f"no module m{letter}" for letter in "abcdefghijklmnopqrst"), "disk full")
    restarts.restart().look()
    assert restarts.looks.value("pane_incidents_open") == 16


def spoil(content: str, **changes: Any) -> str:
    data = json.loads(content)
    data["panes"][0]["incidents"][0].update(changes)
    return json.dumps(data)


BAD: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "nul": lambda text: "\0" * len(text),
    "cut": lambda text: text[:-20],
    "list": lambda _: "[]",
    "deep": lambda _: "[" * 100000,
    "no-version": lambda text: text.replace('"version"', '"version_"'),
    "unknown-key": lambda text: text.replace('"panes"', '"extra":1,"panes"'),
    "severity": lambda text: spoil(text, worst="P9"),
    "rule": lambda text: spoil(text, rule="$(id)"),
    "mark": lambda text: spoil(text, mark="text of a pane"),
    "number": lambda text: spoil(text, count=-1),
    "huge": lambda text: spoil(text, seen=1e300),
    "nan": lambda text: spoil(text, opened=float("nan")),
    "newer": lambda text: text.replace('"version":2', '"version":3').replace("panes", "new"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_none_of_ours_is_a_fresh_start(restarts: Restarts, name: str) -> None:
    restarts.looks.look("disk full")
    restarts.memory.stop()
    restarts.path.write_text(BAD[name](restarts.path.read_text()))
    with capture_logs() as logs:
        restarts.restart().look()
    assert restarts.open() == {}
    reason = "newer" if name == "newer" else "corrupt"
    assert [log["reason"] for log in logs if log["log_level"] == "warning"] == [reason]
    assert f'panewatch_state_file_errors_total{{reason="{reason}"}} 1.0' in restarts.looks.expose()
    # From here on it is kept again.
    restarts.looks.look("disk full")
    restarts.restart().look()
    assert restarts.open() == {"disk": "P0"}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_other_content_is_refused(content: bytes) -> None:
    with pytest.raises(NotKeptError):
        read(content)


def test_without_a_file_nothing_is_written_and_panes_are_watched(path: Path) -> None:
    memory = Memory()
    memory.open(ErrorsSettings(state_file="off"))
    memory.start()
    looks = Looks(SMALL, memory=memory)
    looks.look("disk full")
    memory.stop()
    assert looks.value("pane_incidents_open") == 1
    assert list(path.parent.iterdir()) == []


def test_a_file_that_cannot_be_written_is_told_and_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panewatch.errors.memory._FAILED_SECONDS", 0.05)
    folder = path / "below"
    path.touch()
    with capture_logs() as logs:
        memory = open_memory(folder / "incidents.json")
        looks = Looks(SMALL, memory=memory)
        looks.look("disk full")

        def failures() -> float:
            return sum(sample.value for sample in memory.collect().samples)

        wait_until(lambda: failures() > 3, what="it is tried again")
        path.unlink()
        wait_until((folder / "incidents.json").exists, what="it is written")
        memory.stop()
    told = [log["event"] for log in logs]
    assert told == ["state file cannot be used", "state file is in use again"]
    assert looks.value("pane_incidents_open") == 1


def test_panes_that_nobody_sees_again_are_forgotten(
    restarts: Restarts, monkeypatch: pytest.MonkeyPatch
) -> None:
    restarts.looks.look("disk full")
    restarts.looks.look("disk full", pane="%2", place="1")
    monkeypatch.setattr("panewatch.errors.memory._CLAIM_SECONDS", 0.0)
    restarts.memory.stop()
    monkeypatch.setattr("panewatch.errors.memory._CLAIM_SECONDS", 0.05)
    looks = restarts.restart()
    looks.look()
    wait_until(lambda: '"%2"' not in restarts.path.read_text(), what="the other is forgotten")
    assert '"%1"' in restarts.path.read_text()


def test_it_goes_over_to_another_file(path: Path) -> None:
    memory = open_memory(path)
    looks = Looks(SMALL, memory=memory)
    looks.look("disk full")
    wait_until(path.exists, what="the file")
    other = path.with_name("other.json")
    memory.open(ErrorsSettings(state_file=str(other)))
    wait_until(other.exists, what="the other file")
    memory.stop()
    again = open_memory(path)
    again.stop()
    assert sum(sample.value for sample in again.collect().samples) == 0


def test_nothing_is_remembered_of_panes_that_are_searched_no_more(restarts: Restarts) -> None:
    restarts.looks.look("disk full")
    off = Config.model_validate({"collectors": {"errors": {"enabled": False}}})
    restarts.looks.observer.reconfigure(off)
    restarts.restart().look()
    assert restarts.open() == {}
