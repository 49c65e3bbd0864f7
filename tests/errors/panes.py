"""One pane that exists in memory alone: lines in, events or samples out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from panewatch.errors.classifier import Classifier
from panewatch.errors.event import Event
from panewatch.errors.incident import Incident, Incidents
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook


def make_rule(name: str, match: str, **values: object) -> Rule:
    usual: dict[str, object] = {"kind": "error", "suggestion": "mend it"}
    return Rule(name, match=(match,), **(usual | values))  # type: ignore[arg-type]


class Told:
    """A classifier, and everything that it told."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.classifier = Classifier(rulebook, Incidents(count(1)))
        self.events: list[Event] = []

    def feed(
        self, text: str, now: float = 0.0, *, quoted: bool = False, agent: bool = False
    ) -> list[Event]:
        events = self.classifier.feed(text.split("\n"), now, quoted=quoted, agent=agent)
        self.events += events
        return events

    def flush(self, now: float = 0.0, *, force: bool = True) -> list[Event]:
        events = self.classifier.flush(now, force=force)
        self.events += events
        return events

    @property
    def open(self) -> list[Incident]:
        return list(self.classifier.incidents.open.values())

    def open_ids(self) -> list[str]:
        return [incident.rule.id for incident in self.open]


def read(rulebook: Rulebook, text: str, *, quoted: bool = False, agent: bool = False) -> Told:
    """Return what a whole text tells."""
    told = Told(rulebook)
    told.feed(text, quoted=quoted, agent=agent)
    told.flush()
    return told


def summarize(events: Sequence[Event]) -> list[tuple[object, ...]]:
    """Return what can be compared between two runs."""
    return sorted(
        (
            event.line,
            event.kind,
            event.rule.id if event.rule else "",
            event.reason or "",
            event.incident.number if event.incident else 0,
            event.opens,
            tuple(incident.number for incident in event.ended),
            event.command.text if event.command else "",
        )
        for event in events
    )
