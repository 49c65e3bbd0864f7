"""What counts as a context switch, told from listings and by a real tmux."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest

from panes.private_tmux import PrivateTmux
from panes.watching import EAGER, Watch
from panewatch.config import Config
from panewatch.panes.attention import Attention, Place
from panewatch.panes.listing import Listing, PaneFacts, ServerId, list_panes
from panewatch.panes.switches import Switches, calls_for_person
from panewatch.panes.tmux import Tmux
from polling import wait_until

SERVER = ServerId(100, 1)
SHAPE = {"$0": {"@0": ["%0", "%1"], "@1": ["%2"]}, "$1": {"@2": ["%3"]}}
"""Sessions, their windows, and the panes of those."""


def list_places(
    active: dict[str, str],
    clients: dict[str, str],
    shape: dict[str, dict[str, list[str]]] = SHAPE,
    server: ServerId = SERVER,
) -> Listing:
    """A listing in which ``active`` names each session's pane, and ``clients`` their sessions."""
    facts: dict[str, list[PaneFacts]] = {}
    sessions = {}
    for session, windows in shape.items():
        for window, panes in windows.items():
            for pane in panes:
                facts.setdefault(pane, []).append(
                    PaneFacts(pane, 0, False, False, 1, session, "0", "0", None, None, "sh",
                              session, window)
                )  # fmt: skip
                if active.get(session) == pane:
                    sessions[session] = Place(f"name-{session[1:]}", window, pane)
    return Listing(server, dict.fromkeys(facts, ""), facts, Attention(sessions, clients))


def count_switches(*listings: Listing, called: bool = False) -> dict[str, tuple[float, float]]:
    """Switches and interruptions of each session that switched."""
    switches = Switches()
    for listing in listings:
        switches.note(listing, lambda: called)
    first, second = (
        {sample.labels["session"]: sample.value for sample in family.samples}
        for family in switches.collect("test")
    )
    assert first.keys() == second.keys()
    return {name: (first[name], second[name]) for name in first if first[name]}


HERE = {"$0": "%0", "$1": "%3"}
ATTACHED = {"=1": "$0"}


