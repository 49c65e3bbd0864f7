"""What the exit statuses that a shell reports make of what was printed."""

from __future__ import annotations

import pytest

from errors.looks import PROMPT, Looks
from errors.panes import make_rule
from panewatch.errors.rulebook import Rulebook

ANY = frozenset(range(1, 256))
RULES = [
    make_rule("broken", "^broken(?: (?P<what>\\w+))?"),
    make_rule("blocked", "^blocked", severity="P0", category="network"),
    make_rule("killed", "^killed", severity="P0", category="process", statuses=frozenset({137})),
    make_rule("failed", "^exit code \\d+", category="process", statuses=ANY, priority=-2),
    make_rule("failed-late", "^late exit code", category="process", statuses=ANY, priority=-1,
              lasted=60.0),
    make_rule("typo", "^no such program", severity="P2", category="process"),
    make_rule("fine", "^all is well", kind="success", resolves=frozenset({"network"})),
]  # fmt: skip
SMALL = Rulebook(RULES)


@pytest.fixture
def looks() -> Looks:
    return Looks(SMALL)


def open_rules(looks: Looks) -> dict[str, float]:
    """The rules with open incidents, and how many."""
    return {
        sample.labels["rule"]: sample.value
        for family in looks.observer.collect()
        for sample in family.samples
        if sample.name == "panewatch_incident_open"
    }


def resolved(looks: Looks) -> dict[str, float]:
    """How many incidents ended, and how."""
    ends = {
        sample.labels["outcome"]: sample.value
        for family in looks.observer.collect()
        for sample in family.samples
        if sample.name == "panewatch_incidents_resolved_total"
    }
    return {outcome: number for outcome, number in ends.items() if number}


