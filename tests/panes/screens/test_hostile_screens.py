"""Screens made to be slow, or to be taken for what they are not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panes.screens.recordings import load_book, load_recordings
from panewatch.panes.model import Frame
from panewatch.panes.screens.pack import KINDS, STATES
from panewatch.panes.screens.trial import frame_text

PACKAGE = Path(str(resources.files("panewatch.panes.screens")))

KILLERS = {
    "spinners": "✻ Foo… (3s · esc to interrupt) " * 200,
    "menus": "❯ 1. Yes Do you want to proceed? " * 200,
    "edges": "│" * 5000,
    "rules": "─" * 5000,
    "corners": "╭╮╰╯" * 1200,
    "blanks": " " * 5000 + "x",
    "prompts": "dev@box:~$ " * 400,
    "questions": "[y/n] (yes/no)? " * 300,
    "colons": ":" * 5000,
    "numbers": "1. " * 1600,
    "unicode": "é❯⏵⏸👍" * 1000,
}


@pytest.mark.parametrize("name", KILLERS)
def test_every_screen_comes_to_an_end(name: str) -> None:
    row = KILLERS[name]
    for text in (row, "\n".join([row] * 200), "\n".join(f"{row}\n❯ {row}" for _ in range(100))):
        screen = load_book().read(frame_text(text), "", "")
        assert screen.state in STATES


ROWS = st.lists(
    st.one_of(
        st.sampled_from([row for one in load_recordings() for row in one.text.split("\n")]),
        st.text(max_size=100),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=200)
@given(rows=ROWS, cursor=st.integers(-5, 80), process=st.sampled_from(["", "claude", "less", "sh"]))
def test_any_rows_are_read(rows: list[str], cursor: int, process: str) -> None:
    frame = Frame([row.replace("\n", " ") for row in rows], cursor, alternate=True)
    screen = load_book().read(frame, process, "")
    assert screen == load_book().read(frame, process, "")
    assert (screen.state == "waiting_input") == bool(screen.kind)
    assert screen.kind in {"", *KINDS}


def find_imports() -> Iterator[str]:
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)


def test_no_text_of_a_pane_meets_an_engine_that_goes_back_and_forth() -> None:
    assert {"re", "regex", "re2"}.isdisjoint(find_imports())