class TestCore:
    def test_sessions_are_shown_from_the_start(self) -> None:
        switches = Switches()
        switches.note(list_places(HERE, {}), lambda: False)
        families = {family.name: family for family in switches.collect("test")}
        assert {name: [s.value for s in f.samples] for name, f in families.items()} == {
            "panewatch_pane_switches": [0.0, 0.0],
            "panewatch_pane_interruptions": [0.0, 0.0],
        }

    @pytest.mark.parametrize("target", ["%1", "%2"], ids=["pane", "window"])
    def test_another_pane_becomes_active(self, target: str) -> None:
        before, after = (list_places(HERE | {"$0": pane}, ATTACHED) for pane in ("%0", target))
        assert count_switches(before, after) == {"name-0": (1, 0)}
        assert count_switches(before, after, after, before) == {"name-0": (2, 0)}

    def test_while_something_calls(self) -> None:
        listings = [list_places(HERE | {"$0": pane}, ATTACHED) for pane in ("%0", "%1")]
        assert count_switches(*listings, called=True) == {"name-0": (1, 1)}

    @pytest.mark.parametrize(
        ("before", "after"), [({}, {}), ({}, ATTACHED), (ATTACHED, {}), ({"=1": "$1"},) * 2]
    )
    def test_nobody_looks(self, before: dict[str, str], after: dict[str, str]) -> None:
        listings = list_places(HERE, before), list_places(HERE | {"$0": "%1"}, after)
        assert count_switches(*listings) == {}

    def test_a_client_moves_to_another_session(self) -> None:
        listings = list_places(HERE, {"=1": "$0", "=2": "$0"}), list_places(HERE, {"=1": "$1"})
        assert count_switches(*listings) == {"name-1": (1, 0)}

    def test_a_client_that_moves_and_turns_switches_once(self) -> None:
        clients = {"=1": "$0", "=2": "$1"}
        before = list_places(HERE, clients)
        after = list_places(HERE | {"$0": "%2"}, dict.fromkeys(clients, "$0"))
        assert count_switches(before, after) == {"name-0": (1, 0)}

    def test_a_client_whose_session_is_gone_did_not_choose(self) -> None:
        shape = {"$0": SHAPE["$0"]}
        listings = list_places(HERE, {"=1": "$1"}), list_places(HERE, ATTACHED, shape)
        assert count_switches(*listings) == {}

    @pytest.mark.parametrize(
        "shape",
        [
            {"@0": ["%1"], "@1": ["%2"]},
            {"@1": ["%2"]},
            {"@0": ["%1"], "@1": ["%2"], "@9": ["%0"]},
        ],
        ids=["pane ended", "window closed", "pane was moved out"],
    )
    def test_tmux_had_to_choose(self, shape: dict[str, list[str]]) -> None:
        active = "%1" if "@0" in shape else "%2"
        after = list_places({"$0": active}, ATTACHED, {"$0": shape})
        assert count_switches(list_places(HERE, ATTACHED), after) == {}

    def test_a_window_that_leaves_its_session(self) -> None:
        shape = {"$0": {"@1": ["%2"]}, "$1": {"@2": ["%3"], "@0": ["%0", "%1"]}}
        after = list_places({"$0": "%2", "$1": "%3"}, ATTACHED, shape)
        assert count_switches(list_places(HERE, ATTACHED), after) == {}

    def test_a_pane_that_takes_its_window_along_is_looked_at_still(self) -> None:
        shape = {"$0": {"@0": ["%1"], "@9": ["%0"]}}
        after = list_places({"$0": "%0"}, ATTACHED, shape)
        assert count_switches(list_places(HERE, ATTACHED), after) == {}

    def test_a_linked_window_switches_where_a_client_is(self) -> None:
        shape = {"$0": SHAPE["$0"], "$1": SHAPE["$0"]}
        before = list_places({"$0": "%0", "$1": "%2"}, ATTACHED, shape)
        after = list_places({"$0": "%2", "$1": "%0"}, ATTACHED, shape)
        assert count_switches(before, after) == {"name-0": (1, 0)}

    def test_another_server_begins_anew(self) -> None:
        first = [list_places(HERE | {"$0": pane}, ATTACHED) for pane in ("%0", "%1")]
        other = list_places(HERE, {"=1": "$1"}, server=ServerId(101, 2))
        assert count_switches(*first, other) == {}

    def test_a_session_that_is_gone_leaves_nothing(self) -> None:
        first = [list_places(HERE | {"$0": pane}, ATTACHED) for pane in ("%0", "%1")]
        without = list_places(HERE, {}, {"$1": SHAPE["$1"]})
        assert count_switches(*first, without, first[0]) == {}

    def test_what_calls_for_a_person(self) -> None:
        def judge(state: str, *, dead: bool = False, status: int | None = None) -> bool:
            facts = list_places(HERE, {}).facts["%0"][0]
            shown = PaneFacts(facts.pane_id, 0, False, dead, 1, "", "", "", status, None, "sh")
            return calls_for_person(state, shown)

        assert judge("waiting_input")
        assert judge("dead", dead=True, status=1)
        assert not judge("dead", dead=True, status=0)
        assert not judge("dead", dead=True)
        assert not judge("working")


