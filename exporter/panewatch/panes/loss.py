"""A tmux server that ended with panes in it, told from one whose last pane had ended."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from panewatch.panes.listing import ServerId
from panewatch.panes.tracked import TrackedPane

_BUSY = {"working", "waiting_input", "stalled"}
"""States of panes in which something was going on."""


class Loss(NamedTuple):
    """What a server took along: ``panes`` that lived at its last listing.

    ``at`` is the monotonic time at which it was missed, ``ran`` for how many seconds it had run.
    """

    panes: int
    at: float
    ran: float


def find_loss(
    server: ServerId | None, panes: Collection[TrackedPane], dropped: int, now: float, wall: float
) -> Loss | None:
    """Tell what was lost with a server that is gone; None where nothing was.

    tmux ends with its last pane, and that is no loss. Several panes do not end by themselves
    from one listing to the next. One does; but not where tmux would have kept it when its
    command ended, and something was going on in it.

    Args:
        server: The server as it was listed last.
        panes: Its panes that are watched.
        dropped: How many more it had.
        now: The monotonic time.
        wall: The same moment on the wall clock, in which tmux tells when it started.
    """
    living = [pane for pane in panes if not pane.facts.dead]
    number = len(living) + dropped
    alone = living[0] if number == len(living) == 1 else None
    if server is None or not number:
        return None
    if alone is not None and not (alone.facts.remains and alone.state in _BUSY):
        return None
    return Loss(number, now, wall - server.start)
