"""Panes that appear, move, are renamed, linked, die and come back."""

from __future__ import annotations

import time

import pytest
from structlog.testing import capture_logs

from panes.private_tmux import PrivateTmux, Puppet
from panes.watching import EAGER, Watch
from panewatch.panes.model import Identity
from panewatch.panes.tmux import TmuxError
from polling import wait_until


def place(watch: Watch, pane: str) -> tuple[str, str, str]:
    _, session, window, index = watch.view(pane).identity
    return session, window, index


@pytest.mark.parametrize(
    ("command", "status", "signal"),
    [("exit 0", 0, None), ("exit 137", 137, None), ("kill -9 $$", None, 9)],
)
def test_a_dead_pane_tells_how_it_ended(
    tmux: PrivateTmux, command: str, status: int | None, signal: int | None
) -> None:
    tmux.start("sleep 1000")
    watch = Watch(tmux)
    pane = tmux.open(f"echo last words; printf unfinished; tmux wait-for end; {command}")
    # A busy machine may close the terminal before tmux has read it: then the words are lost.
    wait_until(lambda: "unfinished" in tmux.run("capture-pane", "-p", "-t", pane))
    tmux.run("wait-for", "-S", "end")
    # The terminal closes a moment before tmux has learned the exit status.
    wait_until(lambda: watch.look() or (watch.view(pane).exit_status, watch.view(pane).exit_signal)
               == (status, signal) != (None, None))  # fmt: skip
    wait_until(lambda: watch.look() or watch.witness.texts(pane))
    view = watch.view(pane)
    assert view.state == "dead"
    assert view.gaps == 0
    assert watch.witness.texts(pane) == ["last words", "unfinished"]
    assert view.processes is None


