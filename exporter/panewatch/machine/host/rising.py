"""Counters of the kernel that may fall, as ones that never do."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

_MOST: Final = 4096
"""Counters that are remembered; beyond it those are forgotten that were not seen for longest."""


class Rising:
    """Follows counters by name; what each told before is never taken back.

    A counter falls where its width is over, its disk was replaced, a CPU was taken out, or the
    kernel corrects itself by a moment.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[float, float]] = {}

    def follow(
        self, name: Hashable, raw: float, *, wraps_at: float = 0.0, slack: float = 0.0
    ) -> float:
        """Return what the counter has reached.

        Args:
            name: Tells it apart from others.
            raw: What the kernel says.
            wraps_at: Where it begins anew from 0, if it does.
            slack: How far it may step back and only have to catch up again; after a greater
                fall it goes on from where it was at once.
        """
        before, total = self._known.pop(name, (raw, raw))
        step = raw - before
        if step < 0 and wraps_at and before > wraps_at / 2 > raw:
            step += wraps_at
        if -slack <= step < 0:
            raw = before
        self._known[name] = raw, total + max(step, 0.0)
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return self._known[name][1]
