"""Reading many panes with few tmux calls.

A call carries the captures of up to 200 panes. Each is preceded by a header that
``display-message`` prints in the same turn of tmux's loop, so header and text are of
one instant. Headers start with a random nonce: a pane cannot forge a frame.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from panewatch.panes.capture import DEAD_NOTE, Capture, Grid, Text
from panewatch.panes.text import count_cells, count_rows
from panewatch.panes.tmux import Output, Tmux

_HEADER = (
    "#{pane_id} #{pane_pid} #{history_size} #{history_limit} #{pane_width} #{pane_height}"
    " #{cursor_x} #{cursor_y} #{pane_dead} #{alternate_on} #{window_activity}"
    " #{alternate_saved_x} #{alternate_saved_y}"
)
_HEADER_FIELDS = 13
_CHUNK = 200
_CHUNK_OF_ARGUMENTS = 40
"""tmux refuses a command line over 16 kB."""


class Absence(Enum):
    """Why a pane that was asked for has no capture."""

    VANISHED = "the pane is gone"
    FAILED = "tmux gave no text for a pane that is there"


@dataclass(frozen=True, slots=True)
class Request:
    """A pane to read: ``rows`` of its history above the screen, and which screen it shows."""

    pane_id: str
    rows: int
    alternate: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What one pane showed. ``activity`` is in Unix time, whole seconds.

    ``capture`` is None where the pane had switched between its primary and alternate
    screen (``alternate`` tells what it shows now): ask again.
    """

    capture: Capture | None
    alternate: bool
    activity: int


class Reader:
    """Reads panes of one server; probes once whether it takes commands from stdin."""

    def __init__(self, tmux: Tmux, line_length: int) -> None:
        self._tmux = tmux
        self._line_length = line_length
        self._stdin: bool | None = None
        self.calls = 0
        """tmux calls made so far."""

    @property
    def uses_stdin(self) -> bool:
        """Whether commands go through standard input, which takes any number of panes."""
        return bool(self._stdin)

    def read(self, requests: Sequence[Request]) -> dict[str, Look | Absence]:
        """Read all panes of ``requests``.

        Raises:
            TmuxError: the server does not answer.
        """
        if self._stdin is None:
            self._stdin = self._probe()
        looks: dict[str, Look | Absence] = {}
        pending = list(requests)
        while pending:
            chunk = pending[: _CHUNK if self._stdin else _CHUNK_OF_ARGUMENTS]
            answered = self._read_chunk(chunk)
            looks.update(answered)
            if self._stdin:
                pending = pending[len(chunk) :]
            else:
                # A chain stops at a pane that is gone: go on behind it.
                reached = 1 + max(
                    (place for place, request in enumerate(chunk) if request.pane_id in answered),
                    default=0,
                )
                looks.setdefault(chunk[0].pane_id, Absence.VANISHED)
                pending = pending[reached:]
        for request in requests:
            looks.setdefault(request.pane_id, Absence.FAILED)
        return looks

    def _probe(self) -> bool:
        nonce = secrets.token_hex(8)
        self.calls += 1
        output = self._tmux.call("source-file", "-", stdin=f"display-message -p {nonce}\n")
        return nonce in output.text

    def _read_chunk(self, chunk: Sequence[Request]) -> dict[str, Look | Absence]:
        nonce = secrets.token_hex(16)
        commands = [command for request in chunk for command in _plan(request, nonce)]
        self.calls += 1
        output: Output
        if self._stdin:
            script = "".join(" ".join(map(_quote, command)) + "\n" for command in commands)
            output = self._tmux.call("source-file", "-", stdin=script)
        else:
            words = [word for command in commands for word in (*command, ";")]
            output = self._tmux.call(*words[:-1])
        asked = {request.pane_id: request for request in chunk}
        looks: dict[str, Look | Absence] = {}
        last = ""
        parts = output.text.split(nonce)[1:]
        for header, bodies in _group(parts):
            fields = header.split(" ")
            request = asked.get(fields[0]) if len(fields) == _HEADER_FIELDS else None
            if request is not None:
                last = request.pane_id
                looks[last] = _parse(fields, bodies, request, self._line_length)
        if self._stdin:
            # display-message answers for a pane that is gone too, with empty fields.
            for pane_id in asked:
                looks.setdefault(pane_id, Absence.VANISHED)
        return looks


def _plan(request: Request, nonce: str) -> Iterator[Sequence[str]]:
    target = ("-t", request.pane_id)
    yield ("display-message", "-p", *target, f"{nonce}H {_HEADER}")
    if not request.alternate:
        yield ("capture-pane", "-p", "-J", *target, "-S", f"-{request.rows}")
        return
    # While a program holds the alternate screen, the primary one is three pieces.
    yield ("capture-pane", "-p", "-J", *target, "-S", f"-{max(1, request.rows)}", "-E", "-1")
    yield ("display-message", "-p", f"{nonce}B")
    yield ("capture-pane", "-a", "-q", "-p", "-J", *target)
    yield ("display-message", "-p", f"{nonce}B")
    yield ("capture-pane", "-p", "-J", *target)


def _quote(word: str) -> str:
    return f"'{word}'" if " " in word or "#" in word else word


def _group(parts: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each header with the bodies that follow it."""
    header: str | None = None
    bodies: list[str] = []
    for part in parts:
        first, _, body = part.partition("\n")
        if first.startswith("H "):
            if header is not None:
                yield header, bodies
            header, bodies = first[2:], [body]
        elif header is not None:
            bodies.append(body)
    if header is not None:
        yield header, bodies


def _parse(
    fields: Sequence[str], bodies: Sequence[str], request: Request, line_length: int
) -> Look | Absence:
    try:
        numbers = [int(field or 0) for field in fields[1:]]
    except ValueError:
        return Absence.FAILED
    pid, history, limit, width, height, x, y, dead, alternate, activity, saved_x, saved_y = numbers
    if bool(alternate) != request.alternate:
        return Look(None, bool(alternate), activity)
    grid = Grid(pid, history, limit, width, height, x, y, bool(dead))
    if not bodies[0]:
        return Absence.FAILED
    if not alternate:
        lines = _lines(bodies[0])
        if dead:
            lines[-1:] = _part_message(lines[-1])
        text = Text.from_terminal(lines, history + height, width, line_length)
        return Look(Capture(grid, text), alternate=False, activity=activity)
    if len(bodies) != 3:  # noqa: PLR2004  # history, saved screen, alternate screen
        return Absence.FAILED
    above = _lines(bodies[0]) if history and request.rows else []
    saved, screen = _lines(bodies[1]), _lines(bodies[2])
    shown = Text.from_terminal(screen, height, width, line_length)
    grid = replace(grid, cursor_x=saved_x, cursor_y=min(saved_y, height - 1))
    stop = history + sum(count_rows(line, width) for line in saved)
    # A full last row may go on below: then the two pieces cannot be put together.
    torn = bool(above) and bool(above[-1]) and count_cells(above[-1]) % width == 0
    primary = None if torn else Text.from_terminal([*above, *saved], stop, width, line_length)
    capture = Capture(grid, primary, shown.lines, shown.line_at(y))
    return Look(capture, alternate=True, activity=activity)


def _part_message(line: str) -> list[str]:
    """Part tmux's note on a dead pane from the text that it flags as wrapped into it."""
    before, note, rest = line.rpartition(DEAD_NOTE)
    return [before, note + rest] if note else [line]


def _lines(body: str) -> list[str]:
    return body.removesuffix("\n").split("\n")
