"""What nobody looks at: it is read and published more rarely, and nothing is lost by that."""

from __future__ import annotations

from panes.private_tmux import PrivateTmux, Puppet
from panes.watching import Watch
from panewatch.config import PanesSettings

_LINES = [f"line {index}" for index in range(100)]

SETTINGS = PanesSettings(list_interval=0.01, min_interval=0.01, busy_interval=30.0)
"""Reads of a pane that changes are far apart: only what hurries is read in a test."""


def test_what_nobody_looks_at_is_not_published_again(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    watch.look()
    before = watch.published
    watch.watched = False
    puppet.print("unseen")
    watch.look()
    assert watch.published is before


def test_it_is_there_as_soon_as_somebody_looks(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    watch.look()
    watch.watched = False
    puppet.print("unseen")
    watch.look()
    watch.watched = True
    watch.look()
    assert watch.view(puppet.pane).lines == 1
    assert watch.witness.texts(puppet.pane) == ["unseen"]


def test_observers_are_told_also_when_nobody_looks(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    watch.look()
    watch.watched = False
    puppet.print(*_LINES[:30])
    watch.look()
    assert watch.witness.texts(puppet.pane) == _LINES[:30]


def test_the_end_of_a_server_is_published_at_once(tmux: PrivateTmux) -> None:
    Puppet(tmux)
    watch = Watch(tmux)
    watch.look()
    watch.watched = False
    tmux.kill()
    watch.sweeper._run()
    assert watch.published.state == "no_server"


def test_a_pane_that_was_just_read_waits_while_nobody_looks(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux, SETTINGS)
    watch.watched = False
    watch.look()
    puppet.print("a line")
    watch.look()
    assert watch.witness.texts(puppet.pane) == []


def test_one_that_floods_does_not_wait(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=200), Watch(tmux, SETTINGS)
    watch.watched = False
    watch.look()
    puppet.print(*_LINES)
    watch.look()
    assert watch.witness.texts(puppet.pane) == _LINES
    assert watch.witness.gaps(puppet.pane) == 0


def test_a_full_history_is_read_in_time_where_nothing_else_would_tell_of_a_flood(
    tmux: PrivateTmux,
) -> None:
    settings = SETTINGS.model_copy(update={"min_interval": 1e-6})
    puppet, watch = Puppet(tmux, history=200), Watch(tmux, settings)
    # As a server elsewhere, of which nobody knows how much it reads.
    watch.sweeper._local = False
    watch.look()
    puppet.print(*(f"before {index}" for index in range(400)))
    watch.look()
    watch.watched = False
    gaps = watch.witness.gaps(puppet.pane)
    # A full history that grows by a multiple of what tmux drops from it looks as before.
    lines = [*_LINES, "and 1", "and 2", "and 3"]
    for begin in range(4):
        puppet.print(*(f"{begin}: {line}" for line in lines))
        watch.sweeper._next_list = 0.0
        watch.look()
    seen = watch.witness.texts(puppet.pane)
    assert seen[-412:] == [f"{begin}: {line}" for begin in range(4) for line in lines]
    assert watch.witness.gaps(puppet.pane) == gaps
