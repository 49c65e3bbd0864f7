"""`panewatch explain` and `panewatch rules`: recorded text in, what it means out."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from errors.panes import make_rule
from panewatch import cli, subcommands
from panewatch.errors.explain import explain, explain_loss, read_lines, show
from panewatch.errors.rulebook import Rulebook

TEXT = b"""\
user@host:~$ python train.py
Traceback (most recent call last):
  File "/src/train.py", line 12, in <module>
    import moola
ModuleNotFoundError: No module named 'moola'
0 errors
user@host:~$ cat old.log
Killed
user@host:~$ pytest
FAILED tests/test_a.py::test_b - AssertionError
=================== 1 failed, 2 passed in 0.10s ===================
======================== 3 passed in 0.10s ========================
the frobnicator had a fatal failure
"""


@pytest.fixture(autouse=True)
def compiled(rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the command line use the rules that are compiled already."""
    monkeypatch.setattr(subcommands, "_build_rulebook", lambda _: rulebook)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def read_objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def explain_bytes(rulebook: Rulebook, content: bytes) -> list[tuple[int, str, str]]:
    return [
        (event.line, event.kind, line)
        for event, line in explain(rulebook, read_lines(io.BytesIO(content)))
    ]


def test_jsonl(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(TEXT)
    code, out, err = run(capsys, "explain", "--output", "jsonl", str(file))
    assert (code, err) == (0, "")
    objects = read_objects(out)
    assert {item["file"] for item in objects} == {str(file)}
    assert [(item["line"], item["kind"]) for item in objects] == [
        (2, "error"), (5, "error"), (6, "noise"), (8, "noise"), (10, "error"), (11, "error"),
        (12, "success"), (13, "unclassified"),
    ]  # fmt: skip
    first, last = objects[0], objects[1]
    assert first == {
        "file": str(file), "line": 2, "kind": "error", "rule": "python-module-missing",
        "severity": "P0", "category": "dependency", "incident": 1, "opens": True,
    }  # fmt: skip
    assert last == first | {"line": 5, "opens": False, "over": {"python-exception": "superseded"}}
    assert objects[-2]["ends"] == [2]
    assert objects[3]["reason"] == "quoted-output"
    assert [item["incident"] for item in objects if "incident" in item] == [1, 1, 2, 2]


def test_text_tells_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(TEXT)
    code, out, _ = run(capsys, "explain", str(file))
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith(f"{file}:2: P0 dependency: python-module-missing (opens incident 1")
    assert lines[1] == "    Traceback (most recent call last):"
    assert f"{file}:5: P0 dependency: python-module-missing (joins incident 1; over " in out
    assert "does not count: the output of a command that shows text, such as cat or grep" in out
    assert "ends incident 2" in out
    assert f"{file}:13: unclassified: no rule\n    the frobnicator" in out


@pytest.mark.parametrize(
    ("winner", "loser", "why"),
    [
        ({"supersedes": frozenset({"loser"})}, {}, "superseded"),
        ({"priority": 3}, {}, "lower priority"),
        ({"kind": "noise"}, {}, "noise wins over error"),
        ({"severity": "P0"}, {"severity": "P2"}, "less severe"),
        ({}, {}, "stands later"),
    ],
)
def test_why_a_rule_lost(winner: dict[str, object], loser: dict[str, object], why: str) -> None:
    rules = make_rule("winner", "x", **winner), make_rule("loser", "x", **loser)
    assert explain_loss(*rules) == why


def test_several_files_are_several_panes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_bytes(b"Killed\n")
    code, out, _ = run(capsys, "explain", "--output", "jsonl", *map(str, files))
    assert code == 0
    assert [(item["file"], item["incident"], item["opens"]) for item in read_objects(out)] == [
        (str(file), 1, True) for file in files
    ]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    good = tmp_path / "good"
    good.write_bytes(b"Killed\n")
    for arguments in ((), ("--unmatched",)):
        files = str(tmp_path / "nosuch"), str(tmp_path), str(good)
        code, out, err = run(capsys, "explain", *arguments, "--output", "jsonl", *files)
        assert code == 1
        nothing = [f"{good}: nothing found in 1 line"] if arguments else []
        assert err.splitlines() == [
            f"{tmp_path}/nosuch: No such file or directory", f"{tmp_path}: Is a directory",
            *nothing,
        ]  # fmt: skip
        assert len(read_objects(out)) == (0 if arguments else 1)


def test_the_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"fine\nKilled\n")))
    code, out, _ = run(capsys, "explain", "--output", "jsonl", "-")
    assert code == 0
    assert [(item["file"], item["line"]) for item in read_objects(out)] == [("-", 2)]
    assert not sys.stdin.closed


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_any_output_takes_any_text(
    encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = os.fsencode(tmp_path) + b"/\xff.log"
    Path(os.fsdecode(file)).write_text("cat: ❯é\U0001f600: No such file or directory\nfatal ❯é\n")
    for arguments in ((), ("--unmatched",)):
        for output in ("text", "jsonl"):
            stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
            monkeypatch.setattr(sys, "stdout", stdout)
            command = ["explain", *arguments, "--output", output, os.fsdecode(file)]
            assert cli.main(command) == 0
            told = stdout.buffer.getvalue().decode(encoding)
            assert told.isprintable() or told.replace("\n", "").isprintable()
            if output == "jsonl":
                assert read_objects(told)


@pytest.mark.parametrize(
    ("content", "told"), [("", "0 lines"), ("a", "1 line"), ("a\nb\n", "2 lines")]
)
def test_a_file_that_means_nothing(
    content: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.log"
    file.write_text(content)
    expected = (0, "", f"{file}: nothing found in {told}\n")
    for arguments in ((), ("--unmatched",), ("--output", "jsonl")):
        assert run(capsys, "explain", *arguments, str(file)) == expected


def test_an_output_that_nobody_reads_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(b"Killed\n" * 5)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert cli.main(["explain", str(file)]) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("fine\r\n", "fine"),
        ("10%\r50%\r100%\n", "100%"),
        ("10%\r50%\r\n", "50%"),
        ("\r\r\n", ""),
        ("\x1b[31mKilled\x1b[0m\n", "Killed"),
        ("Kil\x1b[1mled\n", "Killed"),
        ("\x1b]0;title\x07Killed\n", "Killed"),
        ("\x1b]8;;https://a.b/\x1b\\link\x1b]8;;\x1b\\\n", "link"),
        ("\x1bP0;1|17/ab\x1b\\Killed\n", "Killed"),
        ("\x9b31mKilled\n", "Killed"),
        ("\x1b(BKilled\x1b=\n", "Killed"),
        ("a\tb\n", "a       b"),
        ("Kil\u202eled\u200b\n", "Killed"),
        ("a\x00\x07b\n", "ab"),
        ("  at x   \n", "  at x"),
    ],
)
def test_what_a_terminal_shows(raw: str, shown: str) -> None:
    assert show(raw) == shown