def test_a_command_that_fails_without_a_word_opens_an_incident(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load", "reading the table", ended=[looks.end("./load", 3)])
    assert open_rules(looks) == {"failed": 1}
    assert looks.value("pane_incidents_total") == 1
    # It is no line, and none is counted.
    assert looks.value("pane_error_lines_total") == 0


def test_one_that_says_why_opens_no_other(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load", "broken table", ended=[looks.end("./load", 3)])
    assert open_rules(looks) == {"broken": 1}


@pytest.mark.parametrize(
    ("status", "seconds", "rule"),
    [(137, 1.0, "killed"), (3, 59.0, "failed"), (3, 60.0, "failed-late"), (139, 0.1, "failed")],
)
def test_the_status_and_the_time_choose_the_rule(
    looks: Looks, status: int, seconds: float, rule: str
) -> None:
    looks.look(f"{PROMPT} ./load", ended=[looks.end("./load", status, seconds=seconds)])
    assert open_rules(looks) == {rule: 1}


@pytest.mark.parametrize(
    ("line", "status"), [("./load", 0), ("./load", 130), ("grep x f", 1), ("./load", None)]
)
def test_no_failure_opens_nothing(looks: Looks, line: str, status: int | None) -> None:
    looks.look(f"{PROMPT} {line}", ended=[looks.end(line, status)])
    assert open_rules(looks) == {}


def test_a_status_that_was_not_reported_tells_nothing(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load", ended=[looks.end("./load", 3, exact=False)])
    assert open_rules(looks) == {}
    looks.look(f"{PROMPT} ./load", "broken", ended=[looks.end("./load", 0, exact=False)])
    assert open_rules(looks) == {"broken": 1}


def test_the_same_failure_is_one_incident_and_another_program_another(looks: Looks) -> None:
    for line, status in (("./load a", 3), ("./load b", 3), ("./load a", 4), ("./store", 3)):
        looks.look(f"{PROMPT} {line}", ended=[looks.end(line, status)])
    assert open_rules(looks) == {"failed": 3}
    assert looks.value("pane_incidents_total") == 3


def test_a_script_that_is_seen_as_its_interpreter_is_the_same_program(looks: Looks) -> None:
    for name in ("load", "sh"):
        ended = looks.end("cd src && ./load a | sort", 3)._replace(name=name)
        looks.look(f"{PROMPT} {ended.line}", ended=[ended])
    assert open_rules(looks) == {"failed": 1}


def test_the_same_command_that_goes_well_ends_it(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load", ended=[looks.end("./load", 3)])
    looks.look(f"{PROMPT} ./store", ended=[looks.end("./store", 0)])
    assert open_rules(looks) == {"failed": 1}
    looks.look(f"{PROMPT}  ./load", ended=[looks.end("./load", 0)], wait=20.0)
    assert open_rules(looks) == {}
    assert resolved(looks) == {"success": 1}
    assert looks.value("incident_recovery_seconds_count") == 1
    assert looks.value("pane_incidents_total") == 1


def test_whoever_goes_on_has_mended_a_slip(looks: Looks) -> None:
    looks.look(f"{PROMPT} gti", "no such program", "broken", ended=[looks.end("gti", 127)])
    assert open_rules(looks) == {"typo": 1, "broken": 1}
    looks.look(f"{PROMPT} ./load", ended=[looks.end("./load", 3)])
    assert open_rules(looks) == {"typo": 1, "broken": 1, "failed": 1}
    looks.look(f"{PROMPT} git", ended=[looks.end("git", 0)])
    assert open_rules(looks) == {"broken": 1, "failed": 1}
    assert resolved(looks) == {"success": 1}


def test_a_slip_is_not_mended_by_what_began_before_it(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load")
    looks.look(f"{PROMPT} gti", "no such program")
    looks.look(ended=[looks.end("./load", 0, seconds=3.0)])
    assert open_rules(looks) == {"typo": 1}


def test_one_that_failed_again_in_silence_did_not_recover(looks: Looks) -> None:
    for _ in range(3):
        looks.look(f"{PROMPT} ./load", ended=[looks.end("./load", 3)])
    looks.look(f"{PROMPT} ls")
    assert open_rules(looks) == {"failed": 1}
    assert looks.value("pane_incidents_total") == 1
    assert resolved(looks) == {}


def test_a_success_refutes_what_looked_like_errors(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load", "broken table", "blocked")
    assert open_rules(looks) == {"broken": 1, "blocked": 1}
    looks.look("done", ended=[looks.end("./load", 0, seconds=5.0)])
    assert open_rules(looks) == {}
    assert resolved(looks) == {"refuted": 2}
    assert looks.value("incident_recovery_seconds_count") == 0
    assert looks.value("pane_incidents_total") == 2


def test_a_process_that_was_killed_was_killed(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load", "killed", ended=[looks.end("./load", 0)])
    assert open_rules(looks) == {"killed": 1}


@pytest.mark.parametrize("line", ["./load | tee log", "./load; true", "ssh host", "./load &"])
def test_a_success_that_speaks_for_little_refutes_nothing(looks: Looks, line: str) -> None:
    looks.look(f"{PROMPT} {line}", "broken table", ended=[looks.end(line, 0)])
    assert open_rules(looks) == {"broken": 1}


def test_what_stood_there_before_is_not_refuted(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load", "broken table", ended=[looks.end("./load", 3)])
    looks.look(f"{PROMPT} ./store", "broken table", ended=[looks.end("./store", 0)])
    assert open_rules(looks) == {"broken": 1}


def test_what_was_mended_may_print_it_once_more(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load", "broken table", ended=[looks.end("./load", 3)])
    looks.look(f"{PROMPT} ./load", "broken table", ended=[looks.end("./load", 0)])
    assert resolved(looks) == {"success": 1}


def test_commands_of_one_look_are_told_apart_by_their_prompts(looks: Looks) -> None:
    looks.look(
        f"{PROMPT} ./load", "broken table",
        f"{PROMPT} ./store", "broken chair",
        f"{PROMPT} ./sort",
        f"{PROMPT} ./top", "broken lamp",
        ended=[looks.end("./load", 0), looks.end("./store", 2), looks.end("./sort", 7)],
    )  # fmt: skip
    assert open_rules(looks) == {"broken": 2, "failed": 1}
    assert resolved(looks) == {"refuted": 1}
    looks.look("done", ended=[looks.end("./top", 0, seconds=5.0)])
    assert open_rules(looks) == {"broken": 1, "failed": 1}


def test_what_an_agent_ran_is_not_refuted_by_its_own_end(looks: Looks) -> None:
    looks.look(f"{PROMPT} claude", "● Bash(make)", "broken table", command="claude")
    looks.look(ended=[looks.end("claude", 0, seconds=9.0)])
    assert open_rules(looks) == {"broken": 1}


def test_without_a_prompt_that_is_known_one_command_is_judged(looks: Looks) -> None:
    looks.look("broken at login")
    looks.look("== ./load", "broken table")
    looks.look(ended=[looks.end("./load", 0)])
    assert open_rules(looks) == {"broken": 1}
    assert resolved(looks) == {"refuted": 1}
    looks.look("== ./load", ended=[looks.end("./load", 4)])
    assert open_rules(looks) == {"broken": 1, "failed": 1}


def test_without_a_prompt_several_commands_are_not_told_apart(looks: Looks) -> None:
    looks.look("== ./load", "broken table", "== ./store", wait=5.0,
               ended=[looks.end("./load", 0, seconds=9.0), looks.end("./store", 0)])  # fmt: skip
    assert open_rules(looks) == {"broken": 1}


def test_a_command_line_that_was_held_back_is_read_when_it_ended(looks: Looks) -> None:
    typed = f"{PROMPT} ./load"
    looks.look("broken", typed, screen=["broken", typed])
    looks.look(ended=[looks.end("./load", 0)])
    assert open_rules(looks) == {"broken": 1}
    looks.look(f"{PROMPT} ./load", "broken", ended=[looks.end("./load", 0)])
    assert open_rules(looks) == {"broken": 1}


def test_statuses_count_as_failures_for_friction(looks: Looks) -> None:
    for _ in range(4):
        looks.look(f"{PROMPT} ./load", ended=[looks.end("./load", 3)])
    assert looks.value("friction_total", kind="repeated_command") == 1
    assert looks.value("friction_total", kind="restart_loop") == 1
    assert looks.value("friction_total") == 2


@pytest.mark.parametrize(
    ("status", "seconds", "rule"),
    [
        (1, 0.2, "command-failed"),
        (1, 90.0, "job-failed"),
        (124, 90.0, "exit-timeout"),
        (127, 0.1, "shell-command-missing"),
        (134, 5.0, "exit-crashed"),
        (137, 5.0, "exit-killed"),
        (139, 5.0, "exit-crashed"),
    ],
)
def test_the_built_in_rules(rulebook: Rulebook, status: int, seconds: float, rule: str) -> None:
    looks = Looks(rulebook)
    looks.look(f"{PROMPT} ./load", ended=[looks.end("./load", status, seconds=seconds)])
    assert open_rules(looks) == {rule: 1}
