"""Prompts are told from other lines, and commands by what their output is."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.errors.command import PROSE, parse_command
from panewatch.errors.prompt import Prompt, read_prompt
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
        ("12:01:02 user ~/x $ make", "make"),
        ("[12:01] user@host:~ $ make", "make"),
        ("12:01:02 /srv ❯ make", "make"),
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
        "12:01:02 INFO /srv/x > done",
        "12:01:02 app costs 5 $ more",
        "12:01:02 /srv/data 5% used",
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
        "cat a | tee b",
        "for f in *.log; do cat $f; done",
        "for f in a b; do if test -e $f; then head $f; fi; done | less",
        "while read -r l; do echo $l; done < a",
        "sleep 1; cat a",
        "cat a || echo none",
        "cat a & ",
        "cat a 2>&1 | head",
        "ssh gpu1 cat err.log",
        "ssh -p 22 -i key -tt me@gpu1 -q 'cd /srv && cat err.log | tail -5'",
        "sudo ssh gpu1 sudo journalctl -u app",
        'ssh a ssh b "cat x"',
        "docker exec x cat err.log",
        "docker exec -it -u app --workdir /srv x grep -r error .",
        "docker compose exec web cat err.log",
        "podman exec x tail -5 err.log",
        "kubectl exec -n prod pod/x -c main -- cat err.log",
        "docker logs x",
        "find . -name '*.log' -exec cat {} +",
        r"find . -exec grep error {} \;",
        "bash -c 'cat a; head b'",
        "gh run view 123 --log-failed",
        "gh pr diff 5",
        "tmux -L other capture-pane -p -t 0",
        "tmux show-buffer",
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
        "make | tee log",
        "for f in *.c; do make $f; done",
        "cat a & make",
        "cat a || make",
        "ssh gpu1",
        "ssh gpu1 make",
        "ssh gpu1 'cat a; make'",
        "docker exec x make",
        "docker run --rm x cat a",
        "kubectl exec x -- make",
        r"find . -name '*.o' -exec rm {} \;",
        "find . -delete",
        "bash -c make",
        "bash cat",
        "gh run watch 123",
        "gh pr create",
        "tmux new-session cat",
        "docker logs -f x",
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
        ("ssh gpu1 cat a", "cat: a: No such file or directory", True),
        ("ssh gpu1 cat a", "ssh: connect to host gpu1 port 22: Connection refused", True),
        ("ssh gpu1 cat a", "me@gpu1: Permission denied (publickey).", True),
        ("ssh gpu1 cat a", "kex_exchange_identification: read: Connection reset by peer", True),
        ("ssh gpu1 'caat a'", "bash: line 1: caat: command not found", True),
        ("ssh gpu1 cat a", "ModuleNotFoundError: No module named 'x'", False),
        ("docker exec x cat a", "Error response from daemon: No such container: x", True),
        ("docker exec x cat a", "Error: it failed", False),
        ("kubectl exec x -- cat a", 'Error from server (NotFound): pods "x" not found', True),
        ("gh run view 1 --log", "gh: Not Found (HTTP 404)", True),
        ("gh run view 1 --log", "failed to get run: HTTP 404: Not Found", True),
        ("tmux capture-pane -p", "can't find pane: 3", True),
        (r"find . -exec cat {} \;", "find: ‘x’: Permission denied", True),
    ],
)
def test_what_a_command_says_itself(text: str, line: str, *, speaks: bool) -> None:
    assert parse_command(text).speaks(line) is speaks


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("tail -f a", 10),
        ("tail -F a", 10),
        ("tail -n 50 -f a", 50),
        ("tail -fn5 a", 5),
        ("tail --lines=7 --follow a", 7),
        ("tail -20f a", 20),
        ("tail -f a | grep error", 10),
        ("ssh gpu1 tail -f a", 10),
        ("journalctl -fu app", 10),
        ("docker logs --tail 30 -f x", 30),
        ("docker logs -f x", 1000),
        ("tail a", 0),
        ("tail -f a & make", 0),
        ("make", 0),
    ],
)
def test_what_follows_a_text_begins_with_old_lines(text: str, lead: int) -> None:
    assert parse_command(text).lead == lead


@given(st.text(alphabet="ab \"'\\|;&$()<>{}-=/\n`!", max_size=60))
def test_any_text_is_a_command(text: str) -> None:
    assert parse_command(text).text == text.strip()
    read_prompt(f"$ {text}")
