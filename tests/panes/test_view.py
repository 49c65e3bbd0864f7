"""Which rows of a pane are new since an earlier look."""

from __future__ import annotations

from panewatch.panes.view import Baseline, View, parse_view

NUMBERS = "%0 10 11 12 0 0 0 0 {alternate} {history} {x} {y} 80 {height} bash"


def view(
    *rows: str, history: int = 0, cursor: tuple[int, int] = (0, 0), alternate: int = 0
) -> View:
    header = NUMBERS.format(
        alternate=alternate, history=history, x=cursor[0], y=cursor[1], height=len(rows)
    )
    found = parse_view("\n".join([header, *rows, ""]))
    assert found is not None
    return found


def fresh(old: View, *later: View) -> list[str]:
    """Give the rows of the last view that are new since ``old``, without empty ones."""
    baseline = Baseline(old)
    for look in later:
        baseline.follow(look)
    last = later[-1]
    return [row for y, row in enumerate(last.rows) if row and not baseline.has(last, y)]


class TestView:
    def test_a_pane_that_is_not_there(self) -> None:
        assert parse_view(" 10 11            \n") is None

    def test_rows_that_look_like_a_header(self) -> None:
        forged = NUMBERS.format(alternate=1, history=9, x=0, y=0, height=1)
        assert view(forged, "x").rows == (forged, "x")

    def test_rows_below_the_last_are_empty(self) -> None:
        header = NUMBERS.format(alternate=0, history=0, x=0, y=0, height=3)
        found = parse_view(f"{header}\na\n")
        assert found is not None
        assert found.rows == ("a", "", "")

    def test_why_keys_would_go_astray(self) -> None:
        flags = {"0 0 0": "", "1 0 0": "copy mode", "0 1 0": "input", "0 0 1": "other panes"}
        for numbers, why in flags.items():
            found = parse_view(f"%0 10 11 12 0 {numbers} 0 0 0 0 80 1 bash\n\n")
            assert found is not None
            assert why in found.blocked
            assert bool(found.blocked) == bool(why)

    def test_the_text_left_of_the_cursor_is_counted_in_cells(self) -> None:
        assert view("ab$  right", cursor=(4, 0)).before_cursor == "ab$ "
        assert view("日本$", cursor=(6, 0)).before_cursor == "日本$ "
        assert view("日本$ x", cursor=(4, 0)).before_cursor == "日本"
        assert view("", cursor=(2, 0)).before_cursor == "  "

    def test_live_rows_are_the_lowest_that_are_drawn(self) -> None:
        shown = view(*map(str, range(15)), "", "", cursor=(0, 14))
        assert list(shown.live()) == [14, 13, 12, 11, 10, 9, 8, 7, 6, 5]
        assert list(view("a", "", "b", "", cursor=(0, 3)).live()) == [3, 2, 0]


class TestBaseline:
    def test_a_row_is_known_however_far_it_scrolls(self) -> None:
        old = view("a", "$", "", history=5)
        assert fresh(old, view("$", "out", "$", history=6)) == ["out", "$"]

    def test_a_row_that_changed_is_new_and_so_it_is_when_it_is_back(self) -> None:
        old = view("❯", "footer")
        assert fresh(old, view("❯ go", "footer")) == ["❯ go"]
        assert fresh(old, view("❯ go", "footer"), view("❯", "footer")) == ["❯"]

    def test_history_that_tmux_throws_away_makes_no_row_new(self) -> None:
        old = view("one", "two", "$", "", history=100)
        assert fresh(old, view("one", "two", "$", "x", history=90)) == ["x"]
        assert fresh(old, view("one", "two", "$ go", "$", history=90)) == ["$ go", "$"]
        assert fresh(old, view("two", "$", "x", "$", history=91)) == ["x", "$"]
        assert fresh(old, view("one", "two", "$", "", history=0)) == []
        assert fresh(old, view("w", "x", "y", "$", history=95)) == ["w", "x", "y", "$"]

    def test_a_cleared_pane_is_new(self) -> None:
        assert fresh(view("$ clear", "", history=3), view("$", "", history=0)) == ["$"]

    def test_the_alternate_screen_has_rows_of_its_own(self) -> None:
        old = view("$", "x", history=3)
        inside = view("$", "y", history=3, alternate=1)
        assert fresh(old, inside) == ["$", "y"]
        assert fresh(old, inside, view("$", "x", "z", history=3)) == ["z"]
