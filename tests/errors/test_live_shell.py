"""Commands typed into a real shell: what they quote, and what costs time without failing."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest

from errors.live_panes import Live, Place, live_panes
from polling import wait_until

ERRORS = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    import moola
ModuleNotFoundError: No module named 'moola'
RuntimeError: CUDA error: out of memory
torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB
bash: nvcc: command not found
npm ERR! code ERESOLVE
fatal: not a git repository (or any of the parent directories): .git
Segmentation fault (core dumped)
error[E0308]: mismatched types
make: *** [Makefile:10: all] Error 2
ssh: connect to host db1 port 22: Connection timed out
"""
HELP = """\
import argparse
parser = argparse.ArgumentParser(prog="fetch")
parser.add_argument("--retries", help="Error: retry when the connection timed out")
parser.add_argument("--strict", help="fail with fatal error: Permission denied")
parser.parse_args()
"""
OPENED = {
    "python-module-missing", "gpu-out-of-memory", "shell-command-missing", "npm-conflict",
    "git-not-a-repository", "rust-error",
}  # fmt: skip


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_panes() as running:
        (running.folder / "train.log").write_text(ERRORS)
        (running.folder / "fetch.py").write_text(HELP)
        yield running


@pytest.fixture
def shell(live: Live) -> Place:
    return live.shell()


@pytest.mark.parametrize(
    "command",
    [
        "cat train.log",
        "cat -n train.log | head -n 40",
        "tail -n 20 train.log",
        "grep -n -i -E 'error|fatal|fault' train.log",
        "grep -rn --include=*.log . .",
        "sed -n 1,20p train.log",
        "diff train.log /dev/null",
        "git diff --no-index --color=always /dev/null train.log",
        "python3 fetch.py --help",
        "less -FX train.log",
        'echo "$(cat train.log)"',
    ],
)
def test_text_that_a_command_shows_opens_nothing(shell: Place, command: str) -> None:
    shell.command(command)
    assert "Error" in shell.screen() or "error" in shell.screen()
    assert shell.open_rules() == {}
    assert shell.opened() == 0


def test_the_same_text_from_a_program_opens(live: Live, shell: Place) -> None:
    program = live.folder / "job.sh"
    program.write_text("#!/bin/sh\nexec cat train.log\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    shell.command("./job.sh")
    assert shell.open_rules().keys() >= OPENED


def test_a_command_that_shows_text_may_fail_itself(shell: Place) -> None:
    shell.command("cat train.log missing.log")
    assert len(shell.open_rules()) == 1
    assert shell.opened() == 1


@pytest.mark.parametrize("typed", ["", "c"])
def test_a_pause_while_typing_does_not_hide_what_was_typed(shell: Place, typed: str) -> None:
    shell.command("true")
    shell.type(typed, enter=False)
    # An unfinished line is handed on after a pause; the metric that tells is its count.
    lines = shell.value("pane_lines_total")
    wait_until(lambda: shell.value("pane_lines_total") > lines)
    shell.command("cat train.log".removeprefix(typed))
    assert shell.open_rules() == {}
    assert shell.value("pane_lines_noise_total")


@pytest.mark.parametrize(
    "prompt",
    [
        "dev@host:~$ ", "[dev@host work]$ ", "root@host:/# ", "(venv) dev@host:~$ ", "$ ", "❯ ",
        "➜  work git:(main) ✗ ", "bash-5.2$ ", "~/work % ", "~/work ❯ ", "└─$ ", "╰─➤ ", "╰─❯ ",
    ],
)  # fmt: skip
def test_prompts_of_many_shapes_tell_of_the_command(live: Live, prompt: str) -> None:
    puppet, place = live.puppet()
    missing = ERRORS.splitlines()[3]
    puppet.print(f"{prompt}cat train.log", missing, f"{prompt}echo", "")
    place.settle()
    assert place.open_rules() == {}
    assert place.value("pane_lines_noise_total") == 1
    puppet.print(f"{prompt}python3 train.py", missing)
    wait_until(place.open_rules)


def test_commands_that_fail_again_and_again_are_friction(shell: Place) -> None:
    for number in range(4):
        shell.command(f"python3 -c 'import moola{number}'")
    assert shell.value("friction_total", kind="repeated_command") >= 1
    assert shell.value("friction_total", kind="restart_loop") == 0
    for _ in range(4):
        shell.command("python3 -m moola")
    assert shell.value("friction_total", kind="restart_loop") == 1


def test_commands_that_succeed_are_no_friction(shell: Place) -> None:
    for _ in range(5):
        shell.command("python3 --version")
    assert shell.value("friction_total") == 0


def test_the_same_transfer_again_is_friction(live: Live, shell: Place) -> None:
    (live.folder / "data").write_text("x" * 1000)
    # The program need not be installed: it is the command line that counts.
    shell.command('rsync() { cp "$2" "$3"; }')
    shell.command("rsync -a data copy")
    assert shell.value("friction_total", kind="retransfer") == 0
    shell.command("rsync -a data copy")
    assert shell.value("friction_total", kind="retransfer") == 1
