"""What is new on a screen that is drawn over."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from panewatch.panes.model import Line
from panewatch.panes.redraw import RedrawMemory

WORDS = st.sampled_from(
    ("", "ok", "ERROR a", "ERROR ab", "step 1", "step 2", "step 10", "10%", "│ > │", "────", "⠋")
)
SCREEN = st.lists(WORDS | st.text(max_size=8), max_size=12)


def pick(memory: RedrawMemory, before: list[str], after: list[str]) -> list[str]:
    return [line.text for line in memory.pick_new(before, after)]


@given(SCREEN)
def test_the_same_screen_twice_brings_nothing(screen: list[str]) -> None:
    assert pick(RedrawMemory(), screen, screen) == []


@given(SCREEN, SCREEN)
def test_only_what_is_shown_is_new(before: list[str], after: list[str]) -> None:
    new = RedrawMemory().pick_new(before, after)
    assert not Counter(line.text for line in new) - (Counter(after) - Counter(before))
    assert all(line.redrawn for line in new)
    places = iter(after)
    assert all(line.text in places for line in new), "in the order of the screen"


@given(SCREEN, SCREEN)
def test_a_screen_that_flips_back_is_not_new(first: list[str], second: list[str]) -> None:
    memory = RedrawMemory()
    first, second = [*first, "end"], [*second, "end"]
    memory.pick_new((), first)
    memory.pick_new(first, second)
    again = memory.pick_new(second, first)
    pushed = len(first) - len(second)
    assert len(again) <= max(0, pushed), "only what may have been pushed up"


@given(st.lists(SCREEN, max_size=30))
def test_the_same_memory_gives_the_same_answers(screens: list[list[str]]) -> None:
    def replay() -> list[list[Line]]:
        memory = RedrawMemory()
        return [memory.pick_new(*pair) for pair in pairwise(screens)]

    assert replay() == replay()


def test_a_row_that_turns_is_not_new() -> None:
    memory = RedrawMemory()
    assert pick(memory, ["✶ Thinking (1s)", "────"], ["✢ Thinking (2s)", "────"]) == []


def test_lines_above_a_box_are_new_each_time() -> None:
    memory = RedrawMemory()
    box = ["Thinking (1s)", "────", "  ? for shortcuts"]
    assert pick(memory, box, ["WARN low disk", *box]) == ["WARN low disk"]
    assert pick(memory, box, ["WARN low disk", *box]) == ["WARN low disk"]


def test_a_line_in_a_box_is_new_once() -> None:
    memory = RedrawMemory()
    empty, full = ["top", "", "end"], ["top", "WARN low disk", "end"]
    assert pick(memory, empty, full) == ["WARN low disk"]
    assert pick(memory, full, empty) == []
    assert pick(memory, empty, full) == []


def test_a_line_that_grows_continues() -> None:
    memory = RedrawMemory()
    first = memory.pick_new(["top", "The cau", "box"], ["top", "The cause is", "box"])
    assert first == [Line("The cause is", continued=True, redrawn=True)]
    shrunk = memory.pick_new(["top", "The cause is", "box"], ["top", "The", "box"])
    assert shrunk == []


def test_the_line_at_the_cursor_is_not_finished() -> None:
    memory = RedrawMemory()
    before, after = ["top", "", "box"], ["top", "half a", "box"]
    assert memory.pick_new(before, after, 1) == []


def test_the_memory_is_bounded() -> None:
    memory = RedrawMemory()
    for number in range(2000):
        memory.pick_new([f"a{number} x"], [f"b{number} y" + "z" * number])
    assert len(memory._seen) <= 512
    assert len(memory._turning) <= 512
