"""``panewatch explain``: which rule takes which line of a file, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, BinaryIO, Final

from panewatch.errors.classifier import Classifier
from panewatch.errors.event import Event
from panewatch.errors.incident import Incidents
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook
from panewatch.panes.text import clean

_BLOCK: Final = 200
_LONGEST_LINE: Final = 4096

# What a terminal would act on and not show. Each alternative is linear: no repeat is nested.
_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]|\x9b[0-?]*[@-~]"
)


def read_lines(
    file: BinaryIO, note: Callable[[int, str], None] = lambda *_: None
) -> Iterator[list[str]]:
    """Yield the lines of a recorded text as a pane would have shown them, in blocks.

    A line that was written over with carriage returns is what stood there last; ``note``
    gets each with its number, from 1, as it was written.
    """
    block: list[str] = []
    for number, raw in enumerate(file, start=1):
        text = raw.decode(errors="replace")
        note(number, text)
        block.append(show(text))
        if len(block) >= _BLOCK:
            yield block
            block = []
    if block:
        yield block


def show(raw: str) -> str:
    """Return what a terminal shows of one line of output."""
    text = raw.rstrip("\r\n")
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part), "")
    return clean(text.expandtabs())[:_LONGEST_LINE].rstrip()


def explain(rulebook: Rulebook, blocks: Iterable[list[str]]) -> Iterator[tuple[Event, str]]:
    """Yield the events of a text, each with its line, as if it scrolled through one pane."""
    classifier = Classifier(rulebook, Incidents(count(1)))
    recent: list[str] = []
    begin = 0
    for block in blocks:
        recent += block
        for event in classifier.feed(block, 0.0):
            if event.kind != "command":
                yield event, recent[event.line - begin]
        excess = max(0, len(recent) - 1000)
        del recent[:excess]
        begin += excess
    for event in classifier.flush(0.0, force=True):
        yield event, recent[event.line - begin]


def describe(file: str, event: Event) -> dict[str, Any]:
    """Return an event as an object of the ``jsonl`` output."""
    result: dict[str, Any] = {"file": file, "line": event.line + 1, "kind": event.kind}
    if event.rule is not None:
        result["rule"] = event.rule.id
        if event.rule.kind == "error":
            result["severity"] = event.rule.severity
        result["category"] = event.rule.category
    if event.reason is not None:
        result["reason"] = event.reason
    if event.incident is not None:
        result |= {"incident": event.incident.number, "opens": event.opens}
    if event.ended:
        result["ends"] = [incident.number for incident in event.ended]
    if event.rule is not None and event.losers:
        result["over"] = {loser.id: explain_loss(event.rule, loser) for loser in event.losers}
    return result


def explain_loss(winner: Rule, loser: Rule) -> str:
    """Say why ``loser`` did not take a line that ``winner`` took."""
    if loser.id in winner.supersedes:
        return "superseded"
    if winner.priority != loser.priority:
        return "lower priority"
    if winner.kind != loser.kind:
        return f"{winner.kind} wins over {loser.kind}"
    if winner.kind == "error" and winner.severity != loser.severity:
        return "less severe"
    return "stands later"
