"""Which panes of a server are watched: they appear, move, are renamed, and go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from panewatch.config import PanesSettings
from panewatch.panes.accounts import Counts
from panewatch.panes.listing import Listing, PaneFacts, ServerId, read_activity
from panewatch.panes.model import Identity, PaneKey
from panewatch.panes.sight import ScreenReader
from panewatch.panes.tracked import TrackedPane
from panewatch.panes.waiting import Waits


class Changes(NamedTuple):
    """What a listing changed: panes that are gone, and the new places of those that moved."""

    gone: list[PaneKey]
    moved: dict[PaneKey, Identity]


class Roster:
    """The watched panes of one server, by pane id.

    ``dropped`` is the number of panes over the cap, ``began`` the wall time at which
    panewatch started: what a pane showed before that is not new. ``waits`` counts the
    waits for a person that ended, those of panes that are gone too.
    """

    def __init__(
        self, name: str, settings: PanesSettings, reader: ScreenReader, began: float
    ) -> None:
        self._name = name
        self._settings = settings
        self._reader = reader
        self._began = began
        self._server: ServerId | None = None
        self._absent = False
        self.panes: dict[str, TrackedPane] = {}
        self.waits = Waits()
        self.dropped = 0

    @property
    def server(self) -> ServerId | None:
        """The server that was listed last."""
        return self._server

    def adopt(
        self, name: str, settings: PanesSettings, reader: ScreenReader | None, now: float
    ) -> None:
        """Go by other settings, and by another name from the next listing on.

        Without another ``reader`` screens are read as before.
        """
        self._name, self._settings, self._reader = name, settings, reader or self._reader
        for pane in self.panes.values():
            pane.adopt(settings, self._reader, now)

    def lacks(self, listing: Listing) -> bool:
        """Tell whether a listing without facts shows other panes than those known."""
        known = self.panes.keys()
        return listing.server != self._server or (
            known != listing.rows.keys() and (not self.dropped or not known <= listing.rows.keys())
        )

    def clear(self, now: float) -> list[PaneKey]:
        """Note that there is no server: forget every pane, and return their keys."""
        self._absent = True
        gone = [pane.key for pane in self.panes.values()]
        for pane in self.panes.values():
            pane.end_wait(now)
        self.panes = {}
        self.dropped = 0
        return gone

    def update(self, listing: Listing, *, local: bool, now: float, wall: float) -> Changes:
        """Take in a listing with facts."""
        gone: list[PaneKey] = []
        moved: dict[PaneKey, Identity] = {}
        # What is new under our eyes is read from its first line.
        from_start = (
            self._server is not None
            or self._absent
            or self._settings.read_existing
            or listing.server.start >= int(self._began)
        )
        if listing.server != self._server:
            gone = self.clear(now)
            self._server = listing.server
        chosen = self._choose(listing)
        for left in (self.panes[pane_id] for pane_id in self.panes if pane_id not in chosen):
            left.end_wait(now)
            gone.append(left.key)
        places = self._place(chosen)
        old = {pane.identity: pane.counts for pane in self.panes.values()}
        panes: dict[str, TrackedPane] = {}
        for pane_id, facts in chosen.items():
            identity = places[pane_id]
            pane = self.panes.get(pane_id)
            if pane is None:
                key = PaneKey(listing.server.pid, listing.server.start, pane_id)
                pane = TrackedPane(
                    key, facts, identity, self._settings,
                    reader=self._reader, waits=self.waits,
                    activity=read_activity(listing.rows[pane_id]),
                    from_start=from_start, now=now, wall=wall,
                )  # fmt: skip
                pane.counts = old.get(identity) or pane.counts
            elif pane.identity != identity:
                # A place that had a pane keeps its counters, so that no series falls;
                # to a new place the pane takes its own along.
                stays = pane.identity in places.values()
                pane.counts = old.get(identity) or (Counts() if stays else pane.counts)
                pane.identity = moved[pane.key] = identity
            pane.take_facts(facts, listing.rows[pane_id], local=local, now=now)
            panes[pane_id] = pane
        self.panes = panes
        return Changes(gone, moved)

    def _choose(self, listing: Listing) -> dict[str, PaneFacts]:
        """Return the facts of the panes that fit under the cap, those known first."""
        chosen: dict[str, PaneFacts] = {}
        order: Iterable[str] = listing.facts
        if len(listing.facts) > self._settings.max_panes:
            known = [pane_id for pane_id in listing.facts if pane_id in self.panes]
            rest = [pane_id for pane_id in listing.facts if pane_id not in self.panes]
            order = [*known, *rest][: self._settings.max_panes]
        for pane_id in order:
            places = listing.facts[pane_id]
            pane = self.panes.get(pane_id)
            here = None if pane is None else (pane.facts.session, pane.facts.window)
            # A window linked into several sessions stays where it was first seen.
            chosen[pane_id] = next(
                (facts for facts in places if (facts.session, facts.window) == here), places[0]
            )
        self.dropped = len(listing.facts) - len(chosen)
        return chosen

    def _place(self, chosen: dict[str, PaneFacts]) -> dict[str, Identity]:
        """Return the labels of each pane; names that look alike when cleaned stay apart."""
        places: dict[str, Identity] = {}
        taken: set[Identity] = set()
        for pane_id, facts in chosen.items():
            identity = Identity(self._name, facts.session, facts.window, facts.pane)
            while identity in taken:
                identity = identity._replace(session=f"{identity.session}~{pane_id}")
            taken.add(identity)
            places[pane_id] = identity
        return places
