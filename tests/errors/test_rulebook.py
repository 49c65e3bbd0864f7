"""The built-in rules as data and through the engine, and the rulebook itself."""

from __future__ import annotations

import threading
from importlib import resources
from pathlib import Path
from random import Random

import pytest

from errors.expressions import sample
from errors.panes import make_rule
from panewatch.errors import pack
from panewatch.errors.choice import choose
from panewatch.errors.examples import check_counterexamples, check_examples
from panewatch.errors.rule import ANY, CATEGORIES, FRICTIONS, KINDS, SEVERITIES
from panewatch.errors.rulebook import Rulebook

RULES = pack.load_builtin()
PACKS = sorted(
    Path(str(file))
    for file in (resources.files("panewatch.errors") / "packs").iterdir()
    if file.name.endswith(".yaml")
)


def test_there_are_enough_rules_of_every_kind() -> None:
    assert len(RULES) >= 150
    assert {rule.kind for rule in RULES} == set(KINDS)
    assert {rule.category for rule in RULES if rule.kind == "error"} >= set(CATEGORIES) - {"other"}


def test_ids_are_unique_and_references_known() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert [str(problem) for problem in pack.check_together(RULES)] == []


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.name)
def test_a_builtin_pack_is_read_as_strictly_as_the_users(path: Path) -> None:
    strict = pack.load_file(str(path))
    quick = [rule for rule in RULES if rule.origin == path.name]
    assert [rule.id for rule in strict] == [rule.id for rule in quick]
    assert [rule.match for rule in strict] == [rule.match for rule in quick]
    assert [rule.examples for rule in strict] == [rule.examples for rule in quick]


def test_every_builtin_rule_says_what_it_has_to() -> None:
    for rule in RULES:
        assert rule.category in CATEGORIES
        assert not list(pack.find_mistakes(rule)), rule.id
        if rule.kind == "error":
            assert rule.severity in SEVERITIES
            assert len(rule.suggestion) > 10, rule.id
            assert rule.counterexamples or not rule.match, rule.id
        if rule.kind == "success":
            assert rule.resolves <= {*CATEGORIES, ANY}
            assert rule.resolves
        if rule.kind == "friction":
            assert rule.friction in FRICTIONS


def test_every_builtin_rule_takes_its_examples_and_no_counterexample(rulebook: Rulebook) -> None:
    assert [str(problem) for problem in check_examples(rulebook, rulebook.rules)] == []
    assert [str(problem) for problem in check_counterexamples(rulebook, rulebook.rules)] == []


def test_examples_are_found_as_they_are_taken(rulebook: Rulebook) -> None:
    """Choosing lines by words loses none that a rule takes when it is asked alone."""
    for rule in RULES:
        own = rulebook.by_id[rule.id]
        for line in (line for example in rule.examples for line in example.split("\n")):
            found = rulebook.find([line])
            taken = rulebook.takes(own, line)
            by_scan = bool(found) and own in found[0].rules
            # Noise has to be found only where there is something to take a line from.
            assert by_scan == taken or (taken and own.kind == "noise" and not found), line


def test_what_a_rule_takes_is_found(rulebook: Rulebook) -> None:
    """The words that lines are chosen by, and the whole of the scan, lose no match."""
    random, matches = Random(11), 0  # noqa: S311  # the same texts in every run
    for rule in rulebook.rules:
        texts = [text for expression in rule.match for text in sample(expression, random, 3)]
        found = rulebook.find(texts)
        for index, text in enumerate(texts):
            if rulebook.takes(rule, text):
                matches += 1
                taken = found[index].rules if index in found else ()
                assert rule in taken or (rule.kind == "noise" and not taken), (rule.id, text)
    assert matches > 2000


def test_examples_are_found_behind_prefixes_and_in_any_block(rulebook: Rulebook) -> None:
    examples = [
        (rule, example)
        for rule in RULES
        if rule.kind == "error" and not rule.until
        for example in rule.examples[:1]
        if "\n" not in example
    ]
    block: list[str] = []
    for _, example in examples:
        block += ["plain text", f"2024-01-01T12:00:00.123Z {example}"]
    found = rulebook.find(block)
    for index, (rule, example) in enumerate(examples):
        alone = rulebook.find([example])
        ids = {one.id for one in found[2 * index + 1].rules}
        assert ids == {one.id for one in alone[0].rules}, example
        assert rule.id in ids


