"""Each transition of a pane's state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.config import PanesSettings
from panewatch.panes.foreground import read_arguments
from panewatch.panes.model import Screen
from panewatch.panes.state import Program, StateMachine, name_program

SETTINGS = PanesSettings(stalled_after_by_command={"pytest": 600.0})
STATES = {"unknown", "dead", "idle", "finished", "working", "stalled", "waiting_input"}
UNREAD = Screen()
WORKING, IDLE, UNKNOWN = (
    Screen("working", "", "claude", "claude"),
    Screen("idle", "", "claude", "claude"),
    Screen("unknown", "", "claude", "claude"),
)
ASKS = Screen("waiting_input", "permission", "claude", "claude")


def name(command: str, *arguments: str) -> Program:
    """Name a program by tmux's word for it and, where given, its arguments."""
    return name_program(command, read_arguments(arguments) if arguments else None, SETTINGS)


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [
        ("make all", True),
        ("python3 busy.py", True),
        ("python3 /srv/codex/busy.py", False),
        ("python3 /srv/codex/jobs/src/busy.py", True),
        ("python3 replay.py claude-screen", True),
        ("python3", False),
        ("node /usr/lib/node_modules/@openai/codex/dist/cli.js", False),
        ("npx -y @google/gemini-cli", False),
        ("uv run aider", False),
        ("ssh box", False),
        ("sudo make", False),
    ],
)
def test_which_programs_can_show_no_agent(arguments: str, plain: bool) -> None:
    words = arguments.split()
    assert name(words[0], *words).plain is plain


def test_of_a_program_whose_processes_are_not_seen_anything_is_believed() -> None:
    assert not name("make").plain
    told = replace(read_arguments(["bash", "run.sh"]), members=None)
    assert not name_program("bash", told, SETTINGS).plain
    told = replace(told, members=frozenset({"docker"}))
    assert not name_program("bash", told, SETTINGS).plain
    told = replace(told, members=frozenset({"sleep"}))
    assert name_program("bash", told, SETTINGS).plain


class Story:
    """One pane as time goes by; output comes when it is said to."""

    def __init__(self, begin: float = 1000.0) -> None:
        self.now = self.last_output = begin
        self.last_effort = float("-inf")
        self.machine = StateMachine(SETTINGS, begin)

    def run(
        self,
        program: Program,
        seconds: float = 0.0,
        screen: Screen = UNREAD,
        *,
        prints: bool = False,
        works: bool = False,
    ) -> str:
        self.now += seconds
        if prints:
            self.last_output = self.now
        if works:
            self.last_effort = self.now
        return self.machine.advance(
            program, dead=False, last_output=self.last_output, now=self.now, screen=screen,
            last_effort=self.last_effort,
        )  # fmt: skip

    def spend(self, program: Program, seconds: int, screen: Screen) -> set[str]:
        """Look each second while it prints, and return the states there were."""
        return {self.run(program, 1.0, screen, prints=True) for _ in range(seconds)}


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


def test_a_command_may_never_be_stalled() -> None:
    settings = PanesSettings.model_validate({"stalled_after_by_command": {"listen": "never"}})
    machine = StateMachine(settings, 1000.0)
    assert machine.advance(name("listen"), dead=False, last_output=1000.0, now=1e9) == "working"
    assert machine.advance(name("other"), dead=False, last_output=1000.0, now=1e9) == "stalled"


SERVER, REPL_PROMPT = name("python3", "python3", "-m", "http.server"), Screen("idle", "", "repl")


def test_a_server_works_while_it_does_something_and_is_idle_else() -> None:
    story = Story()
    assert story.run(SERVER, 1, prints=True) == "working"
    assert story.run(SERVER, 11) == "idle"
    assert story.run(SERVER, 1, works=True) == "working"
    assert story.run(SERVER, 1e6) == "idle"


def test_a_limit_that_was_set_holds_for_a_server_too() -> None:
    settings = PanesSettings(stalled_after_by_command={"python3": 60.0})
    machine = StateMachine(settings, 1000.0)
    assert machine.advance(SERVER, dead=False, last_output=1000.0, now=1060.0) == "working"
    assert machine.advance(SERVER, dead=False, last_output=1000.0, now=1061.0) == "stalled"


def test_a_program_at_a_prompt_of_its_own_is_idle_and_one_that_left_it_is_not() -> None:
    story = Story()
    assert story.run(PROGRAM, 1, REPL_PROMPT, prints=True) == "working"
    assert story.run(PROGRAM, 11, REPL_PROMPT) == "idle"
    assert story.run(PROGRAM, 1e6, REPL_PROMPT) == "idle"
    assert story.run(PROGRAM, 1, UNREAD, prints=True) == "working"
    assert story.run(PROGRAM, 301, UNREAD) == "stalled"


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


AGENT = name("claude")


def test_an_agent_does_what_its_screen_says() -> None:
    story = Story()
    assert story.run(AGENT, 1, WORKING, prints=True) == "working"
    assert story.run(AGENT, 1, ASKS, prints=True) == "waiting_input"
    assert story.run(AGENT, 1e5, ASKS) == "waiting_input"
    assert story.run(AGENT, 1, IDLE, prints=True) == "idle"
    assert story.run(AGENT, 60, IDLE) == "idle"
    assert story.run(AGENT, 11, UNKNOWN) == "unknown"


def test_somebody_who_types_makes_no_idle_agent_work() -> None:
    story = Story()
    assert story.spend(AGENT, 60, IDLE) == {"idle"}


