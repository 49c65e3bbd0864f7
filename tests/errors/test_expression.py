"""Rewritten expressions keep to one line, and match there what they matched before."""

from __future__ import annotations

from random import Random

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors.expressions import EXPRESSIONS, sample
from panewatch import linear
from panewatch.errors.expression import confine, is_anchored
from panewatch.errors.scanner import ExpressionError, Scanner


def find_ends(expression: str, text: str) -> list[tuple[int, int]]:
    """Return where each match of an expression begins and ends, as the scanner sees it."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_UTF8
    database.compile(
        expressions=[expression.encode()], ids=[0], elements=1,
        flags=[flags | hyperscan.HS_FLAG_SOM_LEFTMOST | hyperscan.HS_FLAG_ALLOWEMPTY],
    )  # fmt: skip
    found: list[tuple[int, int]] = []

    def note(_number: int, start: int, end: int, _flags: int, _context: object) -> None:
        found.append((start, end))

    database.scan(text.encode(), match_event_handler=note)
    return found


def compiles(expression: str) -> bool:
    try:
        find_ends(expression, "")
    except hyperscan.HyperscanError:
        return False
    return True


@given(EXPRESSIONS, st.booleans(), st.randoms(use_true_random=True))
@settings(max_examples=250, deadline=None)
def test_a_match_keeps_to_its_line(expression: str, anchored: bool, random: Random) -> None:
    confined = confine(expression, anchored=anchored)
    if not compiles(confined):
        return
    lines = sample(expression, random, 3)
    text = "\n".join(["", *lines, ""])
    encoded = text.encode()
    for start, end in find_ends(confined, text):
        assert b"\n" not in encoded[start:end], (confined, encoded[start:end])


@given(EXPRESSIONS, st.randoms(use_true_random=True), st.sampled_from(["", "12:00:01 ", "│ "]))
@settings(max_examples=250, deadline=None)
def test_what_matched_before_still_matches(expression: str, random: Random, prefix: str) -> None:
    pattern = linear.compile(expression)
    loose, strict = confine(expression, anchored=False), confine(expression)
    if not compiles(loose) or not compiles(strict):
        return
    for text in sample(expression, random, 4):
        if pattern.search(text) is not None:
            assert find_ends(strict, f"x\n{text}\ny")
            assert find_ends(loose, f"x\n{prefix}{text}\ny")


@pytest.mark.parametrize(
    ("expression", "confined", "loose"),
    [
        (r"^a\sb\S", r"^a[\t ]b\S", r"a[\t ]b\S"),
        (r"[^ab]", r"[^\nab]", r"[^\nab]"),
        (r"[^]x]", r"[^\n\]x]", r"[^\n\]x]"),
        (r"[\W_]", r"[^\n]", r"[^\n]"),
        (r"[\s,]", r"[\t ,]", r"[\t ,]"),
        (r"[[:space:]]", r"[^\n]", r"[^\n]"),
        (r"(?is)^a.b", r"(?i)^a.b", r"(?i)a.b"),
        (r"(?s:a)", r"(?:a)", r"(?:a)"),
        (r"\Aab\z", r"^ab$", r"ab$"),
        (r"\Qa.b[\E", r"a\.b\[", r"a\.b\["),
        (r"\^[\^]", r"\^[\^]", r"\^[\^]"),
        (r"x{1,40}y{0,13}z{2,12}", r"x+y*z{2,12}", r"x+y*z{2,12}"),
        (r"x{2,}y{0,}z{3}", r"x+y*z{3}", r"x+y*z{3}"),
        (r"a\x0ab\012", r"a[^\n]b[^\n]", r"a[^\n]b[^\n]"),
    ],
)
def test_rewritten(expression: str, confined: str, loose: str) -> None:
    assert confine(expression) == confined
    assert confine(expression, anchored=False) == loose


@pytest.mark.parametrize(
    ("expression", "anchored"),
    [
        ("^abc", True),
        (r"\Aabc", True),
        ("(?i)^abc", True),
        ("^(?:a|b)", True),
        (r"^a\|b", True),
        ("^a[|]b", True),
        ("^(?P<name>a|b)c", True),
        ("abc", False),
        ("^a|b", False),
        ("(?:^| )a", False),
        ("a^", False),
    ],
)
def test_anchored(expression: str, *, anchored: bool) -> None:
    assert is_anchored(expression) is anchored


@given(st.text(alphabet="ab1. é❯\U0001f600", min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_wildcard_is_one_character_whatever_its_bytes(text: str) -> None:
    scanner = Scanner({}, [(confine(f"x{'.' * len(text)}y"), 0)])
    assert scanner.scan(f"\nx{text}y".encode()) == {1: {0}}


def test_the_expression_that_cannot_be_compiled_is_named() -> None:
    with pytest.raises(ExpressionError) as raised:
        Scanner({}, [("fine", 5), ("(broken", 6), ("good", 7)])
    assert raised.value.number == 6


def test_lines_are_told_apart() -> None:
    scanner = Scanner({("Killed", False): [3], ("error", True): [1, 2]}, [("^a.c$", 9)])
    text = "\nKilled\nabc\nan ErRoR\nkilled\nabcd\nKilled error"
    found = scanner.scan(text.encode())
    assert found == {1: {3}, 2: {9}, 3: {1, 2}, 6: {1, 2, 3}}
    assert not scanner.scan(b"")
