"""What ``list-panes`` says: which panes there are and the facts about each."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from panewatch.panes.attention import Attention, plan_attention
from panewatch.panes.text import clean_label
from panewatch.panes.tmux import Command, Tmux, TmuxError

_SERVER = "#{pid} #{start_time}"
_BRIEF = "#{pane_id} #{window_activity} #{history_size} #{cursor_x} #{cursor_y} #{alternate_on}"
_FULL = "\t".join(
    (
        _BRIEF,
        "#{pane_dead} #{history_limit} #{pane_pid} #{remain-on-exit}",
        "#{window_panes} #{window_index} #{pane_index} #{session_id} #{window_id}",
        "#{pane_dead_status}",
        "#{pane_dead_signal}",
        # Cutting drops control characters: a program names itself as it likes, with a
        # line end if it wants to look like a pane.
        "#{=64:pane_current_command}",
        "#{=128:session_name}",
    )
)
_FIELDS = 6


class ServerId(NamedTuple):
    """A tmux server's process: pane ids mean nothing without it."""

    pid: int
    start: int


@dataclass(frozen=True, slots=True)
class PaneFacts:
    """The facts about one pane.

    ``limit`` is the most rows that the
    history holds. ``alone`` tells that the window, whose activity it is, has no other pane.
    ``remains`` tells that tmux keeps the pane when its command has ended.
    """

    pane_id: str
    limit: int
    alone: bool
    dead: bool
    pid: int
    session: str
    window: str
    pane: str
    exit_status: int | None
    exit_signal: int | None
    command: str
    session_id: str = ""
    window_id: str = ""
    remains: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """All panes of a server: their raw rows by pane id, and facts where they were asked for.

    A raw row changes when the pane prints, so equal rows mean an unchanged pane
    (within the second that ``window_activity`` resolves). A pane whose window is linked
    into several sessions has one entry of facts for each place.
    """

    server: ServerId
    rows: dict[str, str]
    facts: dict[str, list[PaneFacts]]
    attention: Attention = field(default_factory=Attention)


def count_history(row: str) -> int:
    """Return the rows of history that a raw row tells."""
    return _count(row.split(" ", 3)[2])


def read_activity(row: str) -> int:
    """Return the Unix time at which the pane's window last printed, as a raw row tells it."""
    return _count(row.split(" ", 2)[1])


def shows_alternate(row: str) -> bool:
    """Tell whether a raw row says that the pane shows its alternate screen."""
    return row.endswith(" 1")


def plan_listing(*, full: bool) -> tuple[Command, ...]:
    """Return the commands that list every pane.

    ``full`` asks for the facts too, and for where people look.
    """
    server: Command = ("display-message", "-p", _SERVER)
    if not full:
        return server, ("list-panes", "-a", "-F", _BRIEF)
    return server, *plan_attention(), ("list-panes", "-a", "-F", _FULL)


def list_panes(tmux: Tmux, *, full: bool) -> Listing:
    """List every pane of the server in a call of its own.

    Raises:
        TmuxError: the server does not answer, or not in a way that can be read.
    """
    words = [word for command in plan_listing(full=full) for word in (*command, ";")]
    return parse_listing(tmux.call(*words[:-1]).text, full=full)


def parse_listing(text: str, *, full: bool) -> Listing:
    """Read what the commands of :func:`plan_listing` printed.

    Raises:
        TmuxError: it cannot be read.
    """
    server: ServerId | None = None
    rows: dict[str, str] = {}
    facts: dict[str, list[PaneFacts]] = {}
    attention = Attention()
    for line in text.split("\n"):
        if line.startswith("%"):
            brief, _, rest = line.partition("\t")
            pane_id = brief.partition(" ")[0]
            if full and rest.count("\t") >= _FIELDS - 1:
                facts.setdefault(pane_id, []).append(_parse(pane_id, rest))
            rows.setdefault(pane_id, brief)
        elif not attention.take(line) and server is None:
            # Anything else before the panes is a warning that tmux or a shell printed.
            server = _parse_server(line)
    if server is None:
        raise TmuxError("error", "tmux did not name its server process")
    return Listing(server, rows, facts, attention)


def _parse_server(line: str) -> ServerId | None:
    words = line.split()
    if len(words) >= 2 and words[0].isdigit() and words[1].isdigit():  # noqa: PLR2004
        return ServerId(int(words[0]), int(words[1]))
    return None


@lru_cache(maxsize=4096)
def _parse(pane_id: str, rest: str) -> PaneFacts:
    """Read the facts; most panes' are the same as at the last listing."""
    shape, place, status, signal, command, session = rest.split("\t", _FIELDS - 1)
    dead, limit, pid, remain = shape.split(" ")
    panes, window, pane, session_id, window_id = place.split(" ")
    return PaneFacts(
        pane_id=pane_id,
        limit=_count(limit),
        alone=panes == "1",
        dead=dead == "1",
        pid=_count(pid),
        session=clean_label(session),
        window=window,
        pane=pane,
        exit_status=int(status) if status.isdigit() else None,
        exit_signal=int(signal) if signal.isdigit() else None,
        command=clean_label(command, 64),
        session_id=session_id,
        window_id=window_id,
        remains=remain == "on",
    )


def _count(text: str) -> int:
    return int(text) if text.isdigit() else 0
