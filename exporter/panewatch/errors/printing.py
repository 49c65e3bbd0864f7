"""What ``panewatch explain`` and ``panewatch rules`` print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from panewatch.errors.context import REASONS
from panewatch.errors.event import Event
from panewatch.errors.explain import describe, explain, explain_loss, read_lines
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

    def print_file(file: str, stream: BinaryIO) -> None:
        count, found = _Count(None if beside is None else beside.note), False

        def write(item: dict[str, Any], text: str) -> None:
            nonlocal found
            found = True
            if output == "text":
                _say(text)
            else:
                print(json.dumps(item))

        def write_others(until: int | None) -> None:
            for item, text in () if beside is None else beside.take(file, until):
                write(item, text)

        for event, line in explain(rulebook, read_lines(stream, count.note)):
            write_others(event.line + 1)
            write(describe(file, event), _write(file, event, line))
        write_others(None)
        if not found:
            _tell_nothing(file, count.lines)

    return _read_all(files, print_file)


def group_unmatched(rulebook: Rulebook, files: Sequence[str], output: str) -> bool:
    """Print what the lines that no rule knows have in common, with a rule to begin from."""
    lines: list[str] = []

    def gather(file: str, stream: BinaryIO) -> None:
        count, before = _Count(), len(lines)
        events = explain(rulebook, read_lines(stream, count.note))
        lines.extend(line for event, line in events if event.kind == "unclassified")
        if len(lines) == before:
            _tell_nothing(file, count.lines)

    well = _read_all(files, gather)
    for number, template in enumerate(find_templates(lines), start=1):
        if output == "jsonl":
            print(json.dumps(template._asdict()))
        else:
            _say(f"# {template.seen} times: {template.text}")
            _say(write_skeleton(template, number) + "\n")
    return well


class _Count:
    """Counts the lines that are read, and hands them on."""

    def __init__(self, note: Callable[[int, str], None] | None = None) -> None:
        self.lines = 0
        self._note = note

    def note(self, number: int, text: str) -> None:
        self.lines = number
        if self._note is not None:
            self._note(number, text)


def _read_all(files: Sequence[str], take: Callable[[str, BinaryIO], None]) -> bool:
    """Hand each file to ``take``; name those that cannot be read, and tell whether none was."""
    well = True
    for file in files:
        try:
            with _open(file) as stream:
                take(file, stream)
        except BrokenPipeError:  # of the output, which is no fault of the file
            raise
        except OSError as error:
            print(f"{file}: {error.strerror}", file=sys.stderr)
            well = False
    return well


def _tell_nothing(file: str, lines: int) -> None:
    """Say on standard error that there was nothing to tell, which looks like no answer else."""
    print(f"{file}: nothing found in {lines} line{'' if lines == 1 else 's'}", file=sys.stderr)


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


def print_rules(rulebook: Rulebook) -> None:
    """Print every rule on a line."""
    for rule in rulebook.rules:
        severity = rule.severity if rule.kind == "error" else "-"
        print(f"{rule.id:<40} {rule.kind:<8} {severity:<2} {rule.category:<12} {rule.suggestion}")
