"""A kill is told as a kill, whatever was typed, or went wrong, moments before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors.looks import PROMPT, Looks
from panewatch.errors.rulebook import Rulebook

SLIP = "bash: foo: command not found"
KILLS = {"exit-killed", "process-killed"}
UNKNOWN = "unk>"
"""A prompt of no usual shape."""

MOST = 5


def open_rules(looks: Looks) -> dict[str, str]:
    """The rules with open incidents, and how bad these are."""
    return {
        sample.labels["rule"]: sample.labels["severity"]
        for family in looks.observer.collect()
        for sample in family.samples
        if sample.name == "panewatch_incident_open"
    }


@pytest.mark.parametrize("prompt", [PROMPT, UNKNOWN])
def test_a_kill_whose_prompt_was_not_read_is_no_consequence(
    rulebook: Rulebook, prompt: str
) -> None:
    """An agent takes the whole screen, and nobody ever sees the line that started it."""
    looks = Looks(rulebook)
    looks.look(f"{prompt} foo", SLIP, prompt, ended=[looks.end("foo", 127)])
    assert open_rules(looks) == {"shell-command-missing": "P2"}
    looks.look(ended=[looks.end("claude", 137)])
    assert open_rules(looks) == {"shell-command-missing": "P2", "exit-killed": "P0"}


def test_nor_one_of_a_failure_that_had_ended(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    looks.look(f"{PROMPT} ./job", PROMPT, ended=[looks.end("./job", 3, seconds=90.0)])
    assert open_rules(looks) == {"job-failed": "P1"}
    looks.look(ended=[looks.end("claude", 137)])
    assert open_rules(looks) == {"job-failed": "P1", "exit-killed": "P0"}


def test_a_kill_in_the_same_command_is_a_consequence_of_a_failure_and_not_of_a_slip(
    rulebook: Rulebook,
) -> None:
    looks = Looks(rulebook)
    looks.look(f"{PROMPT} ./run.sh", SLIP, "worker exited with code 137")
    assert open_rules(looks) == {"shell-command-missing": "P2", "exit-killed": "P0"}
    looks = Looks(rulebook)
    looks.look(f"{PROMPT} ./run.sh", "RuntimeError: CUDA out of memory. Tried to allocate 2 GiB")
    before = open_rules(looks)
    looks.look("worker exited with code 137")
    assert open_rules(looks) == before
    assert KILLS.isdisjoint(before)


COMMANDS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 127]),
        st.sampled_from([PROMPT, UNKNOWN, ""]),
        st.booleans(),
    ),
    max_size=MOST,
)


@settings(max_examples=60, deadline=None)
@given(COMMANDS, st.sampled_from([PROMPT, UNKNOWN, ""]), st.booleans(), st.booleans())
def test_whatever_came_before_a_kill_is_told_as_one(
    rulebook: Rulebook,
    commands: list[tuple[int, str, bool]],
    prompt: str,
    says: bool,
    together: bool,
) -> None:
    """Commands that end well, fail or are mistyped; prompts are known, not known or not seen."""
    looks = Looks(rulebook)
    lines, ended = [], []
    for number, (status, at, tells) in enumerate(commands):
        if at:
            lines.append(f"{at} foo{number}")
        if status and tells:
            lines.append(f"bash: foo{number}: command not found")
        ended.append(looks.end(f"foo{number}", status))
        if not together:
            looks.look(*lines, ended=ended)
            lines, ended = [], []
    last = [f"{prompt} ./train"] * bool(prompt) + ["Killed"] * says
    looks.look(*lines, *last, ended=[*ended, looks.end("./train", 137)])
    found = open_rules(looks)
    # Where several ended at once and no prompt tells them apart, one error speaks for all.
    if says or prompt == PROMPT or not together:
        assert KILLS & found.keys()
    assert all(severity == "P0" for rule, severity in found.items() if rule in KILLS)
    assert all(severity != "P0" for rule, severity in found.items() if rule not in KILLS)
