"""What ends an incident without an exit status: another attempt that went well."""

from __future__ import annotations

import pytest

from errors.looks import Looks
from errors.panes import make_rule
from panewatch.errors.attempts import find_one_off, recognize
from panewatch.errors.rulebook import Rulebook

PROMPT = "user@host:~$"
SMALL = Rulebook([
    make_rule("broken", r"^broken (?P<what>\w+)", severity="P0", category="python"),
    make_rule("disk", "^disk full", severity="P0", category="filesystem"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("line", "earlier", "again"),
    [
        ("make", "make", True),
        ("python3 train.py --batch 8", "python3 train.py --batch 32", True),
        ("python3 train.py", "python3 train.py --batch 32 > log 2>&1", True),
        ("python train.py", "python3.11 train.py", True),
        ("cd x && pytest tests -q", "pytest tests", True),
        ("python -m pip install", "python -m pip install --user", True),
        ("./run.sh --fast", "./run.sh", True),
        ("python3 manage.py migrate", "python3 manage.py check", False),
        ("python3 train.py", "python3 eval.py", False),
        ("git push", "git pull", False),
        ("make -C a", "make -C b", False),
        ("make; make install", "make", False),
        ("", "", False),
    ],
)
def test_the_same_program_asked_for_the_same(line: str, earlier: str, *, again: bool) -> None:
    assert recognize(line).is_again(recognize(earlier)) is again


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ('python3 -c "import x"', "python"),
        ("python3.11 -q", "python"),
        ("python", "python"),
        ("node -e 'x()'", "node"),
        ("sudo perl -E say", "perl"),
        ("python3 -c x | head", "python"),
        ("python3 train.py", ""),
        ("python3 -m pytest", ""),
        ("python3 -", ""),
        ("make", ""),
        ("python3 -c x; make", ""),
        ("", ""),
    ],
)
def test_what_was_typed_to_be_run_once(line: str, program: str) -> None:
    assert find_one_off(line) == program


@pytest.fixture
def looks() -> Looks:
    return Looks(SMALL)


def rest(looks: Looks, *lines: str, prompt: str = PROMPT, wait: float = 1.0) -> None:
    """Show that the shell waits at its prompt again."""
    looks.look(*lines, state="idle", screen=[*lines, prompt], wait=wait)


def test_the_same_again_ends_it_when_the_prompt_returns(looks: Looks) -> None:
    rest(looks, f"{PROMPT} ./load", "broken table")
    assert looks.value("pane_incidents_open") == 1
    looks.look(f"{PROMPT} ./load", "loading")
    assert looks.value("pane_incidents_open") == 1
    rest(looks, "loaded")
    assert looks.value("pane_incidents_open") == 0
    assert looks.value("incidents_resolved_total", outcome="success") == 1


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("./load", ["broken table"]),
        ("./load", ["loading", "^C"]),
        ("./load", ["KeyboardInterrupt"]),
        ("./load &", []),
        ("./store", ["stored"]),
        ("cat load", ["loading"]),
    ],
)
def test_no_other_return_to_the_prompt_does(looks: Looks, typed: str, lines: list[str]) -> None:
    rest(looks, f"{PROMPT} ./load", "broken table")
    rest(looks, f"{PROMPT} {typed}", *lines)
    rest(looks, f"{PROMPT} ls")
    assert looks.value("pane_incidents_open") == 1


def test_a_command_that_is_being_typed_has_not_returned(looks: Looks) -> None:
    rest(looks, f"{PROMPT} ./load", "broken table")
    looks.look(f"{PROMPT} ./load", "loading", state="idle", screen=["loading", "root@other:~#"])
    looks.look(state="idle", screen=["loading", f"{PROMPT} ma"])
    assert looks.value("pane_incidents_open") == 1


def test_another_one_off_of_the_same_program_ends_it(looks: Looks) -> None:
    rest(looks, f"{PROMPT} python3 -c 'import pandaz'", "broken module", "disk full")
    rest(looks, f"{PROMPT} node -e 1")
    rest(looks, f"{PROMPT} python3 train.py", "ready")
    assert looks.value("pane_incidents_open") == 2
    rest(looks, f"{PROMPT} python3 -c 'import json; print(1)'", "1")
    assert looks.value("pane_incidents_open") == 1
    assert looks.value("incident_open", rule="disk") == 1


@pytest.mark.parametrize(
    ("command", "is_open"), [("python3 -c 'import pandaz'", 0), ("python3 train.py", 1)]
)
def test_a_one_off_does_not_outlast_an_idle_prompt(
    looks: Looks, command: str, is_open: int
) -> None:
    rest(looks, f"{PROMPT} {command}", "broken module")
    rest(looks, wait=890.0)
    assert looks.value("pane_incidents_open") == 1
    rest(looks, wait=20.0)
    assert looks.value("pane_incidents_open") == is_open
    assert looks.value("incidents_resolved_total", outcome="quiet") == 1 - is_open


def test_a_status_speaks_for_another_attempt_too(looks: Looks) -> None:
    looks.look(f"{PROMPT} ./load.sh --all", "broken table", ended=[looks.end("./load.sh --all", 1)])
    looks.look(f"{PROMPT} ./load.sh", ended=[looks.end("./load.sh", 0)])
    assert looks.value("pane_incidents_open") == 0


def test_what_tail_begins_with_is_old_and_what_follows_is_not(looks: Looks) -> None:
    looks.look(f"{PROMPT} tail -n 2 -f log", "broken one", "broken two", "broken three")
    assert looks.value("pane_incidents_open") == 1
    looks.look(f"{PROMPT} tail -f log", "broken four")
    assert looks.value("pane_incidents_open") == 1
    looks.look("broken five", wait=5.0)
    assert looks.value("pane_incidents_open") == 2
    looks.look("tail: log: file truncated")
