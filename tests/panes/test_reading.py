"""Every line once: real tmux, a program that prints what it is told, one look at a time."""

from __future__ import annotations

import random

import pytest

from panes.private_tmux import PrivateTmux, Puppet
from panes.watching import Watch


def number(start: int, count: int) -> list[str]:
    return [f"line {n}" for n in range(start, start + count)]


def test_lines_are_seen_once_each(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    for step in range(5):
        puppet.print(*number(step * 7, 7))
        watch.look()
        watch.look()
    assert watch.witness.texts(puppet.pane) == number(0, 35)
    assert watch.witness.gaps(puppet.pane) == 0


def test_identical_lines_count_each(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    for _ in range(4):
        puppet.print(*["the same"] * 40)
        watch.look()
    assert watch.witness.texts(puppet.pane) == ["the same"] * 160


def test_a_burst_beyond_the_screen_is_read_whole(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print(*number(0, 1))
    watch.look()
    puppet.print(*number(1, 1900))
    watch.look()
    assert watch.witness.texts(puppet.pane) == number(0, 1901)
    assert watch.witness.gaps(puppet.pane) == 0


def test_a_full_history_is_followed_without_a_gap(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=200), Watch(tmux)
    for step in range(30):
        puppet.print(*number(step * 90, 90))
        watch.look()
    assert watch.witness.texts(puppet.pane) == number(0, 2700)
    assert watch.witness.gaps(puppet.pane) == 0


def test_a_flood_beyond_the_history_is_a_gap(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=200), Watch(tmux)
    puppet.print(*number(0, 10))
    watch.look()
    puppet.print(*number(10, 1000))
    watch.look()
    seen = watch.witness.texts(puppet.pane)
    assert seen[:10] == number(0, 10)
    assert seen[10:] == number(0, 1010)[-len(seen[10:]) :]
    assert watch.witness.gaps(puppet.pane) == 1
    assert 0 < watch.view(puppet.pane).missed <= 1010 - len(seen)


def test_a_flood_on_an_empty_pane_is_a_gap(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=200), Watch(tmux)
    watch.look()
    puppet.print(*number(0, 1000))
    watch.look()
    assert watch.witness.gaps(puppet.pane) == 1


def test_a_flood_behind_a_prompt_is_a_gap_of_lines(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=200), Watch(tmux)
    puppet.show("$ ")
    watch.look()
    puppet.print("seq 0 999", *number(0, 1000))
    watch.look()
    assert watch.witness.gaps(puppet.pane) == 1
    assert 0 < watch.view(puppet.pane).missed <= 1001 - watch.view(puppet.pane).lines


def test_a_flood_behind_a_prompt_is_followed(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=200), Watch(tmux)
    puppet.show("$ ")
    watch.look()
    puppet.print("seq 0 195", *number(0, 196))
    watch.look()
    assert watch.witness.texts(puppet.pane) == ["$ seq 0 195", *number(0, 196)]
    assert watch.witness.gaps(puppet.pane) == 0


def test_wrapped_lines_are_joined(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, width=30), Watch(tmux)
    long = ["a" * 70, "b" * 30, "c" * 60, "日本" * 20, "d" * 31]
    for line in long:
        puppet.print(line)
        watch.look()
    puppet.print(*long)
    watch.look()
    assert watch.witness.texts(puppet.pane) == [*long, *long]


def test_a_bar_that_is_redrawn_is_one_line(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    for percent in range(0, 101, 10):
        puppet.show(f"\rEpoch 1: {percent}% [{'#' * (percent // 10)}]")
        watch.look()
    puppet.show("\r\n")
    watch.look()
    assert watch.witness.texts(puppet.pane) == ["Epoch 1: 100% [##########]"]


def test_a_clear_screen_loses_nothing(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print(*number(0, 10))
    watch.look()
    puppet.print(*number(10, 5))
    puppet.show("\x1b[H\x1b[2J")
    puppet.print(*number(15, 5))
    watch.look()
    assert watch.witness.texts(puppet.pane) == number(0, 20)
    assert watch.witness.gaps(puppet.pane) == 0


def test_a_wiped_history_is_a_gap_or_complete(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print(*number(0, 40))
    watch.look()
    puppet.print(*number(40, 40))
    puppet.show("\x1b[H\x1b[2J\x1b[3J")
    puppet.print(*number(80, 5))
    watch.look()
    assert watch.witness.texts(puppet.pane) == [*number(0, 40), *number(80, 5)]
    assert watch.witness.gaps(puppet.pane) == 1


@pytest.mark.parametrize("pool", [("PASSED",), ("ok", "."), tuple(f"m{n}" for n in range(50))])
def test_a_log_that_repeats_itself_is_read_whole(tmux: PrivateTmux, pool: tuple[str, ...]) -> None:
    puppet = Puppet(tmux)
    puppet.print(*[f"warm {n}" for n in range(2500)])
    watch = Watch(tmux, began=4e9)
    watch.look()
    chance = random.Random(7)  # noqa: S311
    printed: list[str] = []
    for _ in range(20):
        burst = [chance.choice(pool) for _ in range(chance.choice((150, 250, 350, 450)))]
        burst[::20] = [f"step {len(printed) + n}" for n in range(0, len(burst), 20)]
        printed += burst
        puppet.print(*burst)
        watch.look()
    assert watch.witness.texts(puppet.pane) == printed
    assert watch.witness.gaps(puppet.pane) == 0


def test_rows_of_skin_tones_are_counted(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=100), Watch(tmux)
    lines = [f"{n}:{chr(0x1F44D) + chr(0x1F3FD)}" * 39 for n in range(200)]
    for start in range(0, 200, 10):
        puppet.print(*lines[start : start + 10])
        watch.look()
    assert [text.partition(":")[0] for text in watch.witness.texts(puppet.pane)] == [
        str(n) for n in range(200)
    ]
    assert watch.witness.gaps(puppet.pane) == 0


def test_clear_history_keeps_the_place(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print(*number(0, 100))
    watch.look()
    tmux.run("clear-history", "-t", puppet.pane)
    puppet.print(*number(100, 5))
    watch.look()
    assert watch.witness.texts(puppet.pane) == number(0, 105)
    assert watch.witness.gaps(puppet.pane) == 0


def test_resizing_repeats_nothing(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, width=100, height=20), Watch(tmux)
    lines = [f"line {n} x" + "x" * (n * 7 % 130) for n in range(200)]
    sizes = [(100, 20), (37, 20), (37, 50), (120, 10), (80, 24), (20, 5), (100, 20)]
    for step in range(20):
        width, height = sizes[step % len(sizes)]
        tmux.run("resize-window", "-t", puppet.pane, "-x", str(width), "-y", str(height))
        watch.look()
        puppet.print(*lines[step * 10 : step * 10 + 10])
        watch.look()
    assert watch.witness.texts(puppet.pane) == lines
    assert watch.witness.gaps(puppet.pane) == 0


def test_a_respawned_pane_starts_anew(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print(*number(0, 50))
    watch.look()
    again = Puppet(tmux, puppet.pane)
    again.print(*number(100, 10))
    watch.look()
    assert watch.witness.texts(puppet.pane) == [*number(0, 50), *number(100, 10)]
    assert watch.witness.gaps(puppet.pane) == 1


def test_text_before_panewatch_is_not_new(tmux: PrivateTmux) -> None:
    puppet = Puppet(tmux)
    puppet.print(*number(0, 100))
    watch = Watch(tmux, began=4e9)
    watch.look()
    puppet.print(*number(100, 3))
    watch.look()
    later = Puppet.beside(tmux)
    later.print(*number(0, 3))
    watch.look()
    assert watch.witness.texts(puppet.pane) == number(100, 3)
    assert watch.witness.texts(later.pane) == number(0, 3)


def test_the_alternate_screen_hides_no_line(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print(*number(0, 30))
    watch.look()
    puppet.print("ERROR before the editor")
    puppet.show("\x1b[?1049h\x1b[H\x1b[2JThe editor says error in its text\r\nrow two")
    watch.look()
    seen = watch.witness.texts(puppet.pane)
    assert seen[:31] == [*number(0, 30), "ERROR before the editor"]
    assert "The editor says error in its text" in seen[31:]
    update = watch.witness.updates[-1]
    assert update.frame.alternate
    assert update.frame.lines[0] == "The editor says error in its text"
    puppet.show("\x1b[?1049l")
    puppet.print(*number(30, 3))
    watch.look()
    after = watch.witness.texts(puppet.pane)
    assert after[len(seen) :] == number(30, 3)
    assert watch.witness.gaps(puppet.pane) == 0


def test_an_unfinished_line_is_handed_on_once(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.show("Password: ")
    watch.look()
    assert watch.witness.texts(puppet.pane) == []
    known = watch.sweeper._roster.panes[puppet.pane].reader
    known._pending_since -= 10  # it has been quiet for ten seconds
    watch.look()
    assert watch.witness.texts(puppet.pane) == ["Password:"]
    puppet.show("accepted\r\n")
    watch.look()
    lines = [line for update in watch.witness.updates for line in update.lines]
    assert [(line.text, line.continued) for line in lines] == [
        ("Password:", False),
        ("Password: accepted", True),
    ]
