"""A panes collector that runs, and its samples by name and labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.panes.collector import ObserverFailedError, PanesCollector


class Scrape:
    """The samples of one collection; ``unavailable`` is the reason where it ended early.

    ``raised`` is the type of any other error at its end.
    """

    def __init__(self, collector: PanesCollector) -> None:
        self.unavailable = ""
        self.raised: type[Exception] | None = None
        self.samples: list[tuple[str, dict[str, str], float]] = []
        try:
            for family in collector.collect():
                self.samples += [(s.name, dict(s.labels), s.value) for s in family.samples]
        except SourceUnavailable as error:
            self.unavailable = error.reason
        except ObserverFailedError as error:
            self.raised = type(error)

    def values(self, name: str, **labels: str) -> list[float]:
        return [
            value
            for sample, found, value in self.samples
            if sample == f"panewatch_{name}" and labels.items() <= found.items()
        ]

    def value(self, name: str, **labels: str) -> float | None:
        found = self.values(name, **labels)
        assert len(found) <= 1, (name, labels, found)
        return found[0] if found else None

    def states(self) -> dict[str, str]:
        """The state of each server."""
        return {
            labels["server"]: labels["state"]
            for name, labels, value in self.samples
            if name == "panewatch_tmux_server_state" and value
        }

    def panes(self) -> dict[tuple[str, str, str], str]:
        """The state of each pane, by session, window and pane."""
        return {
            (labels["session"], labels["window"], labels["pane"]): labels["state"]
            for name, labels, value in self.samples
            if name == "panewatch_pane_state" and value
        }


@contextmanager
def collecting(**sections: object) -> Iterator[PanesCollector]:
    """Run a collector with quick intervals and the given settings.

    The servers that are set have been looked at: what is printed from here on is new.
    """
    panes = {"list_interval": 0.05, "min_interval": 0.02, "busy_interval": 0.05}
    given = sections.pop("panes", {})
    assert isinstance(given, dict)
    config = Config.model_validate({"panes": panes | given, **sections})
    collector = PanesCollector(config)
    collector.start()
    try:
        wait_for_first_look(collector)
        yield collector
    finally:
        collector.stop()


def wait_for_first_look(collector: PanesCollector) -> None:
    """Wait until each server that is set was looked at, with success or without."""
    for watched in collector._servers.values():
        watched.sweeper.wait_for_first(30.0)
