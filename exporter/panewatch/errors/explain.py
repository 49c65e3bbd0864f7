"""``panewatch explain``: which rule takes which line of a file, and what became of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

from panewatch.errors.classifier import Classifier, Event
from panewatch.errors.context import REASONS
from panewatch.errors.incident import Incidents
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook
from panewatch.panes.text import clean

_BLOCK: Final = 200
_LONGEST_LINE: Final = 4096

# What a terminal would act on and not show. Each alternative is linear: no repeat is nested.
_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[@-~]"
)


def read_lines(file: BinaryIO) -> Iterator[list[str]]:
    """Yield the lines of a recorded text as a pane would have shown them, in blocks.

    A line that was written over with carriage returns is what stood there last.
    """
    block: list[str] = []
    for raw in file:
        block.append(show(raw.decode(errors="replace")))
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
    return result


def print_events(rulebook: Rulebook, files: Sequence[str], output: str) -> bool:
    """Print the events of files; tell whether all could be read."""
    well = True
    for file in files:
        try:
            with _open(file) as stream:
                for event, line in explain(rulebook, read_lines(stream)):
                    if output == "text":
                        print(_write(file, event, line))
                    elif event.kind != "unclassified":
                        print(json.dumps(describe(file, event), ensure_ascii=False))
        except OSError as error:
            print(f"{file}: {error.strerror}", file=sys.stderr)
            well = False
    return well


def _open(file: str) -> BinaryIO:
    return sys.stdin.buffer if file == "-" else Path(file).open("rb")


def _write(file: str, event: Event, line: str) -> str:
    """Write an event for a reader: where, what, which rule and why no other."""
    rule = event.rule
    what = event.kind if rule is None or event.kind != "error" else f"{rule.severity} {rule.category}"
    name = "no rule" if rule is None else rule.id
    notes = []
    if event.incident is not None:
        notes.append(f"{'opens' if event.opens else 'joins'} incident {event.incident.number}")
    if event.reason is not None:
        notes.append(f"does not count: {REASONS[event.reason]}")
    if event.ended:
        notes.append("ends incident " + ", ".join(str(i.number) for i in event.ended))
    notes += [f"over {loser.id}: {explain_loss(rule, loser)}" for loser in event.losers if rule]
    told = f" ({'; '.join(notes)})" if notes else ""
    return f"{file}:{event.line + 1}: {what}: {name}{told}\n    {line}"


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


def print_rules(rulebook: Rulebook) -> None:
    """Print every rule on a line."""
    for rule in rulebook.rules:
        severity = rule.severity if rule.kind == "error" else "-"
        print(f"{rule.id:<40} {rule.kind:<8} {severity:<2} {rule.category:<12} {rule.suggestion}")
