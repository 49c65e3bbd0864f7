"""The prompt of a pane whose shell has one that no pattern knows, learned from where it rests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from panewatch import linear
from panewatch.errors.command import parse_command
from panewatch.errors.prompt import Prompt

_LONGEST: Final = 80
"""Characters of a prompt that can be learned."""

_CHANGING: Final = (r"\d{1,9}", r"[~/][\w./~+@-]{0,200}", r"\([\w./@+-]{1,60}\)")
"""What changes in a prompt from one command to the next: clocks and counters, folders, branches."""

_CHANGES: Final = linear.compile("|".join(f"({one})" for one in _CHANGING))
_SIGNS: Final = frozenset("#%>$")
_COMMAND: Final = linear.compile(r"^ +(?:[a-z./~]|[A-Z_]{1,40}=)")
"""How a command begins: a sign alone may begin a heading, or words that somebody quotes."""


class OwnPrompt:
    """What a pane shows each time its shell waits for a command.

    A line on which the cursor rests twice, with other text printed between, is the prompt.
    Numbers, folders and what stands in brackets may change between.
    """

    __slots__ = ("_at", "_end", "_pattern", "_rested")

    def __init__(self) -> None:
        self._pattern: linear.Pattern | None = None
        self._end = ""
        """How the prompt ends: a line without it needs no closer look."""
        self._rested = ""
        self._at = -1

    def note(self, line: str, position: int, *, known: bool = False) -> None:
        """Note that the shell waits with the cursor on ``line``, after ``position`` lines.

        ``known`` tells that it is a prompt of a usual shape, which tells more of itself than
        where it ends.
        """
        text = line.rstrip()
        if position == self._at or not 0 < len(text) <= _LONGEST or text.isalnum():
            return
        shape = _generalize(text)
        if shape == self._rested:
            self._pattern = None if known else linear.compile(shape)
            self._end = text[-1:]
        self._rested, self._at = shape, position

    def find(self, lines: Sequence[str]) -> list[int]:
        """Return the indexes of the lines that may be commands typed at it."""
        pattern = self._pattern
        if pattern is None:
            return []
        return [
            index
            for index, line in enumerate(lines)
            if self._end in line and pattern.match(linear.prepare(line)) is not None
        ]

    def read(self, line: str) -> Prompt | None:
        """Return the prompt that ``line`` is; None where it is not this one with a command."""
        if self._pattern is None or self._end not in line:
            return None
        found = self._pattern.match(linear.prepare(line))
        if found is None:
            return None
        prompt, command = line[: found.end()], line[found.end() :]
        if not command.startswith(" "):
            return None
        alone = prompt in _SIGNS and command.strip()
        if alone and _COMMAND.match(linear.prepare(command)) is None:
            return None
        return Prompt("shell", parse_command(command), self._pattern.pattern)


def _generalize(text: str) -> str:
    """Return an expression of a prompt and of those that differ in what changes."""
    parts = ["^"]
    begin = 0
    for found in _CHANGES.finditer(text):
        parts.append(linear.escape(text[begin : found.start()]))
        parts += [one for one, group in zip(_CHANGING, found.groups(), strict=True) if group]
        begin = found.end()
    parts.append(linear.escape(text[begin:]))
    return "".join(parts)
