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
from typing import TypeAlias

from panewatch.panes.capture import DEAD_NOTE, Capture, Grid, Text
from panewatch.panes.text import count_cells, count_rows
from panewatch.panes.tmux import Call, Command, Output, Tmux, TmuxError

_HEADER = (
    "#{pane_id} #{pane_pid} #{history_size} #{pane_width} #{pane_height} #{cursor_y}"
    " #{pane_dead} #{alternate_on}"
)
_HEADER_FIELDS = 8
_CHUNK = 200
_CHUNK_OF_ALTERNATE = 100
"""Their reads take more words, and a chunk has to fit into a pipe's buffer."""

_CHUNK_OF_ARGUMENTS = 40
"""tmux refuses a command line over 16 kB."""


class Absence(Enum):
    """Why a pane that was asked for has no capture."""

    VANISHED = "the pane is gone"
    FAILED = "tmux gave no text for a pane that is there"


@dataclass(frozen=True, slots=True)
class Request:
    """A pane to read.

    ``rows`` of its history above the screen are asked for, ``limit`` is the most rows that
    its history holds, ``alternate`` tells which screen it is believed to show.
    """

    pane_id: str
    limit: int
    rows: int = 0
    alternate: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What one pane showed.

    ``capture`` is None where the pane had switched between its primary and alternate
    screen (``alternate`` tells what it shows now): ask again.
    """

    capture: Capture | None
    alternate: bool


Looks: TypeAlias = dict[str, Look | Absence]


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

    def read(self, requests: Sequence[Request]) -> Iterator[Looks]:
        """Read all panes of ``requests`` and yield what they show, a chunk at a time.

        tmux works on the next chunk while the caller works on the last.

        Raises:
            TmuxError: the server does not answer.
        """
        if self._stdin is None:
            self._stdin = self._probe()
        return self._read_script(requests) if self._stdin else self._read_chain(requests)

    def read_beside(
        self, commands: Sequence[Command], requests: Sequence[Request]
    ) -> tuple[str, Looks]:
        """Run ``commands`` and read panes in one call.

        Returns:
            What the commands printed, and what the panes show; no pane is read where
            there are too many for one call, or this tmux takes no commands from stdin.

        Raises:
            TmuxError: the server does not answer.
        """
        if not self._stdin or not 0 < len(requests) <= _CHUNK_OF_ALTERNATE:
            words = [word for command in commands for word in (*command, ";")]
            return self._tmux.call(*words[:-1]).text, {}
        nonce = secrets.token_hex(16)
        output = self._start_script(requests, nonce, commands).finish()
        return output.text.partition(nonce)[0], self._parse(output, nonce, requests)

    def _probe(self) -> bool:
        nonce = secrets.token_hex(8)
        self.calls += 1
        try:
            output = self._tmux.call("source-file", "-", stdin=f"display-message -p {nonce}\n")
        except TmuxError as error:
            # An old tmux takes "-" for a file's name.
            if error.reason in {"missing", "error"}:
                return False
            raise
        return nonce in output.text

    def _read_script(self, requests: Sequence[Request]) -> Iterator[Looks]:
        size = _CHUNK_OF_ALTERNATE if any(r.alternate for r in requests) else _CHUNK
        running: Call | None = None
        asked: Sequence[Request] = ()
        nonce = ""
        try:
            for begin in range(0, len(requests) + size, size):
                before, asked_before, nonce_before = running, asked, nonce
                asked, nonce = requests[begin : begin + size], secrets.token_hex(16)
                running = self._start_script(asked, nonce) if asked else None
                if before is not None:
                    looks = self._parse(before.finish(), nonce_before, asked_before)
                    # display-message answers for a pane that is gone too, in empty fields.
                    yield _fill(looks, asked_before, Absence.VANISHED)
        finally:
            if running is not None:
                running.cancel()

    def _start_script(
        self, requests: Sequence[Request], nonce: str, before: Sequence[Command] = ()
    ) -> Call:
        commands = (command for request in requests for command in _plan(request, nonce))
        lines = (" ".join(map(_quote, command)) for command in (*before, *commands))
        script = "\n".join(lines) + "\n"
        self.calls += 1
        return self._tmux.start("source-file", "-", stdin=script)

    def _read_chain(self, requests: Sequence[Request]) -> Iterator[Looks]:
        pending = requests
        while pending:
            chunk, nonce = pending[:_CHUNK_OF_ARGUMENTS], secrets.token_hex(16)
            commands = (command for request in chunk for command in _plan(request, nonce))
            words = [word for command in commands for word in (*command, ";")]
            self.calls += 1
            looks = self._parse(self._tmux.call(*words[:-1]), nonce, chunk)
            # A chain stops at the first pane that is gone: go on behind it.
            reached = next(
                (place + 1 for place, r in enumerate(chunk) if r.pane_id not in looks), len(chunk)
            )
            yield _fill(looks, chunk[:reached], Absence.VANISHED)
            pending = pending[reached:]

    def _parse(self, output: Output, nonce: str, requests: Sequence[Request]) -> Looks:
        asked = {request.pane_id: request for request in requests}
        looks: Looks = {}
        for header, bodies in _group(output.text.split(nonce)[1:]):
            fields = header.split(" ")
            request = asked.get(fields[0]) if len(fields) == _HEADER_FIELDS else None
            if request is not None:
                looks[request.pane_id] = _parse(fields, bodies, request, self._line_length)
        return looks


def _fill(looks: Looks, requests: Sequence[Request], absence: Absence) -> Looks:
    return {request.pane_id: looks.get(request.pane_id, absence) for request in requests}


def _plan(request: Request, nonce: str) -> Iterator[Command]:
    target = ("-t", request.pane_id)
    yield ("display-message", "-p", *target, f"{nonce}H {_HEADER}")
    if not request.alternate:
        yield ("capture-pane", "-p", "-J", *target, "-S", f"-{request.rows}")
        return
    # While a program holds the alternate screen, the primary one is three pieces.
    yield ("capture-pane", "-p", "-J", *target, "-S", f"-{max(1, request.rows)}", "-E", "-1")
    yield ("display-message", "-p", *target, f"{nonce}B #{{alternate_saved_y}}")
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
        if part.startswith("H "):
            if header is not None:
                yield header, bodies
            header, _, body = part[2:].partition("\n")
            bodies = [body]
        else:
            bodies.append(part.removeprefix("B"))
    if header is not None:
        yield header, bodies


def _parse(
    fields: Sequence[str], bodies: Sequence[str], request: Request, line_length: int
) -> Look | Absence:
    try:
        pid, history, width, height, cursor_y, dead, alternate = map(int, fields[1:])
    except ValueError:
        return Absence.FAILED
    if bool(alternate) != request.alternate:
        return Look(None, bool(alternate))
    if not bodies[0]:
        return Absence.FAILED
    grid = Grid(pid, history, request.limit, width, height, cursor_y, bool(dead))
    if alternate:
        return _parse_alternate(grid, bodies, request, line_length)
    lines = _lines(bodies[0])
    if dead:
        lines[-1:] = _part_message(lines[-1])
    text = Text.from_terminal(lines, history + height, width, line_length)
    return Look(Capture(grid, text), alternate=False)


def _parse_alternate(
    grid: Grid, bodies: Sequence[str], request: Request, line_length: int
) -> Look | Absence:
    if len(bodies) != 3:  # noqa: PLR2004  # history, saved screen, alternate screen
        return Absence.FAILED
    above = _lines(bodies[0]) if grid.history and request.rows else []
    saved_y, _, rest = bodies[1].strip(" ").partition("\n")
    saved, screen = _lines(rest), _lines(bodies[2].removeprefix("\n"))
    shown = Text.from_terminal(screen, grid.height, grid.width, line_length)
    row = min(int(saved_y), grid.height - 1) if saved_y.isdigit() else grid.height - 1
    stop = grid.history + sum(count_rows(line, grid.width) for line in saved)
    # A full last row may go on below: then the two pieces cannot be put together.
    torn = bool(above) and bool(above[-1]) and count_cells(above[-1]) % grid.width == 0
    primary = None if torn else Text.from_terminal(
        [*above, *saved], stop, grid.width, line_length
    )  # fmt: skip
    cursor = shown.line_at(grid.cursor_y)
    return Look(
        Capture(replace(grid, cursor_y=row), primary, shown.lines, cursor), alternate=True
    )  # fmt: skip


def _part_message(line: str) -> list[str]:
    """Part tmux's note on a dead pane from the text that it flags as wrapped into it."""
    before, note, rest = line.rpartition(DEAD_NOTE)
    return [before, note + rest] if note else [line]


def _lines(body: str) -> list[str]:
    return body.removesuffix("\n").split("\n")
