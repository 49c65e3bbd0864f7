"""Recorded screens of real programs mean what they meant when they were recorded."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest

from panes.screens.recordings import AGENTS, Recording, load_book, load_recordings, name
from panewatch.panes.screens.trial import frame_text

RECORDINGS = load_recordings()
LEAST = 6

MAY_WAIT = {
    "goose": {"permission"}, "aider": {"permission"}, "amazonq": {"permission"},
    "amp": {"permission"}, "auggie": {"permission"}, "cursor": {"permission"},
    "copilot": {"permission"},
}  # fmt: skip
"""What those agents wait for that do not ask questions besides permissions."""


@pytest.mark.parametrize("recording", RECORDINGS, ids=name)
def test_a_screen_of_a_known_process(recording: Recording) -> None:
    book = load_book()
    assert book.read(recording.frame, recording.process, recording.means.agent) == recording.means


@pytest.mark.parametrize("recording", [r for r in RECORDINGS if r.alone], ids=name)
def test_a_screen_that_has_to_tell_by_itself(recording: Recording) -> None:
    assert load_book().read(recording.frame, "", "") == recording.means


@pytest.mark.parametrize("recording", [r for r in RECORDINGS if r.alone], ids=name)
def test_a_screen_of_a_process_that_carries_it(recording: Recording) -> None:
    """In a container, on another host, under an interpreter."""
    for process in ("docker", "ssh", "node"):
        assert load_book().read(recording.frame, process, "") == recording.means


@pytest.mark.parametrize("recording", RECORDINGS, ids=name)
def test_blanks_around_a_screen_mean_nothing(recording: Recording) -> None:
    padded = "\n\n" + "\n".join(f"{row:<90}" for row in recording.text.split("\n"))
    frame = frame_text(padded)
    frame = frame._replace(lines=[*frame.lines, " " * 90, "", ""])
    assert load_book().read(frame, recording.process, recording.means.agent) == recording.means


@pytest.mark.parametrize("agent", AGENTS)
def test_nothing_above_the_live_part_counts(agent: str) -> None:
    """Any picture of an agent, and below it any other: the lower one is how things are."""
    book = load_book()
    mine = [one for one in RECORDINGS if one.file == agent and one.alone]
    wrong = [
        (above.name, below.name)
        for below in mine
        for above in mine
        for frame in [frame_text(f"{above.text.rstrip()}\n\n{below.text}")]
        for read in (book.read(frame, below.process, agent), book.read(frame, "", ""))
        if (read.state, read.kind) != (below.means.state, below.means.kind)
    ]
    assert len(mine) > 1
    assert wrong == []


@pytest.mark.parametrize("recording", [r for r in RECORDINGS if r.file in AGENTS], ids=name)
def test_an_agent_that_ended_is_no_agent(recording: Recording) -> None:
    frame = frame_text(f"{recording.text.rstrip()}\nKilled\ndev@box:~/src$ ")
    for process in ("bash", ""):
        screen = load_book().read(frame, process, "")
        assert (screen.state, screen.program) == ("idle", "shell")


def test_every_agent_is_shown_working_resting_and_waiting() -> None:
    states: defaultdict[str, Counter[str]] = defaultdict(Counter)
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for recording in RECORDINGS:
        states[recording.file][recording.means.state] += 1
        kinds[recording.file] |= {recording.means.kind} - {""}
    for agent in AGENTS:
        assert states[agent].total() >= LEAST
        assert {"working", "idle", "waiting_input"} <= set(states[agent])
        assert MAY_WAIT.get(agent, {"permission", "question"}) <= kinds[agent]


@pytest.mark.parametrize("recording", RECORDINGS, ids=name)
def test_every_recording_says_where_and_when(recording: Recording) -> None:
    assert recording.source
    assert re.fullmatch(r"202[4-6]-\d\d-\d\d", recording.date)
