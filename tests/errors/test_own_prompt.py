"""A prompt of the user's own making is learned from where the shell rests."""

from __future__ import annotations

import pytest

from errors.looks import Looks
from panewatch.errors.own_prompt import OwnPrompt
from panewatch.errors.prompt import read_prompt
from panewatch.errors.rulebook import Rulebook

MISSING = "ModuleNotFoundError: No module named 'moola'"


def learn(*rests: str) -> OwnPrompt:
    """Return what was learned from a shell that rested on these lines."""
    own = OwnPrompt()
    for position, line in enumerate(rests):
        own.note(line, position, known=read_prompt(f"{line.rstrip()} ") is not None)
    return own


def test_a_line_on_which_the_shell_rests_twice_is_the_prompt() -> None:
    own = learn("work =>", "work =>  ")
    assert own.find(["x", "work => cat train.log", "works"]) == [1]
    prompt = own.read("work => cat train.log")
    assert prompt is not None
    assert (prompt.kind, prompt.command.text) == ("shell", "cat train.log")
    assert prompt.command.quotes


@pytest.mark.parametrize(
    "rests",
    [
        ("work =>",),
        ("work =>", "home =>"),
        ("work => ca", "work =>", "work => ca"),
        ("=" * 100, "=" * 100),
        ("42", "43"),
        ("$", "$"),  # known without being learned
        ("user@host:~$", "user@host:~$"),
    ],
)
def test_nothing_else_is(rests: tuple[str, ...]) -> None:
    own = learn(*rests)
    assert own.find(["work => cat", "$ cat", rests[0] + " cat"]) == []
    assert own.read(rests[0] + " cat") is None


@pytest.mark.parametrize(
    ("first", "second", "later"),
    [
        ("12:01:02 user %", "12:01:09 user %", "13:44:00 user % cat a"),
        ("[12:01:02] user %", "[12:01:09] user %", "[13:44:00] user % cat a"),
        ("PROD:~/x>", "PROD:/tmp>", "PROD:/srv/a-b> cat a"),
        ("%", "%", "% cat a"),
        ("#", "#", "# cat a"),
        (">", ">", "> cat a"),
        (">>>", ">>>", ">>> cat a"),
        ("me 12 (main) :", "me 13 (fix/1) :", "me 14 (main) : cat a"),
    ],
)
def test_numbers_folders_and_branches_in_it_may_change(first: str, second: str, later: str) -> None:
    own = learn(first, second)
    assert own.find(["x", later, "ready"]) == [1]
    prompt = own.read(later)
    assert prompt is not None
    assert (prompt.command.text, prompt.command.quotes) == ("cat a", True)
    again = own.read(f"{second} make")
    assert again is not None
    assert again.mark == prompt.mark


@pytest.mark.parametrize("line", ["# Heading", "# 1 of 2", "#", "#make", "## make"])
def test_a_sign_alone_begins_other_lines_too(line: str) -> None:
    own = learn("#", "#")
    prompt = own.read(line)
    assert prompt is None


def test_the_same_look_again_teaches_nothing() -> None:
    own = OwnPrompt()
    for _ in range(3):
        own.note("work =>", 7)
    assert own.read("work => make") is None


def test_another_prompt_takes_its_place() -> None:
    own = learn("work =>", "work =>", "home =>", "home =>")
    assert own.read("work => make") is None
    assert own.read("home => make") is not None


def test_what_is_shown_at_a_learned_prompt_is_quoted(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    for number in range(2):
        looks.look(f"out {number}", state="idle", screen=[f"out {number}", "work =>"])
    looks.look("work => cat train.log", MISSING, state="idle", screen=[MISSING, "work =>"])
    assert looks.value("pane_error_lines_total") == 0
    assert looks.value("pane_lines_noise_total") == 1
    looks.look("work => python3 train.py", MISSING)
    assert looks.value("pane_error_lines_total") == 1


def test_programs_other_than_shells_have_no_prompt_to_learn(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    for number in range(2):
        screen = [f"out {number}", "work =>"]
        looks.look(f"out {number}", state="idle", screen=screen, command="python3")
    looks.look("work => cat train.log", MISSING)
    assert looks.value("pane_error_lines_total") == 1
