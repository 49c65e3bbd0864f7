"""Which exit statuses are failures, and of how much a success speaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.errors.command import parse_command
from panewatch.errors.status import is_failure, vouches


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("make", 2),
        ("./train.sh", 1),
        ("grep error train.log", 2),
        ("sudo grep error train.log", 2),
        ("grep -q x f; make", 1),
        ("grep x f | python3 load.py", 1),
        ("git push", 1),
        ("git diff --no-such-option", 129 + 100),
        ("python3 train.py", 137),
        ("./solver", 139),
        ("timeout 5 make", 124),
        ("", 1),
    ],
)
def test_failures(line: str, status: int) -> None:
    assert is_failure(parse_command(line), status)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("make", 0),
        ("make", 130),  # somebody pressed Ctrl-C
        ("make", 143),
        ("vim", 148),  # Ctrl-Z
        ("yes", 141),
        ("grep error train.log", 1),
        ("timeout 5 grep error train.log", 1),
        ("sudo -u app /usr/bin/grep error train.log", 1),
        ("cat train.log | grep error", 1),
        ("cd src && grep error *", 1),
        ("make; diff a b", 1),
        ("git diff --quiet", 1),
        ("git -C repo grep error", 1),
        ("[ -f x ]", 1),
        ("[[ -f x ]] && make", 1),
        ("command -v nvcc", 1),
        ("false", 1),
        ("systemctl is-active sshd", 3),
        ("make", 300),
    ],
)
def test_no_failures(line: str, status: int) -> None:
    assert not is_failure(parse_command(line), status)


@pytest.mark.parametrize(
    "line",
    [
        "make",
        "make 2>&1",
        "make &> make.log",
        "make >log 2>&1",
        "cd src && make -j8 && ./run --fast",
        "timeout 60 ./train.sh",
        "sudo -u app ./deploy.sh",
        "FOO=1 make",
        "bash build.sh",
        "python3 train.py",
        "python3 -m pytest",
        "echo 'a; b | c'",
    ],
)
def test_a_success_speaks_for_what_was_run(line: str) -> None:
    assert vouches(parse_command(line))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "make | tee make.log",
        "make 2>&1 | tee make.log",
        "make; true",
        "make || true",
        "make &",
        "! make",
        "ssh build-host",
        "sudo -i",
        "bash",
        "bash -l",
        "bash -c 'make; true'",
        "python3",
        "python3 -i load.py",
        "docker exec -it web bash",
        "a=1",
    ],
)
def test_a_success_speaks_for_itself_alone(line: str) -> None:
    assert not vouches(parse_command(line))


@given(st.text(alphabet="ab \"'\\|;&$()<>{}-=/\n`!", max_size=60), st.integers(-1, 999))
def test_any_line_and_status_is_judged(line: str, status: int) -> None:
    command = parse_command(line)
    assert isinstance(is_failure(command, status), bool)
    assert isinstance(vouches(command), bool)
