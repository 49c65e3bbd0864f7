"""The box at the bottom of a screen is found, and nothing that only looks like one."""

from __future__ import annotations

import pytest

from panewatch.panes.model import Frame
from panewatch.panes.screens.box import find_box
from panewatch.panes.screens.region import Place, Region, View

RULE = "─" * 20

ROUND = ["answer", "╭──────────╮", "│ > hello  │", "╰──────────╯", "  hints"]
RULED = ["answer", RULE, "❯ hello", "  more", RULE, "  hints", "  more hints"]


@pytest.mark.parametrize(
    ("rows", "box"),
    [
        (ROUND, (1, 3)),
        (RULED, (1, 4)),
        (["┌────┐", "│ → x │", "└────┘"], (0, 2)),
        (["▄▄▄▄▄▄", " > x", "▀▀▀▀▀▀"], (0, 2)),
        (["  ┃", "  ┃  x", "  ╹▀▀▀▀▀▀"], (0, 2)),
        (["─── a name ──────", "❯", RULE + " x ─"], (0, 2)),
        (["╭─smart────╮", "│          │", "╰────~/repo (main)─╯", "1% of 983k"], (0, 2)),
    ],
)
def test_boxes(rows: list[str], box: tuple[int, int]) -> None:
    assert find_box(rows) == box


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["└ a branch of a tree"],
        ["└── another"],
        ["│ > x", "╰──────╯"],
        ["text", "╰──────────╯"],
        [RULE, "a table", RULE],
        [RULE, "❯ 1. Yes", "no longer typed", RULE],
        [RULE],
        ["❯ x", RULE],
        ["---", "❯ x", "---"],
        [*ROUND[:4], *(f"row {number}" for number in range(20))],
    ],
)
def test_no_boxes(rows: list[str]) -> None:
    assert find_box(rows) is None


@pytest.mark.parametrize(
    ("place", "count", "rows"),
    [
        ("last", 2, RULED[-2:]),
        ("live", 80, RULED[1:]),
        ("live", 3, RULED[-3:]),
        ("box", 80, RULED[1:5]),
        ("above", 80, RULED[:1]),
        ("below", 1, RULED[5:6]),
        ("cursor", 80, ["❯ hello"]),
        ("screen", 80, RULED),
    ],
)
def test_regions(place: Place, count: int, rows: list[str]) -> None:
    view = View(Frame(["", *RULED, "", ""], 3, alternate=False))
    assert list(view.find(Region(place, count)).rows) == rows


@pytest.mark.parametrize("place", ["box", "above", "below"])
def test_regions_around_a_box_that_is_not_there(place: Place) -> None:
    assert list(View(Frame(["a", "b"], 1, alternate=False)).find(Region(place, 80)).rows) == []


def test_words_go_on_past_the_edges_of_a_box() -> None:
    view = View(Frame(["│ Do you want to  │", "│ proceed?        │"], 1, alternate=False))
    assert view.find(Region("last", 2)).flow == "Do you want to proceed?"


def test_only_the_bottom_of_a_long_text_is_looked_at() -> None:
    view = View(Frame(["x" * 10_000] * 500, 499, alternate=False))
    assert len(view.rows) == 80
    assert max(map(len, view.rows)) == 512
