"""Lines made to make regular expressions slow meet only engines that are linear."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import resources
from io import BytesIO
from pathlib import Path

import pytest
import re2

from errors.panes import read
from panewatch import linear
from panewatch.errors.command import parse_command
from panewatch.errors.explain import read_lines, show
from panewatch.errors.prefix import strip_prefix
from panewatch.errors.prompt import read_prompt
from panewatch.errors.rulebook import Rulebook
from panewatch.errors.templates import find_templates
from panewatch.errors.transfer import find_percent, read_rate

PACKAGE = Path(str(resources.files("panewatch.errors")))

BACKTRACKING = {
    "expression": "rewrites what packs say; text of panes never comes here",
    "literals": "reads what packs say; text of panes never comes here",
    "pack": "ids of rules, at most 64 characters of one class",
    "explain": "escape sequences of a recorded file: each begins at an ESC or a CSI, its parts"
               " are disjoint and end at the next ESC, so no text is gone over twice",
    "templates": "one class of single characters, in a skeleton that is printed",
}  # fmt: skip
"""Modules that use Python's own engine, and why no text can make it slow."""

KILLERS = {
    "words": "a word " * 20000 + "!",
    "letters": "a" * 100_000 + "!",
    "blanks": " " * 100_000 + "x",
    "colons": ":" * 100_000,
    "numbers": "1" * 100_000 + "x",
    "dots": "a." * 50_000 + "!",
    "slashes": "/a" * 50_000 + ".py",
    "quotes": "'\"`" * 33_000,
    "brackets": "[(" * 50_000,
    "errors": "error " * 16_000 + "fail",
    "traceback": 'File "' * 16_000,
    "paths": "/a/b.py:1:1: error: " * 5_000,
    "dates": "2024-01-01T12:00:00Z " * 5_000,
    "clocks": "12:00:00 " * 11_000,
    "ranks": "[rank0]: " * 11_000,
    "prompts": "user@host:~$ " * 8_000,
    "percent": "1%" * 50_000,
    "rates": "1MB/s" * 20_000,
    "unicode": "é❯│" * 30_000,
    "loss": "(error|fail)(.*)(loss" * 5_000,
}


def find_importers(name: str) -> Iterator[str]:
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            if name in names:
                yield file.stem


def test_where_pythons_own_engine_is_used_is_known() -> None:
    assert set(find_importers("re")) == set(BACKTRACKING)
    assert set(find_importers("regex")) == set()


def test_the_engines_are_re2_and_hyperscan() -> None:
    assert set(find_importers("re2")) == set()  # the door stands outside: others use it too
    assert set(find_importers("hyperscan")) == {"scanner", "stored"}
    assert isinstance(linear.compile("a+"), re2._Regexp)
    with pytest.raises(ValueError, match="invalid"):
        linear.compile(r"(a)\1")  # a backreference: no linear engine knows it


@pytest.mark.parametrize("size", [26, 4096, 100_000])
@pytest.mark.parametrize("name", KILLERS)
def test_every_part_comes_to_an_end(name: str, size: int, rulebook: Rulebook) -> None:
    line = KILLERS[name][:size]
    assert line.endswith(strip_prefix(line))
    read(rulebook, f"$ ./run\n{line}\nerror: {line}\nTraceback (most recent call last):\n{line}")
    parse_command(line)
    read_prompt(line)
    read_rate(line)
    find_percent([line], 0)


@pytest.mark.parametrize("name", KILLERS)
def test_every_rule_comes_to_an_end(name: str, rulebook: Rulebook) -> None:
    for begin in ("", "error: ", "FAILED "):
        line = (begin + KILLERS[name])[:4096]
        for rule in rulebook.rules:
            rulebook.takes(rule, line)


@pytest.mark.parametrize(
    "raw",
    [
        "\x1b[" * 50_000, "\x1b[" + "1;" * 50_000, "\x1b]0;" + "a" * 100_000, "\x1bP" * 50_000,
        "\x1b" * 100_000, "\x9b" + "0" * 100_000, "\x1b[ " + " " * 100_000, "\r" * 100_000,
        "\x1b[0\x1b]" * 20_000, "\x00" * 100_000, "\x1b[" + " " * 100_000 + "?" * 10_000,
    ],
)  # fmt: skip
def test_escape_sequences_come_to_an_end(raw: str) -> None:
    text = show(raw)
    assert len(text) <= 4096
    assert text.isprintable()


def test_a_line_without_an_end_is_cut() -> None:
    (block,) = read_lines(BytesIO(b"x" * 1_000_000))
    assert block == ["x" * 4096]


def test_templates_of_long_lines_come_to_an_end() -> None:
    find_templates([text[:4096] for text in KILLERS.values()])