def test_lines_end_at_line_feeds_alone(rulebook: Rulebook) -> None:
    content = b"a\rb\rc\n\x0b\x0c\x1c\xc2\x85\xe2\x80\xa8fine\nKilled\n"
    assert explain_bytes(rulebook, content) == [(2, "error", "Killed")]


def test_bytes_that_are_no_text(rulebook: Rulebook) -> None:
    content = b"\xff\xfe\x00\x80\nKilled\n\xc3(\nmake: *** [\xff] Error 1\n" + os.urandom(2000)
    told = explain_bytes(rulebook, content)
    assert [line for line, kind, _ in told if kind == "error"][:2] == [1, 3]
    assert all(line.isprintable() for _, _, line in told)


def test_long_files_keep_their_lines_apart(rulebook: Rulebook) -> None:
    lines = [b"fine"] * 5000
    for number in (0, 199, 200, 1337, 4999):
        lines[number] = b"FAILED tests/test_%d.py::test_b - AssertionError" % number
    told = explain_bytes(rulebook, b"\n".join(lines))
    assert [(line, text.encode()) for line, _, text in told] == [
        (number, lines[number]) for number in (0, 199, 200, 1337, 4999)
    ]


def test_unmatched_lines_become_rules(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_text(
        "".join(f"frobnicator {n} had a fatal failure\n" for n in range(9)) + "Killed\n"
    )
    code, out, _ = run(capsys, "explain", "--unmatched", str(file))
    assert code == 0
    assert out.startswith("# 9 times: frobnicator <*> had a fatal failure\n  - id: own-rule-1\n")
    assert "Killed" not in out
    code, out, _ = run(capsys, "explain", "--unmatched", "--output", "jsonl", str(file))
    assert read_objects(out) == [
        {"text": "frobnicator <*> had a fatal failure", "seen": 9,
         "example": "frobnicator 0 had a fatal failure"}
    ]  # fmt: skip


def test_rules_are_listed(capsys: pytest.CaptureFixture[str], rulebook: Rulebook) -> None:
    code, out, _ = run(capsys, "rules")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines] == [rule.id for rule in rulebook.rules]
    killed = next(line for line in lines if line.startswith("process-killed "))
    assert killed.split()[1:4] == ["error", "P0", rulebook.by_id["process-killed"].category]
    assert rulebook.by_id["process-killed"].suggestion in killed


@pytest.mark.parametrize("arguments", [("explain",), ("explain", "--output", "xml", "a")])
def test_wrong_use(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(list(arguments))
    assert raised.value.code == 2
    assert "usage: panewatch explain" in capsys.readouterr().err
