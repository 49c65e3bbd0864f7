"""Each line once, or a gap: thousands of short stories on a model of tmux's grid."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panes.grid_model import GridModel
from panewatch.panes.alignment import Fit, Known, align
from panewatch.panes.capture import Grid, Text
from panewatch.panes.reader import PaneReader

LIMIT = 30
GRID = Grid(pid=1, history=0, limit=100, width=80, height=5, cursor_y=3)

PRINT = st.tuples(st.just("print"), st.integers(1, 12), st.sampled_from((0, 0, 50)))
LOOK, CLEAR = st.tuples(st.just("look")), st.tuples(st.just("clear"))
PRINTING = st.one_of(PRINT, st.tuples(st.just("blank"), st.integers(1, 3)), CLEAR, LOOK, LOOK)
DESTROYING = st.one_of(
    PRINT,
    CLEAR,
    LOOK,
    LOOK,
    st.tuples(st.just("print"), st.integers(30, 120), st.just(0)),
    st.tuples(st.just("wipe")),
    st.tuples(st.just("clear-history")),
    st.tuples(st.just("respawn")),
)


class Story:
    """One pane, what was printed in it, and what its reader handed on."""

    def __init__(self) -> None:
        self.model = GridModel(limit=LIMIT)
        self.reader = PaneReader(from_start=True)
        self.printed = 0
        self.readings: list[tuple[bool, list[int]]] = []
        """Of each look whether it told of a gap, and the numbers of its lines."""
        self._clock = 0.0
        # A pane where nothing was printed before the first look leaves nothing to compare.
        self.do("print", 1, 0)
        self.look()

    def look(self) -> None:
        self._clock += 1
        reading = self.reader.read(self.model.capture(4), self._clock)
        if reading is None:
            reading = self.reader.read(self.model.capture(LIMIT), self._clock, whole=True)
        assert reading is not None
        # What is left of a line whose beginning was dropped has no number.
        texts = [line.text for line in reading.lines if line.text]
        torn = bool(reading.gap and texts and ":" not in texts[0])
        numbers = [int(text.partition(":")[0]) for text in texts[torn:]]
        self.readings.append((reading.gap, numbers))

    def do(self, action: str, *values: int) -> None:
        match action, values:
            case "print", (count, longest):
                for number in range(self.printed, self.printed + count):
                    self.model.print(f"{number}:" + "x" * (number * 37 % (longest + 1)) + ".")
                self.printed += count
            case "blank", (count,):
                for _ in range(count):
                    self.model.print("")
            case "clear", ():
                self.model.clear_screen()
            case "clear-history" | "wipe" | "respawn" as name, ():
                getattr(self.model, name.replace("-", "_"))()
                # A pane that is seen without any text has nothing to compare.
                self.do("print", 1, 0)
                self.look()
            case _:
                self.look()

    def check(self, *, complete: bool) -> None:
        self.look()
        expected, lost_after = 0, False
        for gap, numbers in self.readings:
            excused = gap or lost_after
            for number in numbers:
                assert number >= expected, f"{number} is repeated or out of order"
                assert number == expected or excused, f"{expected} to {number - 1} lost silently"
                expected, excused = number + 1, gap
            lost_after = gap or (lost_after and not numbers)
        assert expected == self.printed or lost_after, f"{expected} and on lost silently"
        if complete:
            assert not any(gap for gap, _ in self.readings)


def run(actions: list[tuple[str, ...]], *, complete: bool) -> None:
    story = Story()
    for action in actions:
        story.do(*action)  # type: ignore[arg-type]
        if complete and action[0] != "look":
            # Without a look the next print may push unread text out of the history.
            story.look()
    story.check(complete=complete)


MANY = settings(max_examples=1000, deadline=None, derandomize=True)


@MANY
@given(st.lists(PRINTING, max_size=20))
def test_printing_is_read_whole(actions: list[tuple[str, ...]]) -> None:
    run(actions, complete=True)


@MANY
@given(st.lists(DESTROYING, max_size=20))
def test_every_loss_is_a_gap(actions: list[tuple[str, ...]]) -> None:
    run(actions, complete=False)


def know(*lines: str, grid: Grid = GRID) -> Known:
    """Return what is known of a pane that showed ``lines``, all of them handed on."""
    text = Text(list(lines), range(len(lines)), len(lines))
    return Known(grid, text, len(lines), len(lines))


def test_an_unchanged_screen_fits_exactly() -> None:
    known = know("a", "b", "c")
    found = align(known, GRID, known.text)
    assert found is not None
    assert (found.fit, found.offset, found.kept) == (Fit.EXACT, 0, 3)


def test_a_line_that_was_drawn_over_ends_what_is_kept() -> None:
    text = Text(["a", "other", "c"], range(3), 3)
    found = align(know("a", "b", "c"), GRID, text)
    assert found is not None
    assert (found.fit, found.kept) == (Fit.REDRAWN, 1)


def test_a_part_that_reaches_too_short_asks_for_more() -> None:
    grid = Grid(1, 50, 100, 80, 5, 3)
    text = Text(["x", "y"], range(40, 42), 42)
    assert align(know("a", "b", "c"), grid, text) is None
    found = align(know("a", "b", "c"), grid, text, whole=True)
    assert found is not None
    assert found.fit is Fit.LOST


@pytest.mark.parametrize("limit", [0, 1, 5, 10, 99])
def test_any_history_limit_is_followed(limit: int) -> None:
    model, reader = GridModel(limit=limit), PaneReader(from_start=True)
    seen = []
    for number in range(200):
        model.print(f"line {number}")
        reading = reader.read(model.capture(4), float(number))
        if reading is None:
            reading = reader.read(model.capture(limit), float(number), whole=True)
        assert reading is not None
        seen += [line.text for line in reading.lines]
        assert number == 0 or not reading.gap
    assert seen == [f"line {number}" for number in range(200)]


def test_blank_lines_prove_no_place() -> None:
    known = know("a", "", "", "")
    grid = Grid(1, 8, 100, 80, 5, 0)
    text = Text(["b", "", "", "", "", ""], range(4, 10), 10)
    assert align(known, grid, text) is None


def test_a_short_text_is_found_again_after_a_resize() -> None:
    known = know("a", "")
    text = Text(["a", "", "", ""], range(4), 4)
    found = align(known, Grid(1, 0, 100, 40, 5, 2), text)
    assert found is not None
    assert (found.fit, found.offset) == (Fit.EXACT, 0)
