"""Prompts are told from other lines, and commands by what their output is."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.errors.command import PROSE, Prompt, parse_command, read_prompt
from panewatch.errors.rulebook import Rulebook


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("user@host:~/src$ make -j8", "make -j8"),
        ("root@host:/# make", "make"),
        ("(venv) user@host:~$ make", "make"),
        ("(base) ➜  proj make", "make"),
        ("[root@box dir]# make", "make"),
        ("user@mac ~ % make", "make"),
        ("user@host ~/src> make", "make"),
        ("➜  proj git:(main) ✗ make test", "make test"),
        ("➜  proj git:(main) make", "make"),
        ("➜  proj make", "make"),
        ("➜  ~ make", "make"),
        ("~/src ❯ make", "make"),
        ("❯ make", "make"),
        ("❯❯ make", "make"),
        ("❯❯❯ make", "make"),
        ("λ make", "make"),
        ("» make", "make"),
        (">> make", "make"),
        ("$ make", "make"),
        ("bash-5.1$ make", "make"),
        ("sh-4.2# make", "make"),
        (r"PS C:\Users\x> make", "make"),
        ("● Bash(make -j8)", "make -j8"),
        ("⏺ Bash(make)", "make"),
        ("• Ran make", "make"),
    ],
)
def test_prompts(line: str, text: str, rulebook: Rulebook) -> None:
    prompt = read_prompt(line)
    assert prompt is not None
    assert prompt.command.text == text
    # And the scan over whole blocks stops there.
    assert rulebook.find([line])[0].prompt


@pytest.mark.parametrize(
    "line", ["➜  proj", "➜  proj git:(main)", "➜  proj git:(main) ✗", "user@host:~$", "❯ "]
)
def test_prompts_without_a_command(line: str) -> None:
    prompt = read_prompt(line)
    assert prompt is None or (prompt.command.text, prompt.command.quotes) == ("", False)


@pytest.mark.parametrize(
    ("line", "kind"),
    [("● I will fix the error", "bullet"), ("  ● Read(app.py)", "tool"), ("• Explored", "bullet")],
)
def test_what_agents_say(line: str, kind: Literal["tool", "bullet"]) -> None:
    assert read_prompt(line) == Prompt(kind, PROSE)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("user@host:~$ a", "user@host:~/src$ b", True),
        ("user@host:~$ a", "root@box:/# b", False),
        ("user@host:~$ a", "$ b", False),
        ("$ a", "$ b", True),
        ("~/src ❯ a", "~/doc ❯ b", True),
    ],
)
def test_a_shell_is_known_by_its_prompt(one: str, other: str, same: bool) -> None:
    first, second = read_prompt(one), read_prompt(other)
    assert first is not None
    assert second is not None
    assert (first.mark == second.mark) is same


@pytest.mark.parametrize(
    "line",
    [
        "",
        "$5 is the price",
        "# a comment",
        "> a quotation",
        ">>> print(1)",
        "->> make",
        "git@github.com: Permission denied (publickey).",
        "user@host's password:",
        "Error: a@b.c is no user",
        "●",
        "100% [====>] 5",
    ],
)
def test_no_prompts(line: str) -> None:
    assert read_prompt(line) is None


@pytest.mark.parametrize(
    "text",
    [
        "cat error.log",
        "/bin/cat error.log",
        "grep -rn error src",
        'grep -rnE "error|fail" src',
        "rg 'a && b' .",
        'grep "a;b" f',
        r"grep -E error\|fail f",
        "awk -F'|' '{print $1}' f",
        "git diff",
        "git --no-pager log -p",
        "git -C /repo diff",
        "git -c color.ui=never show",
        "tail -n 50 train.log",
        "cat a | sort | uniq -c",
        "find . | xargs grep error",
        "cd /src && cat a",
        "FOO=1 cat a",
        "sudo cat /var/log/syslog",
        "(cat a)",
        "train.py --help",
        "docker help",
        "man ls",
        "cat a || true",
        "timeout 5 cat a",
        "timeout -k 3 --signal KILL 5 cat a",
        "sudo -u app cat a",
        "sudo -u app -- env A=b cat a",
        "env -u X A=b cat a",
        "nice -n 5 cat a",
        "nice cat a",
        "ionice -c 3 nice cat a",
        "stdbuf -o L grep x a",
        "time -p cat a",
        "find . | xargs -n 1 -P 4 cat",
        "flock lock cat a",
    ],
)
def test_commands_that_show_text(text: str) -> None:
    assert parse_command(text).quotes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "make",
        "python train.py 2>&1 | tail -50",
        "make | grep -v warning",
        "cat a | python b.py",
        "cat a && make",
        "cat a; make",
        "timeout 5 make",
        "timeout cat make",
        "sudo -u cat make",
        "env A=b make",
        "nice -n 5 make",
        "sudo -i",
        "tail -f train.log",
        "tail --follow train.log",
        "git push",
        "git -C diff push",
        "time make",
        "echo start; make",
        "cd build",
    ],
)
def test_commands_that_do_something(text: str) -> None:
    assert not parse_command(text).quotes


@pytest.mark.parametrize("text", ["make || true", "make||true", "a | b || :", "make || exit 0"])
def test_failures_that_were_expected(text: str) -> None:
    assert parse_command(text).tolerates


@pytest.mark.parametrize(
    "text", ["make", "make || true; pytest", "make || exit 1", "make && true", "true || make"]
)
def test_failures_that_were_not(text: str) -> None:
    assert not parse_command(text).tolerates


@pytest.mark.parametrize(
    ("text", "line", "speaks"),
    [
        ("cat a", "cat: a: No such file or directory", True),
        ("/usr/bin/grep x a", "grep: a: Permission denied", True),
        ("cat a > /b", "bash: /b: Permission denied", True),
        ("git diff nosuch", "fatal: bad revision 'nosuch'", True),
        ("cat a", "dog: a: No such file or directory", False),
        ("cat notes.txt", "bash: other: command not found", False),
    ],
)
def test_what_a_command_says_itself(text: str, line: str, *, speaks: bool) -> None:
    assert parse_command(text).speaks(line) is speaks


@given(st.text(alphabet="ab \"'\\|;&$()<>{}-=/\n`!", max_size=60))
def test_any_text_is_a_command(text: str) -> None:
    assert parse_command(text).text == text.strip()
    read_prompt(f"$ {text}")
