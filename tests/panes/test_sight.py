"""What a screen says, told look by look: redraws flicker, prompts stand still."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from panewatch.panes.model import Frame, Screen
from panewatch.panes.sight import Blind, Sight
from panewatch.panes.state import Program

AGENT = Program("claude", "claude", "agent")
BUILD = Program("make", "", "program")
SSH = Program("ssh", "", "remote")

WORDS = {
    "works": Screen("working", "", "claude", "claude"),
    "rests": Screen("idle", "", "claude", "claude"),
    "asks": Screen("waiting_input", "permission", "claude", "claude"),
    "wonders": Screen("waiting_input", "question", "claude", "claude"),
    "password": Screen("waiting_input", "password", "prompts"),
}


class Reader:
    """Reads the word on the last line of a screen, and counts how often it was asked."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, frame: Frame, _command: str, agent: str, *, plain: bool = False) -> Screen:  # noqa: ARG002
        self.reads += 1
        if frame.lines[-1] == "broken":
            raise ValueError
        return WORDS.get(frame.lines[-1], Screen(agent=agent))


class Story:
    """One pane's screen as time goes by."""

    def __init__(self, program: Program = AGENT) -> None:
        self.reader = Reader()
        self.sight = Sight(self.reader)
        self.program = program
        self.now = self.last_output = 1000.0
        self._frame = Frame(("",), 0, alternate=False)

    def show(self, word: str, *above: str, after: float = 1.0) -> str:
        """Look at a screen ``after`` seconds, and tell the state that it stands for."""
        self.now += after
        frame = Frame((*above, word), len(above), alternate=False)
        if frame != self._frame:
            self._frame, self.last_output = frame, self.now
        self.sight.show(frame, self.program, self.now)
        return self.settle(0.0)

    def settle(self, after: float) -> str:
        """Let time pass without a look."""
        self.now += after
        return self.sight.settle(self.program, self.last_output, self.now).state


def test_somebody_is_waited_for_at_the_second_look() -> None:
    story = Story()
    assert story.show("works") == "working"
    assert story.show("asks", after=0.2) == "working"
    assert story.show("asks", after=1.0) == "waiting_input"
    assert story.sight.since == story.now - 1.0


def test_looks_that_follow_at_once_prove_nothing() -> None:
    story = Story()
    story.show("works")
    assert [story.show("asks", after=0.2) for _ in range(4)] == ["working"] * 4
    assert story.show("asks", after=0.21) == "waiting_input"


def test_or_after_a_while_without_a_look() -> None:
    story = Story()
    story.show("works")
    story.show("asks")
    assert story.settle(0.7) == "working"
    assert story.settle(0.2) == "waiting_input"
    assert story.settle(1e6) == "waiting_input"


def test_a_prompt_that_flickers_by_is_not_waited_at() -> None:
    story = Story()
    story.show("works")
    for _ in range(20):
        assert story.show("asks", after=0.2) == "working"
        assert story.show("works", after=0.2) == "working"


def test_a_prompt_stands_while_its_surroundings_change() -> None:
    story = Story()
    story.show("works")
    story.show("asks", "3 s")
    story.show("asks", "4 s")
    assert story.show("asks", "5 s") == "waiting_input"


def test_a_wait_ends_at_once() -> None:
    for word, state in (("works", "working"), ("rests", "idle"), ("?", "unknown")):
        story = Story()
        story.show("asks")
        assert story.show("asks") == "waiting_input"
        assert story.show(word, after=0.1) == state


def test_another_kind_of_prompt_is_one_once_it_stands() -> None:
    story = Story()
    story.show("asks")
    assert story.show("asks") == "waiting_input"
    story.show("wonders")
    assert story.sight.steady.kind == "permission"
    story.show("wonders")
    assert (story.sight.steady.kind, story.sight.since) == ("question", story.now - 1.0)


def test_a_spinner_that_hides_while_text_streams_is_there() -> None:
    story = Story()
    story.show("works")
    assert [story.show("rests", str(n)) for n in range(9)] == ["working"] * 9
    assert story.show("works") == "working"
    assert [story.show("?", str(n)) for n in range(9)] == ["working"] * 9
    assert story.show("?", "later", after=4) == "unknown"