class Viewer:
    """A client of a real server, on a terminal of its own."""

    def __init__(self, tmux: PrivateTmux, session: str) -> None:
        self._tmux = tmux
        self._primary, secondary = pty.openpty()
        # What tmux draws is thrown away by the kernel once the terminal's buffer is full.
        os.set_blocking(self._primary, False)
        environment = {k: v for k, v in os.environ.items() if k not in {"TMUX", "TMUX_PANE"}}
        self._process = subprocess.Popen(
            ["tmux", "-u", "-S", tmux.socket, "attach", "-t", session],
            stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True,
            env=environment | {"TERM": "screen", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        os.close(secondary)
        wait_until(lambda: str(self._process.pid) in self._list(), what="the client")
        self.name = next(
            line.split()[1] for line in self._list().splitlines()
            if line.startswith(f"{self._process.pid} ")
        )  # fmt: skip

    def _list(self) -> str:
        return self._tmux.run("list-clients", "-F", "#{client_pid} #{client_name}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._primary)


@contextmanager
def viewing(tmux: PrivateTmux, session: str) -> Iterator[Viewer]:
    with ExitStack() as stack:
        viewer = Viewer(tmux, session)
        stack.callback(viewer.close)
        yield viewer


class Counting:
    """Switches as a sweeper counts them, of what is there at the moment."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self._watch = Watch(tmux)
        self._tmux = Tmux("tmux", (), tmux.socket, 5.0)

    def read(self, metric: str = "pane_switches") -> dict[str, float]:
        sweeper = self._watch.sweeper
        # Facts are asked for once in a while; the first sweep after a reload always does.
        sweeper.reconfigure("test", self._tmux, Config(panes=EAGER))
        sweeper.adopt()
        self._watch.look()
        assert sweeper.published is not None
        family = next(f for f in sweeper.published.families if f.name == f"panewatch_{metric}")
        assert {sample.labels["server"] for sample in family.samples} == {"test"}
        return {sample.labels["session"]: sample.value for sample in family.samples}


@pytest.fixture
def place(tmux: PrivateTmux) -> PrivateTmux:
    """A server with a session of three panes in two windows, and another session."""
    tmux.start("sleep 1000", session="work")
    tmux.run("split-window", "-d", "-t", "work:0", "sleep 1000")
    tmux.open("sleep 1000", name="work")
    tmux.run("new-session", "-d", "-s", 'we"ird \tname', "sleep 1000")
    return tmux


class TestRealServer:
    def test_switches_count_where_a_client_is(self, place: PrivateTmux) -> None:
        counting = Counting(place)
        other = next(name for name in counting.read() if name != "work")
        place.run("select-pane", "-t", "work:0.1")
        assert counting.read() == {"work": 0, other: 0}, "nobody is attached"
        with viewing(place, "work") as viewer:
            expected = count(1)
            assert counting.read() == {"work": 0, other: 0}, "attaching is no switch"
            steps: list[Callable[[], str]] = [
                lambda: place.run("select-pane", "-t", "work:0.0"),
                lambda: place.run("select-window", "-t", "work:1"),
                lambda: place.run("new-window", "-t", "work:", "sleep 1000"),
            ]
            for step in steps:
                step()
                assert counting.read() == {"work": next(expected), other: 0}
            place.run("switch-client", "-c", viewer.name, "-t", "$1")
            assert counting.read() == {"work": 3, other: 1}
            place.run("select-window", "-t", "work:0")
            assert counting.read() == {"work": 3, other: 1}, "nobody looks there any more"

    def test_what_tmux_does_by_itself_is_no_switch(self, place: PrivateTmux) -> None:
        place.run("set-option", "-g", "remain-on-exit", "off")
        counting = Counting(place)
        with viewing(place, "work"):
            counting.read()
            for step in (
                ("kill-pane", "-t", "work:0.0"),
                ("move-window", "-d", "-s", "work:1", "-t", "work:7"),
                ("rename-window", "-t", "work:0", "other"),
                ("link-window", "-d", "-s", "work:7", "-t", "work:3"),
                ("kill-window", "-t", "work:0"),
                ("split-window", "-d", "-t", "work:", "sleep 1000"),
                ("break-pane", "-t", "work:"),
                ("rename-session", "-t", "work", "play"),
            ):
                place.run(*step)
                counts = counting.read()
                assert set(counts.values()) == {0}, step
            assert "play" in counts

    def test_a_failed_command_is_what_interrupts(self, place: PrivateTmux) -> None:
        counting = Counting(place)
        with viewing(place, "work"):
            counting.read()
            place.run("select-window", "-t", "work:1")
            assert counting.read("pane_interruptions")["work"] == 0
            pane = place.open("exit 3", name="work")
            wait_until(lambda: place.ask("#{pane_dead_status}", pane) == "3")
            counting.read()
            place.run("select-window", "-t", "work:0")
            assert counting.read()["work"] == 2
            assert counting.read("pane_interruptions")["work"] == 1


def test_a_name_cannot_look_like_another_row(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000", session="$9 @9 %9\t=1 $0\n%7")
    listing = list_panes(Tmux("tmux", (), tmux.socket, 5.0), full=True)
    assert list(listing.attention.sessions) == ["$0"]
    assert listing.attention.clients == {}
    assert list(listing.facts) == ["%0"]
    (facts,) = listing.facts["%0"]
    assert listing.attention.sessions["$0"] == Place(facts.session, "@0", "%0")
