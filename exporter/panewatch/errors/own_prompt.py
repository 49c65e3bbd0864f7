"""The prompt of a pane whose shell has one that no pattern knows, learned from where it rests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from panewatch.errors.command import Prompt, parse_command, read_prompt

_LEAST: Final = 2
_LONGEST: Final = 80
"""Characters of a prompt that can be learned."""


class OwnPrompt:
    """What a pane shows each time its shell waits for a command.

    A line on which the cursor rests twice, with other text printed between, is the prompt.
    One that changes with every command cannot be learned so.
    """

    __slots__ = ("_at", "_rested", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._rested = ""
        self._at = -1

    def note(self, line: str, position: int) -> None:
        """Note that the shell waits with the cursor on ``line``, after ``position`` lines."""
        text = line.rstrip()
        if position == self._at or not _LEAST <= len(text) <= _LONGEST:
            return
        if text == self._rested and text != self._text:
            # One that is known anyway tells more of itself than where it ends.
            self._text = "" if read_prompt(f"{text} x") is not None else text
        self._rested, self._at = text, position

    def find(self, lines: Sequence[str]) -> list[int]:
        """Return the indexes of the lines that may be commands typed at it."""
        text = self._text
        if not text:
            return []
        return [index for index, line in enumerate(lines) if line.startswith(text)]

    def read(self, line: str) -> Prompt | None:
        """Return the prompt that ``line`` is; None where it is not this one with a command."""
        text = self._text
        if not text or not line.startswith(f"{text} "):
            return None
        return Prompt("shell", parse_command(line[len(text) :]), text)
