"""Sweeps by hand over a private tmux server, and what an observer was told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from prometheus_client import Metric

from panes.private_tmux import PrivateTmux
from panewatch.config import PanesSettings, TmuxSettings
from panewatch.panes.accounts import PaneView
from panewatch.panes.model import PaneKey, PaneUpdate
from panewatch.panes.published import Published
from panewatch.panes.sight import ScreenReader
from panewatch.panes.sweeper import Sweeper
from panewatch.panes.tmux import Tmux

EAGER = PanesSettings(
    list_interval=1e-6, min_interval=1e-6, busy_interval=1e-6, max_interval=1e-6,
    process_interval=1e-6,
)  # fmt: skip
"""Every sweep reads every pane."""


class Witness:
    """An observer that keeps everything it is told."""

    name: ClassVar[str] = "witness"

    def __init__(self) -> None:
        self.updates: list[PaneUpdate] = []
        self.forgotten: list[PaneKey] = []

    def observe(self, update: PaneUpdate) -> None:
        self.updates.append(update)

    def forget(self, pane: PaneKey) -> None:
        self.forgotten.append(pane)

    def collect(self) -> Iterable[Metric]:
        return ()

    def texts(self, pane: str) -> list[str]:
        """The text of each line of ``pane`` that counts."""
        return [
            line.text
            for update in self.updates
            if update.key.pane_id == pane
            for line in update.lines
            if not line.continued
        ]

    def gaps(self, pane: str) -> int:
        return sum(update.gap for update in self.updates if update.key.pane_id == pane)


class Watch:
    """A sweeper that sweeps when the test says so."""

    def __init__(
        self,
        tmux: PrivateTmux,
        settings: PanesSettings = EAGER,
        *,
        began: float = 0.0,
        timeout: float = 5.0,
        screens: ScreenReader | None = None,
    ) -> None:
        self.witness = Witness()
        self.watched = True
        self.sweeper = Sweeper(
            "test",
            Tmux(TmuxSettings().binary, (), tmux.socket, timeout),
            settings,
            local=True,
            observers=(self.witness,),
            screens=screens,
            watched=lambda: self.watched,
            began=began,
        )

    def look(self) -> None:
        self.sweeper.sweep()

    @property
    def published(self) -> Published:
        assert self.sweeper.published is not None
        return self.sweeper.published

    def view(self, pane: str) -> PaneView:
        return next(view for view in self.published.panes if view.pane_id == pane)
