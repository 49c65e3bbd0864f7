"""One pane as those see it who drive it: it is the same one, and what is new in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from panewatch.panes.reach import ControlError, ReachedServer
from panewatch.panes.text import clean
from panewatch.panes.view import HEADER, Baseline, View, parse_view

_POLL = 0.1
"""Seconds between two looks."""

_PANES = "#{pane_id} #{window_index} #{pane_index} #{window_active} #{pane_active} #{session_name}"

T = TypeVar("T")


def find_pane(server: ReachedServer, target: str) -> str:
    """Return the id of the pane that is named ``%ID`` or ``SESSION[:WINDOW[.PANE]]``.

    tmux's own targets will not do: where a window is not there, it takes the active one.

    Raises:
        ControlError: there is none.
    """
    for line in server.ask("list-panes", "-a", "-F", _PANES).text.splitlines():
        pane, window, index, *active, session = line.split(" ", 5)
        names = {pane, f"{session}:{window}.{index}"}
        if active[1] == "1":
            names.add(f"{session}:{window}")
            if active[0] == "1":
                names.add(session)
        if target in names:
            return pane
    raise ControlError("gone", f"there is no pane {clean(target)}")


class Lookout:
    """Looks at one pane, and only ever at that one: pane ids start anew with their server.

    Raises:
        ControlError: the pane or its server is not there.
    """

    def __init__(self, server: ReachedServer, pane_id: str) -> None:
        self._server = server
        self._id = pane_id
        self._baseline: Baseline | None = None
        self._identity: tuple[int, int] | None = None
        self._identity = self.look(alive=False).server

    def look(self, *, alive: bool = True) -> View:
        """Look at the pane: the numbers and the rows are of one instant.

        Args:
            alive: Whether its program has to run.

        Raises:
            ControlError: the pane or its server is gone, or its program has ended.
        """
        pane = ("-p", "-t", self._id)
        output = self._server.ask("display-message", *pane, HEADER, ";", "capture-pane", *pane)
        view = parse_view(output.text)
        if view is None or self._identity not in {None, view.server}:
            raise ControlError("gone", f"pane {self._id} is gone")
        if view.dead and alive:
            raise ControlError("dead", f"the program of pane {self._id} has ended", view.rows)
        if self._baseline is not None:
            self._baseline.follow(view)
        return view

    def mark(self) -> None:
        """Take what is there now as old."""
        self._baseline = Baseline(self.look())

    def prepare(self) -> None:
        """Do so before keys change it.

        Raises:
            ControlError: keys would not reach the program, or others too.
        """
        view = self.look()
        if view.blocked:
            raise ControlError("blocked", f"pane {self._id}: {view.blocked}", view.rows)
        self._baseline = Baseline(view)

    def is_fresh(self, view: View, y: int) -> bool:
        """Tell whether a row of the last look is not an old one."""
        return self._baseline is None or not self._baseline.has(view, y)

    def wait(self, timeout: float, failure: str, find: Callable[[View], T | None]) -> T:
        """Look until ``find`` finds something, and return that.

        Raises:
            ControlError: it found nothing within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            view = self.look()
            found = find(view)
            if found is not None:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise ControlError("timeout", f"{failure} within {timeout:g} s", view.rows)
            time.sleep(min(_POLL, left))
