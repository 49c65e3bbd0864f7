"""Which YAML is accepted, what it means, and what is said about the rest."""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path

import pytest

from panewatch import strict_yaml
from panewatch.strict_yaml import Problem, YamlError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("{}", {}),
        ("a: text", {"a": "text"}),
        ("a: 'true'", {"a": "true"}),
        ("a: [1, -2, +3, 0x1F, 0o17]", {"a": [1, -2, 3, 31, 15]}),
        ("a: [1.5, .5, 1e3, 1.5E-3, -.INF]", {"a": [1.5, 0.5, 1000.0, 0.0015, -math.inf]}),
        ("a: [yes, No, on, OFF, true, False]", {"a": [True, False, True, False, True, False]}),
        ("a: [~, null]\nb:", {"a": [None, None], "b": None}),
        ("a: 1:30", {"a": "1:30"}),
        ("a: 2020-01-01", {"a": "2020-01-01"}),
        ("a: 010", {"a": "010"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: y", {"a": "y"}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: ✓ タイトル", {"a": "✓ タイトル"}),
    ],
)
def test_value(text: str, value: object) -> None:
    found = strict_yaml.parse(text, "f.yml").value
    assert found == value
    assert repr(found) == repr(value), "types differ"


def test_nan_is_a_float() -> None:
    assert math.isnan(strict_yaml.parse(".nan", "f.yml").value)


def test_lines() -> None:
    document = strict_yaml.parse("a:\n  b:\n    - x\n    - y: 1\n      z: 2\n'c d': {e: 1}\n", "f")
    assert document.line(("a",)) == 1
    assert document.line(("a", "b")) == 2
    assert document.line(("a", "b", 0)) == 3
    assert document.line(("a", "b", 1, "z")) == 5
    assert document.line(("c d", "e")) == 6
    assert document.line(("a", "b", 1, "absent", "deeper")) == 4, "nearest ancestor"
    assert document.line(("absent",)) == 1


