"""One pane's accounts over time that nobody saw."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from panewatch.config import PanesSettings
from panewatch.panes.listing import PaneFacts
from panewatch.panes.model import Frame, Identity, PaneKey, Screen
from panewatch.panes.processes import Usage
from panewatch.panes.tracked import TrackedPane
from panewatch.panes.waiting import Waits

FACTS = PaneFacts("%0", 2000, True, False, 4711, "main", "0", "0", None, None, "train")
WALL = 1764000000.0
ASKS = Screen("waiting_input", "confirm", "prompts")
REST = Usage(1.0, 1, 0, 0, 1)


class Asking:
    """Finds the same prompt on every screen that is not empty."""

    def read(self, frame: Frame, _command: str, _agent: str, *, plain: bool = False) -> Screen:  # noqa: ARG002
        return ASKS if any(frame.lines) else Screen()


class Story:
    """A pane, looked at each second unless it is said otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits = Waits()
        self.pane = TrackedPane(
            PaneKey(1, 1, "%0"), FACTS, Identity("here", "main", "0", "0"), PanesSettings(),
            reader=Asking(), waits=self.waits, activity=0, from_start=True,
            now=self.now, wall=WALL,
        )  # fmt: skip

    def pass_time(
        self, seconds: float, *, readable: bool = True, usage: Usage | None = REST
    ) -> str:
        self.now += seconds
        self.pane.take_usage(usage, self.now)
        self.pane.advance(self.now, WALL + self.now - 1000.0, readable=readable)
        return self.pane.state

    def spend(self, seconds: int) -> str:
        return [self.pass_time(1.0) for _ in range(seconds)][-1]

    def show(self, *lines: str) -> None:
        self.pane.note_output(self.now, WALL)
        self.pane.take_look(Frame(lines, 0, alternate=False), [], [], self.now)

    def count_waits(self) -> float:
        return sum(s.value for s in self.waits.sample("here") if s.name.endswith("_count"))


def test_a_pause_of_panewatch_stalls_nothing() -> None:
    story = Story()
    story.show("")
    assert story.spend(200) == "working"
    assert story.pass_time(600) == "working"
    assert story.spend(90) == "working"
    assert story.spend(20) == "stalled"
    seconds = story.pane.view().state_seconds
    assert seconds["unknown"] >= 600
    assert seconds["working"] == pytest.approx(300, abs=2)


def test_a_server_that_did_not_answer_stalls_nothing() -> None:
    story = Story()
    story.show("")
    story.spend(200)
    for _ in range(20):
        assert story.pass_time(15, readable=False) == "unknown"
    assert story.spend(1) == "working"


def test_slow_is_not_stalled_where_processes_are_seen() -> None:
    for use, state in (
        (lambda n: Usage(n * 0.5, 1, 0, 0, 1), "working"),
        (lambda n: Usage(1.0, 1, 0, n * 4096, 1), "working"),
        (lambda _: Usage(1.0, 1, 0, 0, 1, blocked=1), "working"),
        (lambda n: Usage(1.0, 1, 0, 0, 1 + n % 2), "working"),
        (lambda _: REST, "stalled"),
        (lambda _: None, "stalled"),
    ):
        story = Story()
        story.show("")
        states = [play(story, use, number) for number in range(200)]
        assert states[-1] == state


def play(story: Story, use: Callable[[int], Usage | None], number: int) -> str:
    return story.pass_time(5.0, usage=use(number))


def test_a_wait_outlasts_a_server_that_did_not_answer() -> None:
    story = Story()
    story.show("Continue? [y/N] ")
    assert story.spend(3) == "waiting_input"
    wait = story.pane.view().wait
    assert wait is not None
    assert (wait.kind, wait.since_time) == ("confirm", WALL)
    story.pass_time(1, readable=False)
    assert story.spend(1) == "waiting_input"
    assert story.pane.view().wait == wait
    assert story.count_waits() == 0
    story.show("")
    assert story.spend(1) == "working"
    assert story.pane.view().wait is None
    assert story.count_waits() == 1


def test_a_wait_of_a_pane_that_goes_is_counted_once() -> None:
    story = Story()
    story.show("Continue? [y/N] ")
    story.spend(3)
    story.pane.end_wait(story.now)
    story.pane.end_wait(story.now)
    assert story.count_waits() == 1