def test_the_end_of_a_long_turn_is_news_for_a_while() -> None:
    story = Story()
    story.spend(AGENT, 12, WORKING)
    assert story.run(AGENT, 1, IDLE) == "finished"
    assert story.run(AGENT, 299, IDLE) == "finished"
    assert story.run(AGENT, 2, IDLE) == "idle"


def test_the_end_of_a_short_turn_is_no_news() -> None:
    story = Story()
    story.spend(AGENT, 5, WORKING)
    assert story.run(AGENT, 1, IDLE) == "idle"
    story.spend(AGENT, 6, WORKING)
    assert story.run(AGENT, 1, IDLE) == "idle"


def test_a_turn_goes_on_after_its_agent_was_answered() -> None:
    story = Story()
    story.spend(AGENT, 6, WORKING)
    story.run(AGENT, 500, ASKS)
    story.spend(AGENT, 6, WORKING)
    assert story.run(AGENT, 1, IDLE) == "finished"


def test_a_new_turn_ends_the_news_of_the_last_one() -> None:
    story = Story()
    story.spend(AGENT, 12, WORKING)
    assert story.run(AGENT, 1, IDLE) == "finished"
    assert story.run(AGENT, 1, WORKING, prints=True) == "working"
    assert story.run(AGENT, 2, IDLE) == "idle"


def test_a_wait_that_nobody_worked_in_is_no_turn() -> None:
    story = Story()
    story.run(AGENT, 1, IDLE)
    story.run(AGENT, 1, ASKS, prints=True)
    story.run(AGENT, 3600, ASKS)
    assert story.run(AGENT, 1, IDLE) == "idle"


def test_an_agent_whose_spinner_froze_is_stalled() -> None:
    story = Story()
    assert story.run(AGENT, 1, WORKING, prints=True) == "working"
    assert story.run(AGENT, 299, WORKING) == "working"
    assert story.run(AGENT, 2, WORKING) == "stalled"


def test_the_spinner_of_an_agent_that_was_killed_decides_nothing() -> None:
    story = Story()
    story.spend(AGENT, 5, WORKING)
    assert story.run(SHELL, 1, WORKING) == "idle"
    story.spend(AGENT, 15, WORKING)
    assert story.run(SHELL, 1, WORKING) == "finished"


@pytest.mark.parametrize("command", ["ssh", "apt", "bash", "less"])
def test_any_program_may_wait_for_somebody(command: str) -> None:
    story, asks = Story(), Screen("waiting_input", "password", "prompts")
    assert story.run(name(command), 1, asks, prints=True) == "waiting_input"
    assert story.run(name(command), 1e4, asks) == "waiting_input"
    assert story.run(SHELL, 1, prints=True) in {"idle", "finished"}


@pytest.mark.parametrize("screen", [WORKING, IDLE])
def test_only_an_agent_works_or_rests_because_its_screen_says_so(screen: Screen) -> None:
    story = Story()
    assert story.run(PROGRAM, 1, screen, prints=True) == "working"
    assert story.run(PROGRAM, 301, screen) == "stalled"
    assert story.run(SHELL, 1, screen) == "finished"


def test_a_silent_program_whose_processes_work_is_slow() -> None:
    story = Story()
    assert story.run(PROGRAM, 1, prints=True) == "working"
    for _ in range(100):
        assert story.run(PROGRAM, 60, works=True) == "working"
    assert story.run(PROGRAM, 299) == "working"
    assert story.run(PROGRAM, 2) == "stalled"
    assert story.run(PROGRAM, 5, works=True) == "working"


def test_a_monitor_that_works_is_idle_all_the_same() -> None:
    story = Story()
    assert story.run(name("htop"), 11, works=True) == "idle"


def test_time_that_nobody_saw_stalls_nothing() -> None:
    story = Story()
    story.run(PROGRAM, 1, prints=True)
    story.run(PROGRAM, 200)
    story.machine.excuse(3600)
    assert story.run(PROGRAM, 3600) == "working"
    assert story.run(PROGRAM, 99) == "working"
    assert story.run(PROGRAM, 2) == "stalled"
    story.run(PROGRAM, 5, prints=True)
    assert story.run(PROGRAM, 301) == "stalled"  # what was excused once is not again


def test_a_respawned_pane_begins_anew() -> None:
    story = Story()
    story.run(PROGRAM, 1, prints=True)
    story.run(PROGRAM, 400)
    story.now += 1
    story.machine.restart(story.now)
    assert story.run(PROGRAM) == "working"
    assert story.run(PROGRAM, 299) == "working"
    assert story.run(SHELL, 1) == "finished"
    story.machine.restart(story.now)
    assert story.run(SHELL, 1) == "idle"


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
            st.sampled_from((Screen(), WORKING, IDLE, UNKNOWN, ASKS)),
        )
    )
)
def test_no_jump_of_a_clock_leaves_the_closed_set(
    steps: list[tuple[Program, float, bool, bool, Screen]],
) -> None:
    machine, last_output, now = StateMachine(SETTINGS, 0.0), 0.0, 0.0
    for program, seconds, prints, dead, screen in steps:
        now += seconds
        last_output = now if prints else last_output
        state = machine.advance(program, dead=dead, last_output=last_output, now=now, screen=screen)
        assert state in STATES - {"unknown"} or program.kind == "agent"
        assert (state == "waiting_input") == (screen is ASKS and not dead)
        assert state == machine.advance(
            program, dead=dead, last_output=last_output, now=now, screen=screen
        )