SCANNING = "not YAML: while scanning for the next token"
REFUSED = [
    ("a: 1\nb: 2\na: 3\n", "f.yml:3: a: given twice; first on line 1"),
    ("a:\n  - {x: 1, y: 2,\n     x: 3}\n", "f.yml:3: a[0].x: given twice; first on line 2"),
    ("a: 1\n'a': 2\n", "f.yml:2: a: given twice; first on line 1"),
    (
        "a: &x [1]\nb: *x\n",
        "f.yml:1: anchors (&name) are not allowed\nf.yml:2: aliases (*name) are not allowed",
    ),
    ("a: *x\n", "f.yml:1: aliases (*name) are not allowed"),
    ("&x a: 1\n", "f.yml:1: anchors (&name) are not allowed"),
    ("a: !!python/object:os.system {}\n", "f.yml:1: tags (!name) are not allowed"),
    ("a: !!str 1\n", "f.yml:1: tags (!name) are not allowed"),
    ("a: ! 1\n", "f.yml:1: tags (!name) are not allowed"),
    ("a: 1\n---\nb: 2\n", "f.yml:2: a second document starts here; a file holds one"),
    ("---\n---\n", "f.yml:2: a second document starts here; a file holds one"),
    ("\ufeffa: 1\n", "f.yml:1: starts with a byte order mark; save it without one"),
    ("a: 1\nb: \x00\n", "f.yml:2: character U+0000 is not allowed"),
    ("a: \x1b[31m\n", "f.yml:1: character U+001B is not allowed"),
    ("a: \ud800\n", "f.yml:1: character U+D800 is not allowed"),
    ('a: 1\nb: "\\0"\n', "f.yml:2: b: NUL and half characters are not allowed"),
    ('a: "\\ud800"\n', "f.yml:1: a: NUL and half characters are not allowed"),
    ('a: 1\nb: "\\U00110000"\n', "f.yml:2: not YAML: number out of range"),
    ("%YAML " + "9" * 5000 + ".1\n--- a\n", "f.yml:1: not YAML: number out of range"),
    ("a: " + "9" * 41, "f.yml:1: a: number too long"),
    ("1: a\n", "f.yml:1: a key must be text; put it in quotes"),
    ("a: {yes: 1}\n", "f.yml:1: a: a key must be text; put it in quotes"),
    ("? [a, b]\n: 1\n", "f.yml:1: a key must be text; put it in quotes"),
    ("? \n: 1\n", "f.yml:1: a key must be text; put it in quotes"),
    ("a: !secret!x 1\n", "f.yml:1: tags (!name) are not allowed"),
    ("[" * 51 + "]" * 51, "f.yml:1: not YAML: nested deeper than 50 levels"),
    ("[" * 100_000, "f.yml:1: not YAML: nested deeper than 50 levels"),
    ("a:\n\tb: 1\n", f"f.yml:2: {SCANNING}, found character '\\t' that cannot start any token"),
    ("a: b: c\n", "f.yml:1: not YAML: mapping values are not allowed here"),
    ("#" * ((1 << 20) + 1), "f.yml: is larger than 1048576 bytes"),
    ("é" * ((1 << 19) + 1), "f.yml: is larger than 1048576 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text[:12] for text, _ in REFUSED])
def test_refused(text: str, message: str) -> None:
    with pytest.raises(YamlError) as caught:
        strict_yaml.parse(text, "f.yml")
    assert str(caught.value) == message


def test_fifty_levels_are_accepted() -> None:
    value = strict_yaml.parse("[" * 50 + "]" * 50, "f.yml").value
    for _ in range(49):
        (value,) = value
    assert value == []


def test_anchor_bomb_is_refused_without_being_expanded() -> None:
    levels = [
        f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]" for level in range(1, 30)
    ]
    text = "\n".join(["l0: &l0 [boom]", *levels])
    with pytest.raises(YamlError) as caught:
        strict_yaml.parse(text, "bomb.yml")
    assert len(caught.value.problems) == 30 + 290
    assert str(caught.value).endswith("\nand 270 more"), "what a person reads stays short"


def test_values_never_reach_an_error() -> None:
    for text in ("a: hunter2: x", "a: 'hunter2", "a: {b: hunter2", "a: !t hunter2", "- hunter2\nb"):
        with pytest.raises(YamlError) as caught:
            strict_yaml.parse(text, "f.yml")
        assert "hunter2" not in str(caught.value)
        hidden = caught.value.__suppress_context__ or caught.value.__context__ is None
        assert hidden, "the parser's own error quotes the text"


def test_hostile_keys_are_shown_escaped_and_cut() -> None:
    long, escape = "k" * 70, '"\\x1b[2J"'
    with pytest.raises(YamlError) as caught:
        strict_yaml.parse(f"{long}: 1\n{long}: 2\n{escape}: 1\n{escape}: 2\n", "f.yml")
    assert str(caught.value) == (
        f"f.yml:2: {'k' * 64}...: given twice; first on line 1\n"
        r"f.yml:4: '\x1b[2J': given twice; first on line 3"
    )


def test_problem_without_line_or_key() -> None:
    assert str(Problem("f", 0, "", "is bad")) == "f: is bad"
    assert str(Problem("f", 3, "", "is bad")) == "f:3: is bad"
    assert str(Problem("f", 3, "a.b", "is bad")) == "f:3: a.b: is bad"


def test_read(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_bytes(b"a: \xe2\x9c\x93\r\nb: 2\r\n")
    document = strict_yaml.read(file)
    assert document.value == {"a": "✓", "b": 2}
    assert document.line(("b",)) == 2
    assert document.name == str(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xef\xbb\xbfa: 1\n", ":1: starts with a byte order mark; save it without one"),
        ("a: 1\n".encode("utf-16"), ":1: is UTF-16; save it as UTF-8 without a byte order mark"),
        (b"a: 1\nb: \xff\n", ":2: byte 0xff is not UTF-8"),
        (b"a: \xc3", ":1: byte 0xc3 is not UTF-8"),
        (b"a: 1\0\n", ":1: character U+0000 is not allowed"),
        (b"\0" * 4096, ":1: character U+0000 is not allowed"),
        (b"a: 1\n" * (10 << 18), ": cannot be read: it is larger than 1048576 bytes"),
    ],
    ids=["bom", "utf-16", "byte", "cut character", "nul", "nul-filled", "10 MB"],
)
def test_read_refuses_content(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "f.yml"
    file.write_bytes(content)
    with pytest.raises(YamlError) as caught:
        strict_yaml.read(file)
    assert str(caught.value) == f"{file}{message}"


def test_read_refuses_what_is_not_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    not_a_file = "it is a directory or a device, not a file"
    for path, reason in (
        (tmp_path, not_a_file),
        (Path("/dev/zero"), not_a_file),
        (pipe, not_a_file),
        (tmp_path / "absent.yml", "No such file or directory"),
        (tmp_path / "absent" / "f.yml", "No such file or directory"),
        (Path("/dev/null/f.yml"), "Not a directory"),
        (loop, "Too many levels of symbolic links"),
    ):
        with pytest.raises(YamlError) as caught:
            strict_yaml.read(path)
        assert str(caught.value) == f"{path}: cannot be read: {reason}"


def test_read_refuses_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f.yml"
    file.write_text("a: 1\n")
    file.chmod(0)
    if os.geteuid() == 0:  # root may read it all the same, so the refusal is played

        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied", str(file))

        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(YamlError) as caught:
        strict_yaml.read(file)
    assert str(caught.value) == f"{file}: cannot be read: Permission denied"


def test_read_leaves_no_descriptor_open(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("a: [\n")
    before = set(Path("/proc/self/fd").iterdir())
    for path in (file, tmp_path, tmp_path / "absent", Path("/dev/zero")):
        with pytest.raises(YamlError):
            strict_yaml.read(path)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_pipe_without_writer_does_not_hang(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    errors: list[str] = []

    def read() -> None:
        try:
            strict_yaml.read(pipe)
        except YamlError as error:
            errors.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert errors == [f"{pipe}: cannot be read: it is a directory or a device, not a file"]