def test_an_agent_that_is_done_prints_no_more() -> None:
    story = Story()
    story.show("works")
    assert story.show("rests") == "working"
    assert story.show("rests") == "working"
    assert story.settle(2) == "idle"
    assert story.show("rests", "somebody types") == "idle"


def test_a_screen_that_stands_still_is_read_once() -> None:
    for program in (AGENT, BUILD, SSH):
        story = Story(program)
        for _ in range(100):
            story.show("?")
            story.settle(0.5)
        assert story.reader.reads == 1


def test_a_program_that_prints_on_is_read_now_and_then() -> None:
    story = Story(BUILD)
    for number in range(1000):
        story.show(str(number))
    reads = story.reader.reads
    assert 15 <= reads <= 25
    story.settle(1.1)
    assert story.reader.reads == reads + 1
    story.program = SSH  # which may show an agent soon
    story.settle(1)
    for number in range(30):
        story.show(str(number))
    assert story.reader.reads >= reads + 4


def test_output_that_comes_line_by_line_is_read_once_it_ends() -> None:
    story = Story(BUILD)
    story.show("")
    for number in range(20):
        story.show("", str(number), after=2.9)
    reads = story.reader.reads
    assert reads < 6
    story.settle(2.9)
    assert story.reader.reads == reads
    story.settle(0.2)
    assert story.reader.reads == reads + 1


def test_a_prompt_after_much_output_is_seen_within_a_second() -> None:
    story = Story(BUILD)
    for number in range(7):
        story.show(str(number))
    assert story.show("password") != "waiting_input"
    since = story.now
    assert story.settle(1.0) == "waiting_input"
    assert story.sight.since == since
    assert story.show("it goes on", after=0.2) == "unknown"


def test_an_agent_that_only_its_screen_tells_of_is_followed() -> None:
    story = Story(SSH)
    story.show("works")
    for number in range(10):
        assert story.show("works", str(number)) == "working"
    assert story.reader.reads == 6
    story.show("asks", "10")
    assert story.settle(1) == "waiting_input"


def test_the_screen_is_read_anew_for_another_program() -> None:
    story = Story(BUILD)
    story.show("asks")
    story.settle(2)
    story.program = AGENT
    story.settle(1)
    assert story.reader.reads == 2


def test_another_reader_reads_what_is_there() -> None:
    story = Story(BUILD)
    story.show("asks")
    assert story.settle(2) == "waiting_input"
    story.sight.adopt(Blind())
    assert story.settle(1) == "unknown"
    story.sight.adopt(story.reader)
    assert story.settle(1) == "waiting_input"


def test_nothing_is_left_of_a_pane_that_was_respawned() -> None:
    story = Story()
    story.show("asks")
    assert story.show("asks") == "waiting_input"
    story.sight.reset()
    assert story.settle(1) == "unknown"
    story.show("asks")
    assert story.settle(2) == "waiting_input"


def test_a_reader_that_fails_costs_one_screen() -> None:
    story = Story()
    story.show("asks")
    assert story.show("asks") == "waiting_input"
    assert story.show("broken") == "unknown"
    assert story.show("works") == "working"


@given(
    st.lists(
        st.tuples(st.sampled_from((*WORDS, "?", "!")), st.floats(0, 30), st.booleans()),
        max_size=30,
    ),
    st.sampled_from((AGENT, BUILD, SSH)),
)
def test_nobody_is_waited_for_without_a_prompt_on_the_screen(
    looks: list[tuple[str, float, bool]], program: Program
) -> None:
    story = Story(program)
    for number, (word, after, moves) in enumerate(looks):
        state = story.show(word, *([str(number)] if moves else []), after=after)
        if state == "waiting_input":
            assert WORDS[word].state == "waiting_input"
    if looks:
        shown = WORDS.get(looks[-1][0], Screen())
        assert story.settle(30) == shown.state
        assert story.sight.steady.kind == shown.kind
