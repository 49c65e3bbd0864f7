"""The user's rules: what is wrong with them is named, and what is right is used."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from panewatch.config import Config, ErrorsSettings
from panewatch.errors import diagnose, loading
from panewatch.errors.loading import build_rulebook
from panewatch.errors.pack import RulesError, load_builtin, load_file
from panewatch.errors.rulebook import Rulebook


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the built-in packs read once for all of these tests."""
    monkeypatch.setattr(loading, "load_builtin", BUILTIN)


BUILTIN = cache(load_builtin)

GOOD: dict[str, object] = {
    "id": "own-rule",
    "match": "^frobnicator (?:exploded|melted)",
    "suggestion": "Buy another one.",
    "examples": ["frobnicator exploded"],
    "counterexamples": ["the frobnicator exploded, they say"],
}


def write(folder: Path, *rules: dict[str, object], name: str = "own.yaml") -> str:
    """Write a pack with each key on a line of its own: the first rule begins on line 2."""
    lines = ["rules:"]
    for rule in rules:
        pairs = [f"{key}: {json.dumps(value)}" for key, value in rule.items()]
        lines += [f"  - {pairs[0]}", *(f"    {pair}" for pair in pairs[1:])]
    file = folder / name
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def complain(path: str, **settings: object) -> list[str]:
    """Return what is said of a pack, without the folder's name."""
    folder = str(Path(path).parent)
    with pytest.raises(RulesError) as raised:
        load(path, **settings)
    return [str(problem).replace(f"{folder}/", "") for problem in raised.value.problems]


def load(path: str, **settings: object) -> Rulebook:
    return build_rulebook(ErrorsSettings.model_validate({"packs": [path], **settings}))


def test_a_good_pack_is_used_besides_the_builtin_ones(tmp_path: Path) -> None:
    book = load(write(tmp_path, GOOD))
    (line,) = book.find(["frobnicator melted"]).values()
    assert [rule.id for rule in line.rules] == ["own-rule"]
    assert len(book.rules) > 150


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"severty": "P0"},
         "own.yaml:7: own-rule.severty: unknown key; did you mean `severity`? allowed: id,"),
        ({"severity": "P9"}, "own.yaml:7: own-rule.severity: must be one of P0, P1, P2"),
        ({"category": "disk"}, "own.yaml:7: own-rule.category: must be one of dependency,"),
        ({"kind": "fault"}, "own.yaml:7: own-rule.kind: must be error, noise, success or friction"),
        ({"id": "Own Rule"}, "own.yaml:2: rules[0].id: must be a name of small letters"),
        ({"match": 5}, "own.yaml:3: own-rule.match: must be text, or a list of texts"),
        ({"match": []}, "own.yaml:3: own-rule.match: is missing; give text"),
        ({"match": "^a+"}, "own.yaml:3: own-rule.match: `^a+` needs 3 characters"),
        (
            {"match": "^frobnicator [abc"},
            ("own.yaml:3: own-rule.match: `^frobnicator [abc` is no regular expression"
            " of RE2: missing ]: [abc"),
        ),
        (
            {"match": ["^frobnicator exploded", "(?=frobnicator)"]},
            ("own.yaml:3: own-rule.match: `(?=frobnicator)` is no regular expression"
            " of RE2: invalid perl operator: (?="),
        ),
        ({"match": r"(frobnicator) \1"}, "own.yaml:3: own-rule.match: `(frobnicator)"),
        ({"unless": "(a"}, "own.yaml:7: own-rule.unless: `(a` is no regular expression"),
        ({"until": "*"}, "own.yaml:7: own-rule.until: `*` is no regular expression"),
        ({"suggestion": ""}, "own.yaml:4: own-rule.suggestion: is missing: say what"),
        ({"kind": "success"}, "own.yaml:2: own-rule.resolves: is missing: give the"),
        (
            {"kind": "success", "resolves": ["disk"]},
            "own.yaml:8: own-rule.resolves: `disk` is no category; one of",
        ),
        ({"kind": "friction"}, "own.yaml:2: own-rule.friction: is missing; give one of"),
        ({"examples": []}, "own.yaml:5: own-rule.examples: is missing; give text, or"),
        ({"statuses": 0}, "own.yaml:7: own-rule.statuses[0]: must be a whole number from 1 to"),
        ({"statuses": [1, 256]}, "own.yaml:7: own-rule.statuses[1]: must be a whole number from 1"),
        ({"statuses": "all"}, "own.yaml:7: own-rule.statuses: must be a whole number from 1 to"),
        (
            {"kind": "noise", "statuses": 3},
            "own.yaml:8: own-rule.statuses: is for errors: other rules take lines only",
        ),
        ({"lasted": -1}, "own.yaml:7: own-rule.lasted: must be a number of seconds, 0 or more"),
        ({"lasted": 5}, "own.yaml:7: own-rule.lasted: is for rules that have statuses"),
        ({"examples": "oops"}, "own.yaml:2: own-rule: does not take its example 'oops'"),
        (
            {"counterexamples": ["frobnicator melted"]},
            "own.yaml:2: own-rule: takes its counterexample 'frobnicator melted'",
        ),
        ({"supersedes": ["nosuch"]}, "own.yaml:2: own-rule: supersedes names `nosuch`, which is"),
        ({"joins": ["nosuch"]}, "own.yaml:2: own-rule: joins names `nosuch`, which is no rule"),
        ({"priority": 1000}, "own.yaml:7: own-rule.priority: must be a whole number from -100 to"),
        ({"priority": 1.5}, "own.yaml:7: own-rule.priority: must be a whole number from -100 to"),
        (
            {"id": "process-killed"},
            "own.yaml:2: process-killed: is the id of a rule of process.yaml too",
        ),
    ],
)  # fmt: skip
def test_mistakes(change: dict[str, object], problem: str, tmp_path: Path) -> None:
    told = complain(write(tmp_path, GOOD | change))
    assert len(told) == 1
    assert told[0].startswith(problem)


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, {"match": "x", "kind": "y"}, GOOD | {"id": "a b", "severity": 3})
    assert [line.partition(":")[2].partition(": must")[0] for line in complain(path)] == [
        "7: rules[1].id: is missing; give a name of small letters, digits and `-`, at most 64",
        "8: rules[1].kind",
        "9: rules[2].id",
        "14: rules[2].severity",
    ]


