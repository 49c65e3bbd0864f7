"""Many panes in one answer: what adds up is right, and what does not is asked for again."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panes.private_tmux import PrivateTmux
from panewatch.panes.look import Absence, Look, Looks, Request
from panewatch.panes.sweep import Reader
from panewatch.panes.tally import parse_tally, write_tally
from panewatch.panes.tmux import Tmux
from polling import wait_until

NONCE = "5eed" * 8
HEIGHT = 3
GROUP = 20

WORDS = st.sampled_from(["", "a", "%1 9 9", "H %1 0 0 1 80 3 0 0", "display-message", "5eed" * 7])
SCREENS = st.lists(
    st.tuples(st.integers(0, 4), st.lists(WORDS, min_size=7, max_size=7)), min_size=1, max_size=45
)


class Answer:
    """What tmux prints for a tally of panes, each with some history and lines for all rows."""

    def __init__(self, screens: list[tuple[int, list[str]]], rows: int = 2) -> None:
        self.requests = [Request(f"%{place}", 100, rows) for place in range(len(screens))]
        self.headers = {
            f"%{place}": f"%{place} {history} 1 {place} 80 {HEIGHT} 0 0"
            for place, (history, _) in enumerate(screens)
        }
        self.places = {
            pane: " ".join(header.split(" ")[:3]) for pane, header in self.headers.items()
        }
        self.lines = {
            f"%{place}": lines[: min(rows, history) + HEIGHT]
            for place, (history, lines) in enumerate(screens)
        }

    def read(self) -> Looks:
        parts = ["whatever came before\n"]
        parts.append("".join(f"{header}\n" for header in self.headers.values()))
        for begin in range(0, len(self.requests), GROUP):
            group = self.requests[begin : begin + GROUP]
            parts.append("".join(f"{line}\n" for r in group for line in self.lines[r.pane_id]))
        parts.append("".join(f"{place}\n" for place in self.places.values()))
        return parse_tally(f"{NONCE}\n".join(parts), NONCE, self.requests, 4096)

    def find_group(self, pane: str) -> set[str]:
        begin = int(pane[1:]) // GROUP * GROUP
        return {request.pane_id for request in self.requests[begin : begin + GROUP]}


def list_lines(looks: Looks) -> dict[str, list[str]]:
    return {
        pane: look.capture.text.lines
        for pane, look in looks.items()
        if isinstance(look, Look) and look.capture and look.capture.text
    }


@given(SCREENS)
def test_each_pane_has_its_own_lines(screens: list[tuple[int, list[str]]]) -> None:
    answer = Answer(screens)
    looks = answer.read()
    assert list_lines(looks) == answer.lines
    for place, (history, _) in enumerate(screens):
        look = looks[f"%{place}"]
        assert isinstance(look, Look)
        assert look.capture is not None
        assert (look.capture.grid.pid, look.capture.grid.history) == (place, history)


@given(SCREENS, st.data())
def test_a_group_that_does_not_add_up_tells_nothing(
    screens: list[tuple[int, list[str]]], data: st.DataObject
) -> None:
    answer = Answer(screens)
    pane = data.draw(st.sampled_from(sorted(answer.lines)))
    if data.draw(st.booleans()):
        answer.lines[pane] = answer.lines[pane][1:]
    else:
        answer.lines[pane] = [*answer.lines[pane], "a hook of the user's printed this"]
    looks = answer.read()
    group = answer.find_group(pane)
    assert set(looks) == set(answer.lines) - group
    assert list_lines(looks) == {p: lines for p, lines in answer.lines.items() if p not in group}


@given(SCREENS, st.data())
def test_a_pane_that_printed_meanwhile_voids_its_group(
    screens: list[tuple[int, list[str]]], data: st.DataObject
) -> None:
    answer = Answer(screens)
    pane = data.draw(st.sampled_from(sorted(answer.lines)))
    later = data.draw(st.sampled_from([f"{pane} 7 1", f"{pane} 0 2", pane, None]))
    if later is None:
        del answer.places[pane]
    else:
        answer.places[pane] = later
    assert set(answer.read()) == set(answer.lines) - answer.find_group(pane)


def test_a_pane_that_is_not_listed_is_gone() -> None:
    answer = Answer([(1, list("abcdefg")) for _ in range(3)])
    del answer.headers["%1"]
    answer.lines["%1"] = []
    looks = answer.read()
    assert looks["%1"] is Absence.VANISHED
    assert list_lines(looks) == {"%0": list("abcd"), "%2": list("abcd")}


@pytest.mark.parametrize("header", ["%0", "%0 1", "%0 1 1", "%0 1 1 x 80 3 0 0", "%0 1 1 1 80 3 0"])
def test_numbers_that_cannot_be_read_void_a_group(header: str) -> None:
    answer = Answer([(1, list("abcdefg"))])
    answer.headers["%0"] = header
    assert answer.read() == {}


def test_an_answer_that_was_cut_short_tells_nothing() -> None:
    request = Request("%0", 100)
    assert parse_tally("", NONCE, [request], 99) == {}
    assert parse_tally(f"{NONCE}\n%0 0 0 1 80 1 0 0\n{NONCE}\na\n", NONCE, [request], 99) == {}


def test_frames_cannot_be_known_before() -> None:
    nonce = secrets.token_hex(16)
    script = write_tally([Request("%0", 100, 7)], nonce)
    assert script.count(f"display-message -p {nonce}\n") == 3
    assert "capture-pane -p -J -t %0 -S -7\n" in script


COMMANDS = {
    "plain": "seq 1 40; exec sleep 1000",
    "wide": "printf '漢字 %s\\n' 1 2 3; exec sleep 1000",
    "wrapping": "printf '%0200d\\n' 1; exec sleep 1000",
    "unfinished": "printf '%080d' 1; exec sleep 1000",
    "alternate": "echo below; printf '\\033[?1049hmenu'; exec sleep 1000",
    "dead": "seq 1 40; exit 3",
    "gone": "exec sleep 1000",
}


def describe(looks: Looks) -> dict[str, object]:
    """Return looks in a form that can be compared."""
    described: dict[str, object] = {}
    for pane, look in looks.items():
        described[pane] = look
        if isinstance(look, Look) and look.capture is not None:
            capture, text = look.capture, look.capture.text
            shown = text and (text.lines, list(text.starts), text.stop)
            described[pane] = (capture.grid, shown, capture.alternate, capture.alternate_cursor)
    return described


def make_reader(tmux: PrivateTmux) -> Reader:
    return Reader(Tmux("tmux", (), tmux.socket, 5), 4096)


def read(reader: Reader, requests: list[Request]) -> Looks:
    return {pane: look for looks in reader.read(requests) for pane, look in looks.items()}


def test_a_tally_shows_the_same_as_looks_one_by_one(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux.start("exec sleep 1000")
    kinds = [*COMMANDS] * 4
    panes = [tmux.open(COMMANDS[kind]) for kind in kinds]
    requests = [Request(pane, 2000, 9) for pane in panes]
    one_by_one = make_reader(tmux)
    monkeypatch.setattr("panewatch.panes.sweep._LEAST_TALLIED", 99)

    def settle() -> dict[str, object] | None:
        looks = read(one_by_one, requests)
        shown = [
            isinstance(look, Look) and (
                any(look.capture.text.lines)
                if look.capture and look.capture.text else look.alternate
            )
            for look in looks.values()
        ]  # fmt: skip
        return describe(looks) if all(shown) else None

    for kind, pane in zip(kinds, panes, strict=True):
        if kind == "gone":
            tmux.run("respawn-pane", "-k", "-t", pane, "echo here; exec sleep 1000")
    wait_until(lambda: tmux.run("list-panes", "-a", "-F", "#{pane_dead}").count("1") == 4)
    wait_until(settle)
    for kind, pane in zip(kinds, panes, strict=True):
        if kind == "gone":
            tmux.run("kill-pane", "-t", pane)
    expected = describe(read(one_by_one, requests))
    monkeypatch.setattr("panewatch.panes.sweep._LEAST_TALLIED", 1)
    tallying = make_reader(tmux)
    first = describe(read(tallying, requests))
    assert first == expected
    # To try, for the tally, and for its groups that did not add up.
    assert tallying.calls == 3
    again = describe(read(tallying, requests))
    assert again == expected
    # What wraps is asked for one by one now, and the rest adds up.
    assert tallying.calls == 5
    assert sum(look is Absence.VANISHED for look in again.values()) == 4


def test_panes_that_are_read_beside_a_listing_are_tallied_too(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux.start("exec sleep 1000")
    kinds = [kind for kind in COMMANDS if kind not in {"dead", "gone"}] * 3
    panes = [tmux.open(COMMANDS[kind]) for kind in kinds]
    requests = [
        Request(pane, 2000, 9, alternate=kind == "alternate")
        for kind, pane in zip(kinds, panes, strict=True)
    ]
    one_by_one, tallying = make_reader(tmux), make_reader(tmux)
    monkeypatch.setattr("panewatch.panes.sweep._LEAST_TALLIED", 99)
    assert len(read(one_by_one, requests)) == len(read(tallying, requests)) == len(panes)
    listing = [("list-panes", "-a", "-F", "#{pane_id} listed")]
    listed = "".join(f"{pane} listed\n" for pane in ["%0", *panes])

    def look(reader: Reader, least: int) -> tuple[str, dict[str, object]]:
        with monkeypatch.context() as patch:
            patch.setattr("panewatch.panes.sweep._LEAST_TALLIED", least)
            text, looks = reader.read_beside(listing, requests)
        return text, describe(looks)

    wait_until(
        lambda: all(
            isinstance(look, tuple) and any(look[1][0]) for look in look(one_by_one, 99)[1].values()
        )
    )
    wrapping = {pane for kind, pane in zip(kinds, panes, strict=True) if kind == "wrapping"}
    expected = look(one_by_one, 99)
    assert expected[0] == listed
    text, looks = look(tallying, 1)
    alternate = {pane for kind, pane in zip(kinds, panes, strict=True) if kind == "alternate"}
    assert (text, set(looks)) == (listed, alternate)
    # The next read shows which panes spoiled it.
    assert read(tallying, requests[:10]).keys() < set(panes)
    assert describe(read(tallying, requests)) == expected[1]
    calls = tallying.calls
    assert look(tallying, 1) == expected
    assert tallying.calls == calls + 1
    assert tallying._apart == wrapping


def test_a_hook_that_prints_does_not_make_every_read_a_double_one(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux.start("seq 1 5; exec sleep 1000")
    panes = ["%0", *(tmux.open("seq 1 5; exec sleep 1000") for _ in range(3))]
    requests = [Request(pane, 2000) for pane in panes]
    monkeypatch.setattr("panewatch.panes.sweep._LEAST_TALLIED", 1)
    tmux.run("set-hook", "-g", "after-capture-pane", "display-message -p surprise")
    reader = make_reader(tmux)
    assert set(read(reader, requests)) == set(panes)
    assert reader.calls == 3
    assert set(read(reader, requests)) == set(panes)
    assert reader.calls == 4


def test_few_panes_of_a_large_server_are_asked_for_one_by_one(tmux: PrivateTmux) -> None:
    tmux.start("exec sleep 1000")
    reader = make_reader(tmux)
    jobs = list(reader._plan([Request(f"%{n}", 2000) for n in range(150)]))
    assert [job.tallies for job in jobs] == [True]
    reader._listed = 1000
    jobs = list(reader._plan([Request(f"%{n}", 2000) for n in range(150)]))
    assert [job.tallies for job in jobs] == [False]
    mixed = [Request(f"%{n}", 2000, alternate=n % 10 == 0) for n in range(600)]
    jobs = list(reader._plan(mixed))
    assert [(job.tallies, len(job.requests)) for job in jobs] == [
        (True, 500),
        (True, 40),
        (False, 60),
    ]
