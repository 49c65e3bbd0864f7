"""No match of an expression goes without one of the words that it is said to need."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from errors.expressions import EXPRESSIONS, sample
from panewatch import linear
from panewatch.errors.literals import find_needs, find_words
from panewatch.errors.pack import load_builtin
from panewatch.errors.prefix import strip_prefix
from panewatch.errors.rule import Rule
from panewatch.errors.trial import Trial

RULES = load_builtin()


def has_word(expression: str, text: str) -> bool:
    """Tell whether the scan for words would stop at ``text``, as Hyperscan reads words."""
    words, caseless = find_words(expression)
    if not words:
        return True  # it is tried everywhere
    if caseless:
        text = re.sub("[A-Z]+", lambda found: found.group().lower(), text)
    return any(word in text for word in words)


@given(EXPRESSIONS, st.randoms(use_true_random=True))
@example(r"\Qa|b\E{2,9}", Random(0))  # noqa: S311  # a repeat is of the last letter
@settings(max_examples=400, deadline=None)
def test_what_an_expression_matches_has_one_of_its_words(expression: str, random: Random) -> None:
    pattern = linear.compile(expression)
    for text in sample(expression, random, 5):
        assert pattern.search(text) is None or has_word(expression, text), text


@given(EXPRESSIONS, st.randoms(use_true_random=True))
@settings(max_examples=400, deadline=None)
def test_what_an_expression_matches_passes_the_looks_before_it(
    expression: str, random: Random
) -> None:
    trial = Trial([Rule("one", "error", (expression,))], {0: 0})
    pattern = linear.compile(expression)
    for text in sample(expression, random, 5):
        for line in (text, f"x{text}", f"{text}x"):
            found = trial.find([0], line, line.encode())
            assert bool(found) == (pattern.search(line) is not None), line


def test_an_expression_that_is_too_large_for_a_set_is_tried_alone() -> None:
    trial = Trial([Rule("one", "error", (r"(?:\pL{2,9}\pL{2,9}){2,9}",))], {0: 0})
    assert trial.find([0], "abcdefghij", b"abcdefghij")
    assert not trial.find([0], "12345", b"12345")


def test_what_a_builtin_expression_matches_has_one_of_its_words() -> None:
    random, matches = Random(7), 0  # noqa: S311  # the same texts in every run
    for expression in (expression for rule in RULES for expression in rule.match):
        pattern = linear.compile(expression)
        for text in sample(expression, random, 5):
            if pattern.search(text) is not None:
                matches += 1
                assert has_word(expression, text), (expression, text)
    assert matches > 3000


def test_every_builtin_example_has_one_of_the_words_of_what_takes_it() -> None:
    for rule in RULES:
        for line in "\n".join(rule.examples).split("\n"):
            text = strip_prefix(line)
            for expression in rule.match:
                if linear.compile(expression).search(text) is not None:
                    assert has_word(expression, text), (rule.id, expression, text)


@pytest.mark.parametrize(
    ("expression", "begins", "more"),
    [
        ("^error: .* at line", {"error: "}, {"error: "}),
        ("^(?:foo|bar)+ .*quux", {"foo", "bar"}, {"foo", "bar"}),
        ("^a?bcd", {"abcd", "bcd"}, set()),
        (r"^\s*abc", set(), set()),
        (r"^(?:\s{2,8}|a)b", {" ", "\t", "\n", "\f", "\r", "a"}, set()),
        (r"^x[1-9]\d* errors", {f"x{digit}" for digit in range(10)}, {"x"}),
        ("(?i)^ABC.*longer", {"abc"}, {"abc"}),
        ("^(?:abc)?.", set(), set()),
    ],
)
def test_what_else_there_must_be(expression: str, begins: set[str], more: set[str]) -> None:
    needs = find_needs(expression)
    assert needs.begins == begins
    assert needs.more == more


@pytest.mark.parametrize(
    ("expression", "words", "caseless"),
    [
        ("^Killed$", {"Killed"}, False),
        ("(?i)out of MEMORY", {"out of memory"}, True),
        ("foo(?i)bar", {"foobar"}, True),
        ("(?i-s:abcd)", {"abcd"}, True),
        ("a?bcd", {"bcd", "abcd"}, False),
        ("(?:ab|cd)efg", {"abefg", "cdefg"}, False),
        ("^abc|^xyz", {"abc", "xyz"}, False),
        (r"[\\/]torch", {"\\torch", "/torch"}, False),
        ("x[[:digit:]]yz", {"yz"}, False),
        (r"\x41bcd", {"bcd"}, False),
        (r"\101bcd", {"bcd"}, False),
        (r"\p{Lu}abc", {"abc"}, False),
        (r"\Qa.b\Ec", {"a.bc"}, False),
        ("(?i)échec", {"chec"}, True),
        ("abc*", {"ab"}, False),
        ("(?:abc)*", set(), False),
        ("(?:abc)+", {"abc"}, False),
        ("ab{2}c", {"abbc"}, False),
        ("a{,3}b", {"a{,3}b"}, False),
        (".*", set(), False),
        ("abc|.", set(), False),
    ],
)
def test_words(expression: str, words: set[str], *, caseless: bool) -> None:
    assert find_words(expression) == (frozenset(words), caseless)


@pytest.mark.parametrize("expression", ["[abc", "(abc", "abc)", "*abc", "a{99999}", "\\", "[[:x:"])
def test_what_is_no_expression_raises_nothing(expression: str) -> None:
    find_words(expression)  # RE2 says what is wrong with it
