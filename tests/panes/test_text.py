"""Text from a terminal: nothing that steers survives, widths are those of tmux's grid."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.panes.text import clean, clean_label, count_rows, sign

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_nothing_that_steers_a_terminal_survives(text: str) -> None:
    cleaned = clean(text)
    assert not {unicodedata.category(character) for character in cleaned} & STEERING
    assert clean(cleaned) == cleaned
    assert len(cleaned) <= len(text)
    cleaned.encode()


@given(st.text(st.characters(categories=("L", "N", "P", "S", "M"))))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\tb", "a b"),
        ("a\x1b[31mb", "a[31mb"),
        ("a\x9b31mb\x00", "a31mb"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("a\u2028b\u00a0c", "a b c"),
        ("lone \ud800", "lone \ufffd"),
        ("\U000e0041 tag", " tag"),
        ("e\u0301 漢 שלום", "e\u0301 漢 שלום"),
    ],
)
def test_known_cases(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(ANY_TEXT, st.integers(2, 40))
def test_a_label_is_short_and_stripped(text: str, limit: int) -> None:
    label = clean_label(text, limit)
    assert len(label) <= limit
    assert label == label.lstrip()
    assert "\n" not in label


@given(ANY_TEXT, st.integers(1, 200))
def test_rows_are_at_least_one_and_never_more_than_cells_allow(text: str, width: int) -> None:
    rows = count_rows(text, width)
    assert 1 <= rows <= max(1, 2 * len(text))


@given(st.text(st.characters(max_codepoint=126, min_codepoint=32)), st.integers(1, 200))
def test_rows_of_plain_text(text: str, width: int) -> None:
    assert count_rows(text, width) == max(1, -(-len(text) // width))


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("", 80, 1),
        ("漢" * 15, 31, 1),
        ("漢" * 16, 31, 2),
        ("漢" * 46, 31, 4),
        ("a" * 30 + "漢" + "b" * 29, 31, 2),
        ("a" * 30 + "漢" + "b" * 30, 31, 3),
        ("e\u0301" * 31, 31, 1),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467" * 20, 31, 2),
        ("\U0001f1e9\U0001f1ea" * 20, 31, 2),
    ],
    ids=["blank", "full", "over", "left-over", "edge", "edge-over", "accents", "family", "flags"],
)
def test_wide_characters_do_not_part(text: str, width: int, rows: int) -> None:
    assert count_rows(text, width) == rows


@given(ANY_TEXT)
def test_a_sign_is_made_of_letters(text: str) -> None:
    letters = sign(text)
    assert sign(letters) == letters
    assert letters == "" or letters.isalpha()


def test_a_counter_does_not_change_the_sign() -> None:
    assert sign("✶ Kneading… (1s · ↑ 0.1k tokens)") == sign("✢ Kneading… (62s · ↑ 9.3k tokens)")
    assert sign("Epoch 1:  10%|█   | 3/10") == sign("Epoch 2: 100%|████| 10/10")
    assert sign("ERROR: disk full") != sign("ERROR: disk fault")
