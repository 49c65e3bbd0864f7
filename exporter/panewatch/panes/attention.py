"""Where people look: each session's active pane, and which clients are attached to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from panewatch.panes.text import clean_label
from panewatch.panes.tmux import Command

# A row says by its first character what it is about; panes have "%". The name is cut, which
# drops control characters, so that it cannot look like another row.
_SESSIONS = "#{session_id} #{window_id} #{pane_id}\t#{=128:session_name}"
_CLIENTS = "=#{client_pid} #{session_id}"

_SESSION, _CLIENT = "$", "="
_SESSION_FIELDS, _CLIENT_FIELDS = 3, 2


class Place(NamedTuple):
    """What is active in a session: its pane and the window of that, by tmux's ids."""

    name: str
    window: str
    pane: str


@dataclass(frozen=True, slots=True)
class Attention:
    """The sessions of a server by id, and the session that each attached client shows."""

    sessions: dict[str, Place] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)

    def take(self, row: str) -> bool:
        """Take in a row of :func:`plan_attention`, and tell whether it is one."""
        words, _, name = row.partition("\t")
        fields = words.split(" ")
        if row.startswith(_SESSION) and len(fields) == _SESSION_FIELDS:
            self.sessions[fields[0]] = Place(clean_label(name), *fields[1:])
        elif row.startswith(_CLIENT) and len(fields) == _CLIENT_FIELDS:
            self.clients[fields[0]] = fields[1]
        else:
            return False
        return True


def plan_attention() -> tuple[Command, Command]:
    """Return the commands that tell where people look: a short row per session and client."""
    return ("list-sessions", "-F", _SESSIONS), ("list-clients", "-F", _CLIENTS)
