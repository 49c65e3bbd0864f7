"""An open incident stands in every sample, where its pane stands, however panes are moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from errors.live_panes import Live, live_panes
from panes.private_tmux import Puppet
from polling import wait_until
from runner.programs import get

MISSING = "ModuleNotFoundError: No module named 'moola'"
Place = tuple[str, str, str]


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


class Wanderer:
    """A quiet pane with an open P0, and one look at all that is told of it at a time."""

    def __init__(self, live: Live, session: str) -> None:
        self.live = live
        live.tmux.run("new-session", "-d", "-s", session, "sleep 1000")
        for _ in range(3):
            live.tmux.open("sleep 1000", name=session)
        live.tmux.run("set-option", "-t", session, "renumber-windows", "on")
        self.pane = live.tmux.open("sleep 1000", name=session)
        puppet = Puppet(live.tmux, self.pane)
        wait_until(lambda: self.look()[0] == (session, "4", "0"), what="the pane is listed")
        puppet.print(MISSING)
        wait_until(lambda: self.look()[1], what="the incident")

    def look(self) -> tuple[Place | None, list[Place]]:
        """Return where the pane stands, and where its incident does, in one sample."""
        stands, opened = None, []
        starts = ("panewatch_pane_info{", "panewatch_incident_open{")
        lines = [line for line in get(self.live.port)[1].splitlines() if line.startswith(starts)]
        for family in text_string_to_metric_families("\n".join([*lines, ""])):
            for sample in family.samples:
                labels = sample.labels
                place = labels["session"], labels["window"], labels["pane"]
                if labels.get("pane_id") == self.pane:
                    stands = place
                elif labels.get("severity") == "P0":
                    opened.append(place)
        return stands, opened

    def follow(self, place: Place) -> None:
        """Look at each sample until the pane stands in ``place``."""

        def arrived() -> bool:
            stands, opened = self.look()
            assert [stands] == opened
            return stands == place

        wait_until(arrived, what=f"it stands in {place}")


def test_the_incident_is_never_missing_nor_where_the_pane_was(live: Live) -> None:
    wanderer = Wanderer(live, "wander")
    run, pane = live.tmux.run, wanderer.pane
    for window in ("3", "2", "1"):
        run("kill-window", "-t", "wander:0")
        wanderer.follow(("wander", window, "0"))
    for name in ("renamed", "again", "wander"):
        run("rename-session", "-t", live.tmux.ask("#{session_id}", pane), name)
        wanderer.follow((name, "1", "0"))
    run("swap-window", "-d", "-s", "wander:0", "-t", "wander:1")
    wanderer.follow(("wander", "0", "0"))
    run("move-window", "-d", "-s", "wander:0", "-t", "main:8")
    wanderer.follow(("main", "8", "0"))
    run("split-window", "-d", "-b", "-t", pane, "sleep 1000")
    wanderer.follow(("main", "8", "1"))
    run("join-pane", "-d", "-s", pane, "-t", "wander:")
    wanderer.follow(("wander", live.tmux.ask("#{window_index}", pane), "1"))
