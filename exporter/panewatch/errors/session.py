"""Whose output a pane shows: the command at its last prompt, and how that went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from panewatch.errors.command import Command
from panewatch.errors.own_prompt import OwnPrompt
from panewatch.errors.prompt import Prompt

_STOPPED: Final = ("^C", "KeyboardInterrupt")
"""How the last lines of a command end that a person stopped."""

_LAST_LINES: Final = 4
_LEAD_SECONDS: Final = 2.0
"""Longer than it takes to show what was there before a command began to follow it."""


class Session:
    """The commands of one pane, as its prompts tell of them.

    Attributes:
        command: The command whose output is read, where its prompt was recognised.
        run: Counts the commands.
        agent: Whether a coding agent runs.
        failed: Whether the command printed an error.
        reporting: The mark of the prompts of a shell that reports how its commands end.
    """

    __slots__ = (
        "_began", "_line", "_mark", "_own", "_rested", "agent", "command", "failed", "reporting",
        "run",
    )  # fmt: skip

    def __init__(self) -> None:
        self.command: Command | None = None
        self.run = 0
        self.agent = self.failed = False
        self.reporting: str | None = None
        self._own = OwnPrompt()
        self._mark = ""
        """What tells the prompt of the command from prompts that it merely shows."""
        self._began, self._line = 0.0, 0
        self._rested = -1
        """The run whose end was seen."""

    @property
    def own(self) -> OwnPrompt:
        """The prompt of this pane, where it had to be learned."""
        return self._own

    def believes(self, prompt: Prompt, *, quoted: bool) -> bool:
        """Tell whether a line that reads like a prompt is one here.

        ``quoted`` tells that a program shows text in its own window.
        """
        if prompt.kind == "bullet":
            return self.agent
        if prompt.kind == "tool":
            return not quoted or self.agent
        if quoted:
            return False
        shows = self.command is not None and self.command.quotes and self._mark
        return not shows or prompt.mark == self._mark

    def begin(self, prompt: Prompt, line: int, now: float) -> None:
        """Go over to the command that was typed at ``prompt``, in line number ``line``."""
        self.command, self.failed = prompt.command, False
        self.run += 1
        self._began, self._line = now, line
        if prompt.kind == "shell":
            self._mark, self.agent = prompt.mark, False
        elif prompt.kind == "tool":
            self.agent = True

    def leave(self, run: int) -> None:
        """Note that the command has ended, and that ``run`` follows, of which nothing is known."""
        self.command, self.failed, self.run = None, False, run

    def return_to(self, prompt: Prompt) -> bool:
        """Note that the shell waits at ``prompt`` again; tell whether that is new."""
        if prompt.kind != "shell" or prompt.command.text or self._rested == self.run:
            return False
        if prompt.mark != self._mark:
            return False
        self._rested = self.run
        return True

    def went_well(self, look_back: Callable[[int], str | None]) -> bool:
        """Tell whether the command, which has ended, printed no error and was not stopped.

        Where the shell tells how a command ended, nobody has to guess, and what runs in the
        background has not ended. ``look_back`` returns the line that many lines above.
        """
        command = self.command
        if command is None or command.quotes or self.failed or command.text.endswith("&"):
            return False
        if self.reporting is not None and self._mark == self.reporting:
            return False
        last = (look_back(distance) or "" for distance in range(1, _LAST_LINES + 1))
        return not any(line.rstrip().endswith(_STOPPED) for line in last)

    def is_old(self, line: int, now: float) -> bool:
        """Tell whether line number ``line`` is one that ``tail -f`` begins with."""
        if self.command is None or line - self._line > self.command.lead:
            return False
        return now - self._began <= _LEAD_SECONDS
