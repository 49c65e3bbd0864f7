"""How commands of a pane ended: each end counts once, also where nobody saw it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from panes.private_tmux import PrivateTmux, Puppet
from panes.watching import Watch
from panewatch.panes.ends import EndWatch
from panewatch.panes.listing import PaneFacts
from polling import wait_until

RUNNING = PaneFacts(
    pane_id="%0", limit=2000, alone=True, dead=False, pid=100, session="main", window="0",
    pane="0", exit_status=None, exit_signal=None, command="train",
)  # fmt: skip
ENDED = replace(RUNNING, dead=True)


def again(facts: PaneFacts) -> PaneFacts:
    """The pane with its next process."""
    return replace(facts, pid=facts.pid + 1)


@pytest.mark.parametrize(
    ("ended", "how"),
    [
        (replace(ENDED, exit_status=0), "ok"),
        (replace(ENDED, exit_status=1), "failed"),
        (replace(ENDED, exit_status=137), "failed"),
        (replace(ENDED, exit_signal=9), "killed"),
    ],
)
def test_an_end_counts_once_however_often_it_is_listed(ended: PaneFacts, how: str) -> None:
    watch = EndWatch(RUNNING, seen=False)
    assert [watch.note(facts) for facts in (RUNNING, ended, ended)] == [[], [how], []]
    assert watch.note(again(RUNNING)) == []


def test_tmux_may_tell_later_how_it_ended() -> None:
    watch = EndWatch(RUNNING, seen=False)
    assert watch.note(ENDED) == []
    assert watch.note(replace(ENDED, exit_status=2)) == ["failed"]


def test_an_end_that_is_never_told_is_unknown_once_the_next_process_runs() -> None:
    watch = EndWatch(RUNNING, seen=False)
    assert watch.note(ENDED) == []
    assert watch.note(again(RUNNING)) == ["unknown"]
    assert watch.note(again(RUNNING)) == []


def test_an_end_between_two_listings_is_unknown() -> None:
    watch = EndWatch(RUNNING, seen=False)
    assert watch.note(again(RUNNING)) == ["unknown"]
    assert watch.note(again(again(replace(ENDED, exit_status=1)))) == ["unknown", "failed"]
    assert watch.note(replace(ENDED, pid=103, exit_status=1)) == ["failed"]


@pytest.mark.parametrize(("seen", "ends"), [(True, ["failed"]), (False, [])])
def test_an_end_before_the_first_listing_counts_where_the_pane_is_new(
    ends: list[str], *, seen: bool
) -> None:
    dead = replace(ENDED, exit_status=1)
    watch = EndWatch(dead, seen=seen)
    assert watch.note(dead) == ends
    assert watch.note(dead) == []


def test_a_command_that_is_started_again_at_once_is_seen_to_die(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    watch = Watch(tmux)
    pane = tmux.open("sleep 1000")
    watch.look()
    assert watch.view(pane).deaths == {}
    for number in range(1, 4):
        tmux.run("respawn-pane", "-k", "-t", pane, "exit 3")
        wait_until(lambda n=number: watch.look() or watch.view(pane).deaths.get("failed") == n)  # type: ignore[misc]
        tmux.run("respawn-pane", "-t", pane, "sleep 1000")
        wait_until(lambda: watch.look() or watch.view(pane).state != "dead")
    deaths = watch.view(pane).deaths
    # Each respawn ended the process before it, and nobody was told how.
    assert deaths == {"failed": 3, "unknown": 3}
    tmux.run("respawn-pane", "-k", "-t", pane, "exit 0")
    wait_until(lambda: watch.look() or watch.view(pane).deaths.get("ok") == 1)
    tmux.run("respawn-pane", "-t", pane, "kill -9 $$")
    wait_until(lambda: watch.look() or watch.view(pane).deaths.get("killed") == 1)


@pytest.mark.parametrize("history", [100, 2000])
def test_output_that_overflows_is_told_from_a_history_that_is_wiped(
    tmux: PrivateTmux, history: int
) -> None:
    puppet = Puppet(tmux, history=history)
    watch = Watch(tmux)
    puppet.print("before")
    watch.look()
    # Wiped, with text in it that was not read.
    puppet.print(*map(str, range(60)))
    puppet.show("\x1b[H\x1b[2J\x1b[3J")
    puppet.print("after")
    watch.look()
    assert (watch.view(puppet.pane).gaps, watch.view(puppet.pane).overflows) == (1, 0)
    puppet.print(*map(str, range(3 * history)))
    watch.look()
    assert (watch.view(puppet.pane).gaps, watch.view(puppet.pane).overflows) == (2, 1)
    tmux.run("respawn-pane", "-k", "-t", puppet.pane, "sleep 1000")
    watch.look()
    assert (watch.view(puppet.pane).gaps, watch.view(puppet.pane).overflows) == (3, 1)


def test_an_overflow_of_a_pane_that_was_empty_counts(tmux: PrivateTmux) -> None:
    puppet = Puppet(tmux, history=200)
    watch = Watch(tmux)
    watch.look()
    puppet.print(*map(str, range(600)))
    watch.look()
    view = watch.view(puppet.pane)
    assert (view.gaps, view.overflows, view.missed) == (1, 1, 0)


def test_more_text_than_one_look_can_read_is_an_overflow(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000", history=50_000)
    watch = Watch(tmux)
    watch.look()
    pane = tmux.open("seq 1 30000; sleep 1000")
    wait_until(lambda: int(tmux.ask("#{history_size}", pane)) > 29_900)
    watch.look()
    view = watch.view(pane)
    assert (view.gaps, view.overflows) == (1, 1)
    assert view.missed > 9000
