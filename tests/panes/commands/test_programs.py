"""Command lines and arguments, and the programs that they are about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.config import CommandsSettings
from panewatch.panes.commands.programs import OTHER, find_program, label, name_arguments
from panewatch.panes.text import clean

NAMES = frozenset(CommandsSettings().names)


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("make -j8", "make"),
        ("cd app && make test", "make"),
        ("sudo -u build make install", "make"),
        ("time nice -n 10 ./bin/cargo build", "cargo"),
        ("CUDA_VISIBLE_DEVICES=0 A=b torchrun x.py", "torchrun"),
        ("env -u HOME PATH=/x python3.11 train.py", "python3.11"),
        ("timeout 30s curl http://x | tar x", "curl"),
        ("for f in a b; do gcc $f; done", "gcc"),
        ("(cd x; git pull)", "git"),
        ("source .venv/bin/activate; pytest -q", "pytest"),
        ("'/opt/my tools/git' log", "git"),
        ("echo 'a; make'", "echo"),
        ("frobnicate --now", "frobnicate"),
        ("cd ..", "cd"),
        ("watch -n 5 kubectl get pods", "kubectl"),
        ("", ""),
        ("A=1", ""),
        ("sudo", ""),
        ("&& ; |", ""),
    ],
)
def test_a_line_is_about_a_program(line: str, program: str) -> None:
    assert find_program(line, NAMES) == program


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["/usr/bin/python3", "train.py"], "python3"),
        (["/usr/bin/python3", "/usr/bin/torchrun", "x.py"], "torchrun"),
        (["python", "-m", "pytest", "-q"], "pytest"),
        (["python", "-m", "mine"], "python"),
        (["python", "-c", "pytest"], "python"),
        (["node", "--flag", "/usr/lib/npm"], "npm"),
        (["-bash"], "bash"),
        (["bash", "deploy.sh"], "bash"),
        (["sleep", "pytest"], "sleep"),
        ([""], ""),
        ([], ""),
    ],
)
def test_a_process_is_named_by_its_arguments(arguments: list[str], name: str) -> None:
    assert name_arguments(arguments, NAMES) == name


@pytest.mark.parametrize(
    ("name", "value"),
    [("git", "git"), ("python3.11", "python"), ("gcc-12", "gcc"), ("git'x", OTHER), ("", OTHER)],
)
def test_a_label_is_on_the_list_or_other(name: str, value: str) -> None:
    assert label(name, NAMES) == value


@given(st.text(max_size=600), st.lists(st.text(max_size=30), max_size=5))
def test_any_text_has_a_short_printable_name_and_a_known_label(line: str, words: list[str]) -> None:
    for name in (find_program(line, NAMES), name_arguments(words, NAMES)):
        assert len(name) <= 64
        assert name == clean(name)
        assert label(name, NAMES) in NAMES | {OTHER}
