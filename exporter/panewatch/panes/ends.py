"""The ends of a pane's commands: each told once, as soon as it is known how it came."""

from __future__ import annotations

from panewatch.panes.listing import PaneFacts


class EndWatch:
    """Follows the command of one pane from listing to listing.

    Args:
        facts: The first facts about the pane.
        seen: Whether the pane appeared under our eyes: if it is dead already, that is news.
    """

    __slots__ = ("_dead", "_open", "_pid")

    def __init__(self, facts: PaneFacts, *, seen: bool) -> None:
        self._pid = facts.pid
        self._dead = facts.dead
        self._open = facts.dead and seen
        """Whether the command ended and it was not told how."""

    def note(self, facts: PaneFacts) -> list[str]:
        """Take in a new listing.

        Returns:
            For each command that ended how it did: ``ok``, ``failed``, ``killed``, or
            ``unknown`` where another one runs before tmux told. That a command ran and
            ended in between two listings cannot be seen.
        """
        ends: list[str] = []
        if facts.pid != self._pid:
            if self._open or not self._dead:
                ends.append("unknown")
            self._open = facts.dead
        elif facts.dead and not self._dead:
            self._open = True
        self._pid, self._dead = facts.pid, facts.dead
        how = _judge(facts)
        if self._open and how:
            ends.append(how)
            self._open = False
        return ends


def _judge(facts: PaneFacts) -> str:
    """Tell how a dead pane's command ended; nothing where tmux does not know."""
    if facts.exit_signal:
        return "killed"
    if facts.exit_status is None:
        return ""
    return "failed" if facts.exit_status else "ok"
