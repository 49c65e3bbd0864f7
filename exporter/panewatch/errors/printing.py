"""What ``panewatch explain`` and ``panewatch rules`` print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from panewatch.errors.classifier import Event
from panewatch.errors.context import REASONS
from panewatch.errors.explain import describe, explain, read_lines
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook
from panewatch.errors.templates import find_templates, write_skeleton


class Beside(Protocol):
    """What else is found in recorded lines, apart from the errors."""

    def note(self, number: int, text: str) -> None:
        """Take in a line as it was written; they are counted from 1."""

    def take(self, file: str, until: int | None = None) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield what was found up to a line, as an object and as a text, and drop it."""


def print_events(
    rulebook: Rulebook, files: Sequence[str], output: str, beside: Beside | None = None
) -> bool:
    """Print the events of files, in the order of their lines; tell whether all could be read."""
    well = True
    for file in files:
        note = (lambda *_: None) if beside is None else beside.note
        others = (lambda *_: iter(())) if beside is None else beside.take
        try:
            with _open(file) as stream:
                for event, line in explain(rulebook, read_lines(stream, note)):
                    _print_others(others(file, event.line + 1), output)
                    if output == "text":
                        _say(_write(file, event, line))
                    elif event.kind != "unclassified":
                        print(json.dumps(describe(file, event)))
                _print_others(others(file, None), output)
        except OSError as error:
            print(f"{file}: {error.strerror}", file=sys.stderr)
            well = False
    return well


def _print_others(found: Iterator[tuple[dict[str, Any], str]], output: str) -> None:
    for thing, text in found:
        if output == "text":
            _say(text)
        else:
            print(json.dumps(thing))


def group_unmatched(rulebook: Rulebook, files: Sequence[str], output: str) -> bool:
    """Print what the lines that no rule knows have in common, with a rule to begin from."""
    lines: list[str] = []
    well = True
    for file in files:
        try:
            with _open(file) as stream:
                events = explain(rulebook, read_lines(stream))
                lines += [line for event, line in events if event.kind == "unclassified"]
        except OSError as error:
            print(f"{file}: {error.strerror}", file=sys.stderr)
            well = False
    for number, template in enumerate(find_templates(lines), start=1):
        if output == "jsonl":
            print(json.dumps(template._asdict()))
        else:
            _say(f"# {template.seen} times: {template.text}")
            _say(write_skeleton(template, number) + "\n")
    return well


def _say(text: str) -> None:
    """Print ``text``, escaping what the output cannot show."""
    encoding = sys.stdout.encoding
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def _open(file: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb")


def _write(file: str, event: Event, line: str) -> str:
    """Write an event for a reader: where, what, which rule and why no other."""
    rule = event.rule
    what: str = event.kind
    if rule is not None and event.kind == "error":
        what = f"{rule.severity} {rule.category}"
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
