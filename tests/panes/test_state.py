"""Each transition of a pane's state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.config import PanesSettings
from panewatch.panes.foreground import read_arguments
from panewatch.panes.state import Program, StateMachine, name_program

SETTINGS = PanesSettings(stalled_after_by_command={"pytest": 600.0})
STATES = {"unknown", "dead", "idle", "finished", "working", "stalled"}


def name(command: str, *arguments: str) -> Program:
    """Name a program by tmux's word for it and, where given, its arguments."""
    return name_program(command, read_arguments(arguments) if arguments else None, SETTINGS)


class Story:
    """One pane as time goes by; output comes when it is said to."""

    def __init__(self, begin: float = 1000.0) -> None:
        self.now = self.last_output = begin
        self.machine = StateMachine(SETTINGS, begin)

    def run(self, program: Program, seconds: float = 0.0, *, prints: bool = False) -> str:
        self.now += seconds
        if prints:
            self.last_output = self.now
        return self.machine.advance(program, dead=False, last_output=self.last_output, now=self.now)


SHELL, PROGRAM = name("bash", "-bash"), name("train")


@pytest.mark.parametrize(
    ("command", "arguments", "kind"),
    [
        ("bash", ("-bash",), "shell"),
        ("bash", ("bash", "-i"), "shell"),
        ("bash", ("/bin/bash", "--norc", "--noprofile"), "shell"),
        ("zsh", (), "shell"),
        ("sh", ("sh", "-c", "while sleep 1; do date; done"), "program"),
        ("bash", ("bash", "deploy.sh"), "program"),
        ("bash", ("bash", "-lc", "make"), "program"),
        ("vim", ("vim", "notes"), "editor"),
        ("less", ("less", "log"), "pager"),
        ("htop", (), "monitor"),
        ("ssh", ("ssh", "host"), "remote"),
        ("python3", ("python3", "train.py"), "program"),
    ],
)
def test_kinds(command: str, arguments: tuple[str, ...], kind: str) -> None:
    program = name(command, *arguments)
    assert (program.kind, program.agent) == (kind, "")


@pytest.mark.parametrize(
    ("command", "arguments", "agent"),
    [
        ("claude", (), "claude"),
        ("node", ("node", "/usr/lib/bin/codex.js"), "codex"),
        ("python3.12", ("/usr/bin/python3.12", "/opt/bin/aider"), "aider"),
        ("node", ("claude",), "claude"),
        ("node", ("node", "server.js"), ""),
        ("vim", ("vim", "claude"), ""),
    ],
)
def test_agents(command: str, arguments: tuple[str, ...], agent: str) -> None:
    assert name(command, *arguments).agent == agent


def test_nothing_is_known_before_the_first_look() -> None:
    assert Story().machine.state == "unknown"


def test_a_shell_at_its_prompt_is_idle() -> None:
    story = Story()
    assert story.run(SHELL) == "idle"
    assert story.run(SHELL, 1e6) == "idle"


def test_a_shell_that_is_first_read_long_after_it_printed_has_finished_nothing() -> None:
    machine = StateMachine(SETTINGS, 1000.0, busy_since=10.0)
    assert machine.advance(SHELL, dead=False, last_output=10.0, now=1000.0) == "idle"
    machine = StateMachine(SETTINGS, 1000.0)
    machine.lose()  # listed, and then its server did not answer for a while
    assert machine.advance(SHELL, dead=False, last_output=1000.0, now=1020.0) == "idle"


def test_a_loop_in_a_shell_is_not_idle() -> None:
    loop = name("sh", "sh", "-c", "while sleep 1; do date; done")
    story = Story()
    assert story.run(loop, 1, prints=True) == "working"
    assert story.run(loop, 299) == "working"
    assert story.run(loop, 2) == "stalled"


def test_a_program_works_until_it_is_silent_for_long() -> None:
    story = Story()
    assert story.run(PROGRAM, 1, prints=True) == "working"
    assert story.run(PROGRAM, 300.0) == "working"
    assert story.run(PROGRAM, 0.1) == "stalled"
    assert story.run(PROGRAM, 5, prints=True) == "working"


def test_a_command_may_have_its_own_threshold() -> None:
    slow, story = name("pytest"), Story()
    story.run(slow, 1, prints=True)
    assert story.run(slow, 599) == "working"
    assert story.run(slow, 2) == "stalled"


def test_the_end_of_a_long_command_is_news_for_a_while() -> None:
    story = Story()
    story.run(SHELL)
    story.run(PROGRAM, 1, prints=True)
    story.run(PROGRAM, 30)
    assert story.run(SHELL, 1) == "finished"
    assert story.run(SHELL, 299) == "finished"
    assert story.run(SHELL, 2) == "idle"


def test_the_end_of_a_short_command_is_no_news() -> None:
    story = Story()
    story.run(SHELL)
    story.run(PROGRAM, 1, prints=True)
    assert story.run(SHELL, 5) == "idle"


def test_a_new_command_ends_the_news_of_the_last_one() -> None:
    story = Story()
    story.run(PROGRAM, prints=True)
    story.run(PROGRAM, 30)
    assert story.run(SHELL, 1) == "finished"
    assert story.run(PROGRAM, 1, prints=True) == "working"
    assert story.run(SHELL, 2) == "idle"


def test_a_command_that_starts_in_a_quiet_pane_is_not_stalled() -> None:
    story = Story()
    story.run(SHELL, prints=True)
    story.run(SHELL, 5000)
    assert story.run(PROGRAM, 1) == "working"


@pytest.mark.parametrize("command", ["vim", "less", "htop", "ssh"])
def test_a_program_that_waits_for_its_user_is_idle(command: str) -> None:
    program, story = name(command), Story()
    assert story.run(program, 1, prints=True) == "working"
    assert story.run(program, 11) == "idle"
    assert story.run(program, 1e6) == "idle"


def test_a_silent_agent_is_unknown() -> None:
    agent, story = name("claude"), Story()
    assert story.run(agent, 1, prints=True) == "working"
    assert story.run(agent, 11) == "unknown"
    assert story.run(agent, 1e6) == "unknown"
    assert story.run(agent, 1, prints=True) == "working"


def test_death_is_final_whatever_ran() -> None:
    story = Story()
    for program in (SHELL, PROGRAM, name("claude"), name("vim")):
        story.now += 1
        state = story.machine.advance(program, dead=True, last_output=story.now, now=story.now)
        assert state == "dead"


def test_a_server_that_does_not_answer_leaves_the_state_unknown() -> None:
    story = Story()
    story.run(PROGRAM, 1, prints=True)
    story.machine.lose()
    assert story.machine.state == "unknown"
    assert story.run(PROGRAM, 5, prints=True) == "working"


@given(
    st.lists(
        st.tuples(
            st.sampled_from((SHELL, PROGRAM, name("claude"), name("vim"), name("pytest"))),
            st.floats(-1e6, 1e9),
            st.booleans(),
            st.booleans(),
        )
    )
)
def test_no_jump_of_a_clock_leaves_the_closed_set(
    steps: list[tuple[Program, float, bool, bool]],
) -> None:
    machine, last_output, now = StateMachine(SETTINGS, 0.0), 0.0, 0.0
    for program, seconds, prints, dead in steps:
        now += seconds
        last_output = now if prints else last_output
        state = machine.advance(program, dead=dead, last_output=last_output, now=now)
        assert state in STATES - {"unknown"} or program.kind == "agent"
        assert machine.advance(program, dead=dead, last_output=last_output, now=now) == state
