"""The user's packs: what is wrong with them is named, and what is right is used."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from panewatch.cli import main
from panewatch.config import PanesSettings
from panewatch.panes.screens import ScreenBook, ScreensError, load_screens, packfile, page
from panewatch.panes.screens.region import PLACES
from panewatch.panes.screens.trial import frame_text

GOOD = """\
id: frobnicator
title: the frobnicator
processes: [frob]
signs:
  - in: last 3
    match: '^frob v\\d'
markers:
  - state: waiting_input
    kind: question
    in: cursor
    match: '^frob\\? $|^frob\\?$'
  - state: working
    in: last 2
    says: [frobnicating]
examples:
  - name: it asks
    state: waiting_input
    kind: question
    source: seen here
    date: 2026-11-22
    screen: |
      frob v1
      frob?
counterexamples:
  - name: its name only
    source: seen here
    date: 2026-11-22
    screen: frob version
"""


def write(folder: Path, text: str, name: str = "own.yaml") -> str:
    file = folder / name
    file.write_text(text, encoding="utf8")
    return str(file)


def load(*paths: str) -> ScreenBook:
    return load_screens(PanesSettings.model_validate({"screens": {"packs": list(paths)}}))


def complain(*paths: str) -> list[str]:
    """Return what is said of packs, without the folder's name."""
    with pytest.raises(ScreensError) as raised:
        load(*paths)
    folder = str(Path(paths[0]).parent)
    return [str(problem).replace(f"{folder}/", "") for problem in raised.value.problems]


def test_a_good_pack_is_used_besides_ours(tmp_path: Path) -> None:
    book = load(write(tmp_path, GOOD))
    asks = frame_text("frob v1\nfrob?")
    assert book.read(asks, "", "").kind == "question"
    assert book.read(frame_text("now frobnicating"), "frob", "").state == "working"
    assert book.read(frame_text("dev@box:~$ "), "bash", "").program == "shell"


def test_a_pack_with_the_id_of_ours_takes_its_place(tmp_path: Path) -> None:
    own = write(tmp_path, GOOD.replace("id: frobnicator", "id: claude"))
    assert [pack.title for pack in load(own).packs if pack.id == "claude"] == ["the frobnicator"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title:", "titel:", "own.yaml:2: titel (frobnicator): unknown key; allowed: id, title,"),
        ("title: the frobnicator\n", "", "own.yaml:1: title (frobnicator): is missing; give text"),
        ("id: frobnicator", "id: Frob", "own.yaml:1: id (Frob): must be a name of small letters"),
        ("in: cursor", "in: nowhere", "own.yaml:10: markers[0].in (frobnicator): must be one of"),
        ("in: last 2", "in: last 900", "own.yaml:13: markers[1].in (frobnicator): must be one of"),
        ("state: working", "state: busy", "own.yaml:12: markers[1].state (frobnicator): must be"),
        ("    kind: question\n    in: cursor", "    in: cursor",
         "own.yaml:8: markers[0] (frobnicator): kind must be one of permission, question,"),
        ("    says: [frobnicating]\n", "",
         "own.yaml:12: markers[1] (frobnicator): needs `match`, `says` or both"),
        ("match: '^frob v\\d'", "match: '^frob ['",
         "own.yaml:6: signs[0].match[0] (frobnicator): `^frob [` is no regular expression of RE2"),
        ("match: '^frob v\\d'", "matches: '^frob'",
         "own.yaml:6: signs[0].matches (frobnicator): unknown key; allowed: in, match, says,"),
        ("date: 2026-11-22\n    screen: |", "date: soon\n    screen: |",
         "own.yaml:20: examples[0].date (frobnicator): must be a day such as 2026-08-19"),
        ("      frob?\n", "      frob!\n",
         "own.yaml:16: frobnicator: it asks: must mean waiting_input question of frobnicator"),
        ("screen: frob version", "screen: |\n      frob v2\n      frob?",
         "own.yaml:25: frobnicator: its name only: is a counterexample, and is taken for this"),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    problems = complain(write(tmp_path, GOOD.replace(old, new)))
    assert any(problem.startswith(told) for problem in problems), problems


@pytest.mark.parametrize("text", ["", "[]", "frob", "- id: x"])
def test_what_is_no_pack_at_all(tmp_path: Path, text: str) -> None:
    (problem,) = complain(write(tmp_path, text))
    assert "must be a file of keys: id, title," in problem


def test_every_pack_is_checked_before_any_is_refused(tmp_path: Path) -> None:
    one = write(tmp_path, GOOD.replace("title:", "titel:"), "one.yaml")
    two = write(tmp_path, "id: [", "two.yaml")
    files = {problem.partition(":")[0] for problem in complain(one, two, f"{tmp_path}/no.yaml")}
    assert files == {"one.yaml", "two.yaml", "no.yaml"}


def test_an_id_that_two_packs_have(tmp_path: Path) -> None:
    paths = [write(tmp_path, GOOD, name) for name in ("one.yaml", "two.yaml")]
    (problem,) = complain(*paths)
    assert problem.startswith("two.yaml:1: id: `frobnicator` is the id of the pack")


def test_check_config_reads_packs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write(tmp_path, GOOD.replace("state: working", "state: busy"))
    config = write(tmp_path, yaml.safe_dump({"panes": {"screens": {"packs": [pack]}}}), "c.yaml")
    assert main(["check-config", config]) == 2
    assert "own.yaml:12: markers[1].state (frobnicator)" in capsys.readouterr().err
    write(tmp_path, GOOD)
    assert main(["check-config", config]) == 0


def test_the_pack_of_the_page_works(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "screens.md").read_text("utf-8")
    (pack,) = (part for part in text.split("```yaml\n") if part.startswith("id: "))
    book = load(write(tmp_path, pack.partition("```")[0]))
    assert book.packs[-1].agent == "mybot"


def test_every_key_has_a_meaning_on_the_page() -> None:
    for section, keys in (
        (packfile._Pack, page.KEYS),
        (packfile._Marker, page.MARKER_KEYS),
        (packfile._Example, {**page.EXAMPLE_KEYS, "kind": "", "jobs": "", "tasks": ""}),
    ):
        assert {field.alias or key for key, field in section.model_fields.items()} == set(keys)
    assert set(page.REGIONS) == set(PLACES)
