"""Context switches: how often what a person looks at changes, told from listing to listing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import Metric

from panewatch.panes import contract as c
from panewatch.panes.attention import Attention
from panewatch.panes.listing import Listing, PaneFacts, ServerId


def calls_for_person(state: str, facts: PaneFacts) -> bool:
    """Tell whether a pane waits for a person, or shows a command that failed."""
    failed = facts.dead and bool(facts.exit_status or facts.exit_signal)
    return failed or state == "waiting_input"


class Switches:
    """The switches of one server's sessions since they were first seen.

    A session switches when another pane becomes its active one while a client is attached
    to it before and after, and when a client comes from another session. Nobody switched
    where tmux had to choose: the pane that was active has ended or left the window, its
    window left the session, or the session that a client comes from is gone. A pane that
    takes its place in another window along stays what is looked at.
    """

    def __init__(self) -> None:
        self._server: ServerId | None = None
        self._before = Attention()
        self._switches: Counter[str] = Counter()
        self._interruptions: Counter[str] = Counter()

    def note(self, listing: Listing, called: Callable[[], bool]) -> None:
        """Take in a listing with facts.

        Args:
            listing: What is there now.
            called: Tells whether any pane called for a person before it; asked only where
                something switched, which then counts as an interruption too.
        """
        now = listing.attention
        if listing.server != self._server:
            self._server, self._before = listing.server, Attention()
            self._switches.clear()
            self._interruptions.clear()
        before, self._before = self._before, now
        arrivals = Counter(
            session
            for client, session in now.clients.items()
            if before.clients.get(client, session) != session
            and before.clients[client] in now.sessions
        )
        watched = set(before.clients.values()) & set(now.clients.values())
        switched = {
            session: arrivals[session]
            or int(session in watched and _moves(session, before, listing))
            for session in now.sessions
        }
        for counts in (self._switches, self._interruptions):
            for session in counts.keys() - now.sessions.keys():
                del counts[session]
        self._switches.update(switched)
        if any(switched.values()) and called():
            self._interruptions.update(switched)

    def collect(self, server: str) -> Iterator[Metric]:
        """Yield the families; sessions whose names look alike are counted together."""
        for spec, counts in (
            (c.PANE_SWITCHES, self._switches),
            (c.PANE_INTERRUPTIONS, self._interruptions),
        ):
            by_name: Counter[str] = Counter()
            for session, place in self._before.sessions.items():
                by_name[place.name] += counts[session]
            family = spec.family()
            for name, count in by_name.items():
                family.add_sample(spec.full_name, {"server": server, "session": name}, float(count))
            yield family


def _moves(session: str, before: Attention, listing: Listing) -> bool:
    """Tell whether another pane is active, and the one before could still be."""
    old, new = before.sessions.get(session), listing.attention.sessions[session]
    if old is None or old.pane == new.pane:
        return False
    return any(
        (facts.session_id, facts.window_id) == (session, old.window)
        for facts in listing.facts.get(old.pane, ())
    )
