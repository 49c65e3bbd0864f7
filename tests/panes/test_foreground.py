"""What the foreground process's arguments tell."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panes.private_tmux import PrivateTmux
from panewatch.panes.foreground import inspect, read_arguments
from polling import wait_until


@pytest.mark.parametrize(
    ("arguments", "runs_script"),
    [
        (["-bash"], False),
        (["bash", "-i"], False),
        (["/bin/bash", "--norc", "--noprofile"], False),
        (["bash", "--rcfile", "/x/rc"], False),
        (["bash", "--init-file", "/x/rc", "-i"], False),
        (["zsh", "-o", "vi"], False),
        (["fish", "-C", "set x 1"], False),
        (["bash", "--rcfile", "/x/rc", "run.sh"], True),
        (["bash", "-e", "run.sh"], True),
        (["sh", "-c", "while :; do date; done"], True),
        (["bash", "-lc", "make"], True),
    ],
)
def test_a_shell_at_its_prompt_and_one_that_runs_something(
    arguments: list[str], runs_script: bool
) -> None:
    assert read_arguments(arguments).runs_script is runs_script


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["node", "/usr/lib/codex.js"], "codex"),
        (["/usr/bin/python3.11", "-m", "aider"], "aider"),
        (["/opt/claude"], "claude"),
        (["-zsh"], "zsh"),
    ],
)
def test_names(arguments: list[str], name: str) -> None:
    assert name in read_arguments(arguments).names


@given(st.lists(st.text()))
def test_any_arguments_are_read(arguments: list[str]) -> None:
    assert not any("/" in name for name in read_arguments(arguments).names)


def test_a_process_that_is_gone_tells_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert inspect(ended.pid) is None
    assert inspect(2**30) is None


def test_the_process_that_has_the_terminal_is_found(tmux: PrivateTmux) -> None:
    pane = tmux.start("exec bash --norc --noprofile -ic 'cat; :'")
    pid = int(tmux.ask("#{pane_pid}", pane))

    def finds_cat() -> bool:
        found = inspect(pid)
        return found is not None and "cat" in found.names

    wait_until(finds_cat, what="cat in the foreground")
