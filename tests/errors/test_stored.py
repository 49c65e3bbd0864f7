"""Compiled rules that are kept on disk save time, and can do no harm."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from errors.panes import make_rule
from panewatch.errors import stored
from panewatch.errors.literals import find_needs
from panewatch.errors.rulebook import Rulebook
from panewatch.errors.scanner import Scanner


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each database that is compiled."""
    counted: list[int] = []
    fetch = stored.fetch

    def count(texts: list[bytes], flags: list[int], compile_: Callable[[], object]) -> object:
        def note() -> object:
            counted.append(1)
            return compile_()

        return fetch(texts, flags, note)  # type: ignore[arg-type]

    monkeypatch.setattr(stored, "fetch", count)
    return counted


def works() -> bool:
    scanner = Scanner({("frobnicate", False): [1]}, [("^plugh[0-9]$", 2)])
    return scanner.scan(b"frobnicate\nplugh7") == {0: {1}, 1: {2}}


def find_kept(home: Path) -> list[Path]:
    return sorted((home / ".cache" / "panewatch").iterdir())


def test_what_was_compiled_is_kept_for_the_next_time(home: Path, compilations: list[int]) -> None:
    assert works()
    assert len(compilations) == 1
    kept = find_kept(home)
    assert [file.suffix for file in kept] == [".hsdb"]
    assert all(file.stat().st_mode & 0o077 == 0 for file in kept)
    assert (home / ".cache" / "panewatch").stat().st_mode & 0o077 == 0
    assert works()
    assert len(compilations) == 1
    assert find_kept(home) == kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: b"\0" * len(content),
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content[:32],
        lambda content: content[:40] + b"\xff" + content[41:],
        lambda _: os.urandom(10),
    ],
    ids=["empty", "nul", "cut", "longer", "no-body", "flipped", "garbage"],
)
def test_a_damaged_file_is_compiled_anew(
    damage: Callable[[bytes], bytes], home: Path, compilations: list[int]
) -> None:
    assert works()
    whole = [file.read_bytes() for file in find_kept(home)]
    for file in find_kept(home):
        file.write_bytes(damage(file.read_bytes()))
    assert works()
    assert len(compilations) == 2
    assert [file.read_bytes() for file in find_kept(home)] == whole


@pytest.mark.parametrize("content", [b"", b"\0" * 400], ids=["empty", "nul"])
def test_words_are_kept_too(content: bytes, home: Path) -> None:
    expressions = ["^frobnicate [0-9]+$", "(?i)plugh|xyzzy"]
    expected = list(map(find_needs, expressions))
    assert stored.fetch_needs(expressions) == expected
    (kept,) = find_kept(home)
    assert kept.suffix == ".needs"
    assert stored.fetch_needs(expressions) == expected
    whole = kept.read_bytes()
    kept.write_bytes(content)
    assert stored.fetch_needs(expressions) == expected
    assert kept.read_bytes() == whole


def test_words_that_are_kept_are_not_looked_for_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stored.fetch_needs(["frobnicate"])
    assert find_kept(home)
    monkeypatch.delattr(stored, "find_needs")
    assert stored.fetch_needs(["frobnicate"]) == first


def test_no_more_than_some_are_kept(home: Path) -> None:
    for number in range(20):
        Scanner({(f"frobnicate {number}", False): [1]})
    assert len(find_kept(home)) == 16
    assert works()


def test_a_home_that_cannot_be_written_to(home: Path) -> None:
    (home / ".cache").write_text("no folder")
    assert works()
    assert (home / ".cache").read_text() == "no folder"


def test_a_full_disk_leaves_nothing_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, _content: bytes) -> int:
        with self.open("wb") as file:
            file.write(b"some")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert works()
    assert find_kept(home) == []


@pytest.mark.parametrize(("name", "value"), [("HOME", ""), ("HOME", "relative"),
                                             ("XDG_CACHE_HOME", "relative")])  # fmt: skip
def test_no_home(name: str, value: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.chdir(home)
    assert works()
    assert list(home.iterdir()) == []
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME")
    assert works()
    assert list(home.iterdir()) == []


@pytest.mark.usefixtures("home")
def test_a_folder_of_somebody_else_is_left_alone(
    compilations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert works()
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    assert works()
    assert len(compilations) == 2


def test_a_folder_that_others_may_write_to_is_left_alone(
    home: Path, compilations: list[int]
) -> None:
    assert works()
    (home / ".cache" / "panewatch").chmod(0o777)
    assert works()
    assert len(compilations) == 2


def test_other_rules_are_another_file(home: Path) -> None:
    first = Rulebook([make_rule("one", "^frobnicate")])
    second = Rulebook([make_rule("one", "^defenestrate")])
    assert list(first.find(["frobnicate"])) == [0]
    assert list(second.find(["frobnicate"])) == []
    assert find_kept(home)
