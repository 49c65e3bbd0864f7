"""Bars of transfers in a real pane: their rate is told while they move, and never after."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from errors.live_panes import Live, Place, live_panes
from panes.private_tmux import Puppet
from polling import wait_until

MEGA = 10**6
MIBI = 2**20

BARS = {
    "scp": ("model.pt  {p:3d}%  {p}MB  12.5MB/s   00:{s:02d} ETA", 12.5 * MIBI),
    "rsync": ("    {p},345,678  {p:2d}%   12.50MB/s    0:00:{s:02d}", 12.5 * MIBI),
    "wget": ("model.pt  {p:2d}%[=====>      ]  {p}.00M  12.5MB/s    eta {s}s", 12.5 * MIBI),
    "curl": (
        " {p:2d}  100M  {p:2d} {p}M   0   0  12.5M    0  0:00:08  0:00:{s:02d}  0:00:04 12.5M",
        12.5 * MIBI,
    ),
    "pip": ("   ━━━━━╸━━━━━━━━ {p}.0/100.0 MB 12.5 MB/s eta 0:00:{s:02d}", 12.5 * MEGA),
    "aws": ("Completed {p}.0 MiB/100.0 MiB (12.5 MiB/s) with 1 file(s) remaining", 12.5 * MIBI),
}  # fmt: skip


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


def move(puppet: Puppet, bar: str, percent: int) -> None:
    puppet.show("\r\x1b[K" + bar.format(p=percent, s=max(0, 60 - percent)))


def read_rates(place: Place) -> list[float]:
    return place.live.values("transfer_bytes_per_second", **place.labels)


def start(puppet: Puppet, place: Place, bar: str) -> int:
    """Draw a bar that moves until its rate is told; return the percentage that it shows."""
    percents = count(10)

    def step() -> int:
        percent = next(percents)
        move(puppet, bar, percent)
        place.settle()
        return percent if read_rates(place) else 0

    return wait_until(step)


@pytest.mark.parametrize("name", BARS)
def test_a_rate_is_told_until_the_transfer_ends(live: Live, name: str) -> None:
    bar, rate = BARS[name]
    puppet, place = live.puppet()
    assert read_rates(place) == []
    puppet.print("$ fetch model.pt")
    percent = start(puppet, place, bar)
    assert read_rates(place) == pytest.approx([rate])
    for more in range(percent + 1, percent + 4):
        move(puppet, bar, more)
        place.settle()
        assert read_rates(place) == pytest.approx([rate])
    # The line stays where it is, above the next prompt.
    move(puppet, bar, 99)
    puppet.show("\r\n$ ")
    place.settle()
    assert read_rates(place) == []
    puppet.show("ls\r\n")
    place.settle()
    assert read_rates(place) == []


def test_a_bar_that_stands_still_has_no_rate(live: Live) -> None:
    puppet, place = live.puppet()
    percent = start(puppet, place, BARS["wget"][0])
    wait_until(lambda: not read_rates(place), 30, "the bar stands still")
    move(puppet, BARS["wget"][0], percent + 1)
    wait_until(lambda: read_rates(place), what="it moves again")


def test_a_killed_pane_leaves_no_rate(live: Live) -> None:
    puppet, place = live.puppet()
    start(puppet, place, BARS["scp"][0])
    live.tmux.run("kill-pane", "-t", place.pane)
    wait_until(lambda: not read_rates(place))


def test_what_is_printed_or_shown_is_no_transfer(live: Live) -> None:
    puppet, place = live.puppet()
    told = []
    for number in range(8):
        puppet.print(f"step {number} reads {100 + number}.0 MB/s")
        place.settle()
        told += read_rates(place)
    puppet.show("\x1b[?1049h")
    for number in range(8):
        puppet.show(f"\x1b[H\x1b[2Jeth0 in {100 + number}.0 MB/s")
        place.settle()
        told += read_rates(place)
    puppet.show("\x1b[?1049l")
    assert told == []
