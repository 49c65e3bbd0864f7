"""Discovered servers that ended with panes in them: they stay known for a while."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from panewatch.panes.published import Published

_SETTLED_SECONDS = 30.0
"""A server that ended sooner was some script's: nobody misses it."""

_MOST_LOST = 100
"""Lost servers that are remembered: a program may start and kill one after another."""


@dataclass(frozen=True, slots=True)
class _Lost:
    """Where a server was, and what was published of it last."""

    path: str
    published: Published


class LostServers:
    """The servers that are gone and missed, by name."""

    def __init__(self) -> None:
        self._lost: dict[str, _Lost] = {}

    def note(self, name: str, path: str, view: Published | None) -> None:
        """Remember a server that is gone, if anybody could miss it."""
        loss = view.loss if view else None
        if view is not None and loss is not None and loss.ran >= _SETTLED_SECONDS:
            self._lost[name] = _Lost(path, replace(view, server=name, at=loss.at, families=()))
            while len(self._lost) > _MOST_LOST:
                del self._lost[next(iter(self._lost))]

    def recall(self, watched: Collection[str], now: float, keep: float) -> list[Published]:
        """Return what was known last of each, but of those that run again or are long gone.

        Args:
            watched: Names of servers that run.
            now: The monotonic time.
            keep: For how many seconds they are remembered.
        """
        self._lost = {
            name: lost
            for name, lost in self._lost.items()
            if name not in watched and now - lost.published.at < keep
        }
        return [lost.published for lost in self._lost.values()]

    def find_names(self, found: Collection[str]) -> set[str]:
        """Return the names that are not free: of all whose path is not ``found`` again."""
        return {name for name, lost in self._lost.items() if lost.path not in found}

    def clear(self) -> None:
        """Forget all of them."""
        self._lost.clear()
