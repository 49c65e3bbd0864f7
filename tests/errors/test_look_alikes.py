"""What looks like an error and is none, and what is one and does not look like it."""

from __future__ import annotations

import pytest

from errors.panes import read
from panewatch.errors.rulebook import Rulebook

ERROR = "ModuleNotFoundError: No module named 'x'"


def find_serious(rulebook: Rulebook, text: str) -> list[str]:
    """Return the rules of the P0 and P1 incidents that a text opens."""
    told = read(rulebook, text)
    return [
        event.rule.id
        for event in told.events
        if event.opens and event.rule is not None and event.rule.severity != "P2"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "0 errors",
        "0 errors, 0 warnings",
        "no error",
        "No errors found.",
        "error_handler.py",
        "src/errors/fatal_error.c",
        "errors=remount-ro",
        "/dev/sda1 on / type ext4 (rw,relatime,errors=remount-ro)",
        "PASSED test_failed_login",
        "tests/test_errors.py::test_error_handling PASSED                   [ 10%]",
        "test error_handling ... ok",
        "ok 3 - fails with an error",
        "--- PASS: TestFailure (0.00s)",
        "epoch 3 error=0.312 val_error=0.401",
        "step 100: error 0.21, lr 1e-4",
        "Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 32768.0",
        "NCCL INFO NET/Plugin: No plugin found, using internal implementation",
        "checking for strerror... no",
        "-- Performing Test HAVE_ERROR - Failed",
        "  CC      lib/error.o",
        "gcc -Werror -c error.c",
        "Compiling thiserror v1.0.50",
        "Collecting pytest-failed==1.0",
        "commit 1a2b3c4 Fix fatal error in the login",
        " M src/error.py",
        "warning: unused variable `error`",
        "DeprecationWarning: the exception module is deprecated",
        "Retrying (attempt 1 of 3) after connection error",
        "The error function erf() is used for this.",
        "errors: 0",
        "Failed: 0, Passed: 12",
        "12 passed, 0 failed",
        "Error rate: 0.00%",
        "killed the old process and started a new one",
    ],
)
def test_look_alikes(line: str, rulebook: Rulebook) -> None:
    assert find_serious(rulebook, line) == []


@pytest.mark.parametrize(
    "command",
    ["grep -rn Error src", 'grep -rnE "error|fail" .', "cat CHANGELOG.md", "git diff", "git log -p",
     "tail -n 100 old.log", "rg -n Error", "less old.log", "head old.log", "man errno"],
)  # fmt: skip
@pytest.mark.parametrize(
    "prompt", ["$ ", "user@host:~/src$ ", "➜  src git:(main) ✗ ", "● Bash(", "(venv) ❯ "]
)
def test_what_a_command_shows_did_not_happen(command: str, prompt: str, rulebook: Rulebook) -> None:
    end = ")" if prompt.endswith("(") else ""
    shown = f"{ERROR}\nsrc/a.py:12:{ERROR}\nKilled\nCUDA out of memory\nSegmentation fault"
    text = f"{prompt}{command}{end}\n{shown}"
    assert find_serious(rulebook, text) == []
    assert find_serious(rulebook, f"{text}\n{prompt}python a.py{end}\n{ERROR}") == [
        "python-module-missing"
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "diff",
            (
                "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,4 @@\n import x\n"
                f"+{ERROR}\n-Killed\n+raise RuntimeError('CUDA out of memory')\n"
            ),
        ),
        (
            "listing",
            f"     1\timport x\n     2\t{ERROR}\n     3\tKilled\n".expandtabs(),
        ),
        (
            "help",
            (
                "usage: train [-h] [--fatal]\n\noptions:\n  -h, --help  show this help message\n"
                "  --fatal     Error: out of memory is fatal\n  --killed    Killed\n"
            ),
        ),
        (
            "source",
            (
                "raise RuntimeError('CUDA out of memory')\n"
                "except ModuleNotFoundError:  # No module named 'x'\n"
                '    print("Error: No space left on device")\n'
                "    logger.error('Connection refused: %s', host)\n"
                "if 'No space left on device' in text:\n"
                "// fatal: out of memory\n"
            ),
        ),
        ("quotation", 'The log says "RuntimeError: CUDA out of memory" and then goes on.'),
    ],
)
def test_text_about_errors(name: str, text: str, rulebook: Rulebook) -> None:
    assert find_serious(rulebook, text) == [], name


@pytest.mark.parametrize(
    "line",
    [
        "Segmentation fault (core dumped)",
        "Killed",
        "zsh: killed     python train.py",
        "bash: line 1:  4711 Killed                  python train.py",
        "Out of memory: Killed process 4711 (python) total-vm:1kB",
        "exited with code 139",
        "Process finished with exit code 139 (interrupted by signal 11: SIGSEGV)",
        "exited with code 137",
        "bash: foo: command not found",
        "zsh: command not found: foo",
        "sh: 1: foo: not found",
        "curl: (7) Failed to connect to localhost port 80: Connection refused",
        "ssh: connect to host example.org port 22: Connection refused",
        "ssh: connect to host example.org port 22: Connection timed out",
        "mkdir: cannot create directory '/x': Permission denied",
        "cp: cannot open 'a' for reading: Permission denied",
        "git@github.com: Permission denied (publickey).",
        "cat: a: No such file or directory",
        "command timed out with exit code 124",
        "Aborted (core dumped)",
        "Bus error (core dumped)",
        "dd: error writing to '/dev/x': No space left on device",
    ],
)
def test_failures_that_do_not_say_error(line: str, rulebook: Rulebook) -> None:
    told = read(rulebook, f"$ ./run\n{line}")
    assert [event.kind for event in told.events if event.line == 1] == ["error"]
    assert len(told.open) == 1


def test_the_same_text_again_is_counted_again_and_is_the_same_incident(
    rulebook: Rulebook,
) -> None:
    told = read(rulebook, f"{ERROR}\n" + "scrolled by\n" * 50 + ERROR)
    taken = [event for event in told.events if event.kind == "error"]
    assert [event.line for event in taken] == [0, 51]
    assert [event.opens for event in taken] == [True, False]
    assert [incident.count for incident in told.open] == [2]
