"""What one line of a pane means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from panewatch.errors.command import Command
from panewatch.errors.context import Reason
from panewatch.errors.incident import Incident
from panewatch.errors.prompt import Prompt
from panewatch.errors.rule import Kind, Rule

What: TypeAlias = Kind | Literal["unclassified", "command", "status"]


@dataclass(frozen=True, slots=True)
class Event:
    """What one line means.

    Attributes:
        line: Number of the line in its pane, from 0.
        kind: An ``unclassified`` line looks like trouble, and no rule knows it; a ``command``
            line is a prompt with what was typed; a ``status`` is no line: a command ended.
        rule: The rule that took it.
        reason: Why it does not count, where a rule took it all the same.
        incident: The incident that it opened or joined.
        opens: Whether it opened it.
        losers: The rules that would have taken it too.
        ended: The incidents that a success ended.
        prompt: The prompt, and the command that was typed at it.
    """

    line: int
    kind: What
    rule: Rule | None = None
    reason: Reason | None = None
    incident: Incident | None = None
    opens: bool = False
    losers: tuple[Rule, ...] = ()
    ended: tuple[Incident, ...] = ()
    prompt: Prompt | None = None

    @property
    def command(self) -> Command | None:
        """The command that was typed."""
        return self.prompt.command if self.prompt is not None else None