def test_a_server_is_told_when_it_is_found_and_when_it_is_back(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    tmux.open("sleep 1000")
    watch = Watch(tmux)
    with capture_logs() as log:
        watch.look()
        watch.look()
        for reason in ("timeout", "no_server"):
            watch.sweeper._fail(TmuxError(reason, "for a test"))
            watch.sweeper._next_list = 0.0  # no pause before the next try
            watch.look()
            watch.look()
    assert [(line["event"], line["server"], line.get("panes")) for line in log] == [
        ("tmux server found", "test", 2),
        ("tmux server cannot be read", "test", None),
        ("tmux server can be read again", "test", 2),
        ("tmux server cannot be read", "test", None),
        ("tmux server lost", "test", 2),
        ("tmux server found", "test", 2),
    ]


def test_a_pane_that_ends_without_remaining_is_gone(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    tmux.run("set-option", "-g", "remain-on-exit", "off")
    watch = Watch(tmux)
    pane = tmux.open("cat")
    watch.look()
    key = next(key for key in watch.sweeper._roster.panes.values() if key.facts.pane_id == pane).key
    tmux.run("send-keys", "-t", pane, "C-d")
    wait_until(lambda: watch.look() or len(watch.published.panes) == 1)
    assert watch.witness.forgotten == [key]


def test_a_dead_pane_that_is_respawned_goes_on_without_a_gap(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    watch = Watch(tmux)
    pane = tmux.open("seq 1 50; tmux wait-for end; exit 1")
    wait_until(lambda: "50" in tmux.run("capture-pane", "-p", "-t", pane))
    tmux.run("wait-for", "-S", "end")
    wait_until(lambda: watch.look() or watch.view(pane).state == "dead")
    watch.look()
    tmux.run("respawn-pane", "-t", pane, "seq 51 60; sleep 1000")
    wait_until(lambda: watch.look() or watch.view(pane).lines == 60)
    assert watch.witness.texts(pane) == [str(n) for n in range(1, 61)]
    assert watch.view(pane).gaps == 0
    wait_until(lambda: watch.look() or watch.view(pane).state == "working")
    assert watch.view(pane).exit_status is None


def test_windows_and_names_change_but_panes_stay(tmux: PrivateTmux) -> None:
    puppet = Puppet(tmux)
    watch = Watch(tmux)
    puppet.print("one", "two")
    watch.look()
    assert place(watch, puppet.pane) == ("main", "0", "0")
    before = watch.view(puppet.pane)
    new = tmux.run("split-window", "-d", "-P", "-F", "#{pane_id}", "-t", puppet.pane, "sleep 1000")
    tmux.run("select-pane", "-t", new)
    tmux.run("resize-pane", "-Z", "-t", puppet.pane)
    tmux.run("rename-window", "-t", puppet.pane, 'new "name" {}')
    watch.look()
    after = watch.view(puppet.pane)
    assert after.identity == before.identity
    assert after.lines == before.lines
    assert after.gaps == 0
    tmux.run("rename-session", "-t", "main", "other")
    wait_until(lambda: watch.look() or place(watch, puppet.pane) == ("other", "0", "0"))
    renamed = watch.view(puppet.pane)
    assert renamed.lines == before.lines
    assert watch.witness.forgotten == []
    puppet.print("three")
    watch.look()
    assert watch.witness.texts(puppet.pane) == ["one", "two", "three"]


def test_panes_that_swap_places_let_no_counter_fall(tmux: PrivateTmux) -> None:
    first = Puppet(tmux)
    second = Puppet.beside(tmux)
    watch = Watch(tmux)
    first.print(*map(str, range(20)))
    second.print("a", "b")
    watch.look()
    counts = {view.identity: view.lines for view in watch.published.panes}
    assert sorted(counts.values()) == [2, 20]
    tmux.run("swap-pane", "-d", "-s", first.pane, "-t", second.pane)
    first.print("20")
    wait_until(lambda: watch.look() or place(watch, first.pane)[1] == "1")
    after = {view.identity: view.lines for view in watch.published.panes}
    assert after.keys() == counts.keys()
    assert sum(after.values()) == sum(counts.values()) + 1
    assert all(after[place] >= counts[place] for place in counts)
    assert watch.witness.texts(first.pane) == list(map(str, range(21)))


def test_a_window_in_two_sessions_counts_once(tmux: PrivateTmux) -> None:
    puppet = Puppet(tmux)
    watch = Watch(tmux)
    watch.look()
    # "aaa" sorts before "main": the pane stays where it was first seen.
    tmux.run("new-session", "-d", "-s", "aaa", "sleep 1000")
    tmux.run("link-window", "-s", "main:0", "-t", "aaa:7")
    tmux.run("new-session", "-d", "-s", "group", "-t", "main")
    puppet.print("once")
    watch.look()
    views = [v for v in watch.published.panes if v.pane_id == puppet.pane]
    assert [v.identity for v in views] == [Identity("test", "main", "0", "0")]
    assert watch.witness.texts(puppet.pane) == ["once"]
    tmux.run("kill-session", "-t", "main")
    wait_until(lambda: watch.look() or place(watch, puppet.pane)[0] in {"aaa", "group"})
    assert watch.witness.forgotten == []


def test_panes_over_the_cap_are_counted(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    panes = [tmux.open("sleep 1000") for _ in range(6)]
    watch = Watch(tmux, EAGER.model_copy(update={"max_panes": 4}))
    watch.look()
    kept = {view.pane_id for view in watch.published.panes}
    assert len(kept) == 4
    assert watch.published.dropped == 3
    tmux.open("sleep 1000")
    wait_until(lambda: watch.look() or watch.published.dropped == 4)
    assert {view.pane_id for view in watch.published.panes} == kept
    tmux.run("kill-window", "-t", panes[0])
    wait_until(lambda: watch.look() or watch.published.dropped == 3)
    assert len(watch.published.panes) == 4


def test_session_names_that_look_alike_stay_apart(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000", session="same\u200bname")
    tmux.run("new-session", "-d", "-s", "samename", "sleep 1000")
    tmux.run("new-session", "-d", "-s", 'q"uo{}te\\ 1', "sleep 1000")
    tmux.run("new-session", "-d", "-s", "long" * 500, "sleep 1000")
    watch = Watch(tmux)
    watch.look()
    identities = [view.identity for view in watch.published.panes]
    assert len(set(identities)) == 4
    assert all(identity.session.isprintable() for identity in identities)
    assert max(len(identity.session) for identity in identities) <= 140


def test_time_in_each_state_adds_up(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    settings = EAGER.model_copy(update={"working_for": 2.0, "stalled_after": 2.5})
    watch = Watch(tmux, settings)
    began = watch.sweeper.sweep()
    assert began is None
    wait_until(lambda: watch.look() or watch.view("%0").state == "stalled")
    seconds = watch.view("%0").state_seconds
    assert seconds["working"] > 0.3
    wait_until(lambda: watch.look() or watch.view("%0").state_seconds["stalled"] > 0.1)
    assert watch.view("%0").state_seconds["working"] == pytest.approx(seconds["working"], abs=0.2)


def test_a_program_that_was_silent_before_panewatch_is_not_working(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    # tmux tells in whole seconds when a window last printed.
    wait_until(lambda: time.time() > int(tmux.ask("#{window_activity}", "%0")) + 2)
    settings = EAGER.model_copy(update={"working_for": 0.5, "stalled_after": 1.0})
    watch = Watch(tmux, settings, began=4e9)
    watch.look()
    assert watch.view("%0").state == "stalled"
    tmux.run("resize-window", "-t", "%0", "-x", "50", "-y", "10")
    watch.look()
    assert watch.view("%0").state == "stalled"


def test_a_new_pane_in_front_lets_no_counter_fall(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print(*map(str, range(30)))
    watch.look()
    tmux.run("split-window", "-d", "-b", "-t", puppet.pane, "sleep 1000")
    wait_until(lambda: watch.look() or place(watch, puppet.pane)[2] == "1")
    assert watch.sweeper.published is not None
    counts = {view.identity.pane: view.lines for view in watch.published.panes}
    assert counts == {"0": 30, "1": 0}


@pytest.mark.parametrize("name", ["x\n%0\t\t\t\t\t\ty", "sl\tfake", "sl\nx"])
def test_a_program_cannot_forge_a_row_of_the_listing(tmux: PrivateTmux, name: str) -> None:
    tmux.start("sleep 1000")
    script = tmux.folder / "named"
    script.write_text(f"exec -a $'{name}' sleep 1000\n".replace("\n%", "\\n%").replace("\t", "\\t"))
    pane = tmux.open(f"bash {script}")
    watch = Watch(tmux)
    wait_until(lambda: watch.look() or watch.view(pane).program.command not in {"bash", "sleep"})
    assert watch.sweeper.published is not None
    assert {view.pane_id for view in watch.published.panes} == {"%0", pane}
    assert watch.view(pane).identity.session == "main"
    assert watch.view(pane).program.command.isprintable()


def test_a_shell_at_its_prompt_is_idle_and_a_script_is_not(tmux: PrivateTmux) -> None:
    tmux.start()
    loop = tmux.open("sh -c 'while :; do sleep 0.1; done'")
    watch = Watch(tmux)
    wait_until(lambda: watch.look() or watch.view("%0").state == "idle")
    for _ in range(10):
        watch.look()
        assert watch.view(loop).state == "working"
    tmux.run("send-keys", "-t", "%0", "sleep 1000", "Enter")
    wait_until(lambda: watch.look() or watch.view("%0").state == "working")
    assert watch.view("%0").program.command == "sleep"


def test_the_same_screen_printed_again_is_output(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000", history=100)
    block = "while :; do seq 1 150; sleep 0.7; done"
    pane = tmux.open(block)
    settings = EAGER.model_copy(update={"working_for": 2.5, "stalled_after": 2.6})
    watch = Watch(tmux, settings)
    wait_until(lambda: watch.look() or watch.view(pane).captures > 1)
    first = watch.view(pane).last_output or 0
    states = set()
    wait_until(
        lambda: (
            watch.look()
            or states.add(watch.view(pane).state)
            or (watch.view(pane).last_output or 0) > first + 4
        )
    )
    assert states == {"working"}