def test_what_is_wrong_with_some_rules_hides_nothing_of_the_others(tmp_path: Path) -> None:
    first = write(
        tmp_path,
        GOOD | {"severity": "P9"},
        GOOD | {"id": "no-suggestion", "match": "^wobbler fell", "suggestion": "",
                "examples": "wobbler fell"},
        GOOD | {"id": "lost", "match": "^Killed$", "examples": ["Killed", "nothing"],
                "supersedes": ["own-rule"]},
        name="first.yaml",
    )  # fmt: skip
    second = write(tmp_path, GOOD | {"id": "lost", "match": "^lost and found"}, name="second.yaml")
    missing = str(tmp_path / "missing.yaml")
    packs = (first, second, missing)
    with pytest.raises(RulesError) as raised:
        build_rulebook(ErrorsSettings(packs=packs, severity={"no-suggestoin": "P0"}))
    told = [str(problem).replace(f"{tmp_path}/", "") for problem in raised.value.problems]
    assert [line.partition(" must")[0].partition(" is")[0] for line in told] == [
        "first.yaml:7: own-rule.severity:",
        "first.yaml:10: no-suggestion.suggestion:",
        "missing.yaml: cannot be read: No such file or directory",
        "second.yaml:2: lost:",
        "errors.severity.no-suggestoin:",
        (
            "first.yaml:13: lost: does not take its example 'Killed': `process-killed` does "
            "(less severe); name that in supersedes, or give a higher priority than 0"
        ),
        "first.yaml:13: lost: does not take its example 'nothing': no expression matches it",
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"unless": "exploded"}, "an expression of unless spares it"),
        ({"match": "^12:00:00 frobnicator", "examples": "12:00:00 frobnicator exploded"},
         "no expression matches what is left without its prefix, 'frobnicator exploded'"),
        ({"kind": "noise", "match": "^melted"}, "no expression matches it"),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_take_its_example_is_told_why(
    change: dict[str, object], why: str, tmp_path: Path
) -> None:
    (told,) = complain(write(tmp_path, GOOD | change))
    assert told.endswith(f": {why}")