def test_threads_may_share_a_rulebook(rulebook: Rulebook) -> None:
    lines = [f"{n}: ModuleNotFoundError cannot be found, Killed, error" for n in range(3000)]
    expected = {index: line.rules for index, line in rulebook.find(lines).items()}
    wrong: list[object] = []

    def look() -> None:
        try:
            for _ in range(10):
                found = {index: line.rules for index, line in rulebook.find(lines).items()}
                if found != expected:
                    wrong.append(found)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test tells
            wrong.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ({"priority": 1}, {}, "first"),
        ({}, {"priority": 1}, "second"),
        ({"severity": "P2"}, {"severity": "P0"}, "second"),
        ({"severity": "P0"}, {"kind": "noise"}, "second"),
        ({"severity": "P0", "priority": 5}, {"kind": "noise"}, "first"),
        ({"supersedes": frozenset({"second"}), "severity": "P2"}, {"severity": "P0"}, "first"),
        ({"supersedes": frozenset({"second"})}, {"supersedes": frozenset({"first"})}, "first"),
        ({"kind": "success"}, {}, "second"),
        ({"kind": "friction"}, {"kind": "success"}, "first"),
        ({}, {}, "first"),
    ],
)
def test_who_wins(first: dict[str, object], second: dict[str, object], winner: str) -> None:
    book = Rulebook(
        [
            make_rule("first", "^frobnicate", **first),
            make_rule("second", "frobnicate", **second),
        ]
    )
    chosen, losers = choose(book.find(["frobnicate"])[0].rules)
    assert chosen.id == winner
    assert [loser.id for loser in losers] == [{"first": "second", "second": "first"}[winner]]


def test_unless_is_about_the_same_line() -> None:
    book = Rulebook([make_rule("one", "frobnicate", unless=("retry", "^again"))])
    found = book.find(["frobnicate", "frobnicate: retry", "again frobnicate", "no frobnicate"])
    assert [index for index, line in found.items() if line.rules] == [0, 3]


def test_severities_are_overridden() -> None:
    book = Rulebook([make_rule("one", "frobnicate", severity="P0")], {"one": "P2"})
    assert book.by_id["one"].severity == "P2"
    assert book.kinds == (("P2", "other"),)


def test_expressions_with_any_syntax_are_found() -> None:
    lines = {
        r"site-packages[\\/]torch": r"C:\site-packages\torch",
        "x[[:digit:]]yzzy": "x1yzzy",
        r"\x41bcdef": "Abcdef",
        r"frob(?i)nicate": "frobNICATE",
        "(?i)échec du build": "ÉCHEC DU BUILD",
        r"^\Qa.b[\Ecde": "a.b[cde",
        r"\p{Lu}xyzzy": "Éxyzzy",
        r"\Aplugh\z": "plugh",
        "^ab.cd.e$": "abécd❯e",
        r"(?s)^fee.fie": "fee fie",
    }
    book = Rulebook([make_rule(f"r{n}", match) for n, match in enumerate(lines)])
    found = book.find(["", *lines.values()])
    for index, line in enumerate(lines.values(), start=1):
        assert [rule.id for rule in found[index].rules] == [f"r{index - 1}"], line


def test_lines_of_no_meaning_cost_nothing(rulebook: Rulebook) -> None:
    assert rulebook.find([]) == {}
    assert rulebook.find(["", "epoch 3 of 10", "all is well"]) == {}


def test_what_is_no_text_is_looked_at_too(rulebook: Rulebook) -> None:
    found = rulebook.find(
        ["Killed \udc80: No space left on device \ud800", "\x00", "\U0001f600" * 50]
    )
    assert list(found) == [0]


def test_of_a_long_line_that_many_rules_come_near_the_best_are_tried() -> None:
    many = [make_rule(f"rule-{n}", f"word-{n}\\b", severity="P1") for n in range(100)]
    book = Rulebook([*many, make_rule("worst", "blocked here", severity="P0")])
    words = " ".join(f"word-{n}" for n in range(100))
    (short,) = book.find([f"{words} blocked here"[-900:]]).values()
    assert len(short.rules) > 24
    (long,) = book.find([f"{words} {'x' * 1000} blocked here"]).values()
    assert 1 < len(long.rules) <= 24
    assert long.rules[0].id == "worst"