def test_an_id_that_is_there_twice(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, GOOD)
    assert complain(path) == [f"own.yaml:7: own-rule: is the id of a rule of {'own.yaml'} too"]
    other = write(tmp_path, GOOD, name="other.yaml")
    with pytest.raises(RulesError, match=r"other\.yaml:2: own-rule: is the id of a rule of"):
        build_rulebook(ErrorsSettings(packs=(write(tmp_path, GOOD), other)))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "must be a file with one key, `rules`: a list of rules"),
        ("[]", "must be a file with one key, `rules`: a list of rules"),
        ("rules: 3", "rules: must be a file with one key, `rules`: a list of rules"),
        ("rules: [3]", "rules[0]: must be a rule, with the keys id, kind, match, category"),
        ("rulse: []", "rulse: unknown key; did you mean `rules`? allowed: rules"),
        ("rules: [{", "not YAML"),
        ("rules: []\nrules: []", "rules"),
        ("rules: \x00", "character U+0000 is not allowed"),
    ],
)
def test_files_that_are_no_packs(content: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(content)
    assert any(problem in line for line in complain(str(file)))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert complain(str(tmp_path / "nosuch.yaml")) == [
        "nosuch.yaml: cannot be read: No such file or directory"
    ]
    (tmp_path / "folder").mkdir()
    (told,) = complain(str(tmp_path / "folder"))
    assert "it is a directory" in told


def test_a_builtin_rule_may_have_another_severity(tmp_path: Path) -> None:
    book = load(write(tmp_path, GOOD), severity={"process-killed": "P2", "own-rule": "P0"})
    assert book.by_id["process-killed"].severity == "P2"
    assert book.by_id["own-rule"].severity == "P0"


@pytest.mark.parametrize("kind", ["error", "noise"])
def test_a_rule_may_be_off_the_users_own_too(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD | {"kind": kind})
    book = load(path, severity={"process-killed": "off", "own-rule": "off"})
    assert {"process-killed", "own-rule"}.isdisjoint(book.by_id)
    assert not [line for line in book.find(["Killed", "frobnicator melted"]).values() if line.rules]


def test_a_severity_for_a_rule_that_is_not_there(tmp_path: Path) -> None:
    assert complain(write(tmp_path, GOOD), severity={"own-rules": "P0", "xyzzy": "off"}) == [
        "errors.severity.own-rules: is no rule; did you mean `own-rule`?",
        "errors.severity.xyzzy: is no rule",
    ]


def test_every_kind_of_rule_can_be_written(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        GOOD | {"until": "^\\S", "unless": "calmly", "supersedes": "process-killed",
                "joins": ["any", "build"], "priority": 5},
        GOOD | {"id": "calm", "kind": "noise", "match": "^frobnicator hums",
                "examples": "frobnicator hums without error"},
        GOOD | {"id": "done", "kind": "success", "resolves": "any", "match": "^frobnicated",
                "examples": "frobnicated"},
        GOOD | {"id": "slow", "kind": "friction", "friction": "retry", "match": "^refrobnicating",
                "examples": "refrobnicating"},
    )  # fmt: skip
    rules = load_file(path)
    assert [rule.kind for rule in rules] == ["error", "noise", "success", "friction"]
    assert [rule.at for rule in rules] == sorted({rule.at for rule in rules})
    assert "own-rule" in load(path).by_id


def test_diagnose_tells_the_same(tmp_path: Path) -> None:
    (finding,) = diagnose.diagnose(Config())
    assert finding.ok
    assert "rules in use" in finding.detail
    path = write(tmp_path, GOOD | {"match": "(frobnicator"})
    config = Config.model_validate({"errors": {"packs": [path]}})
    (finding,) = diagnose.diagnose(config)
    assert not finding.ok
    assert "missing )" in finding.detail
