"""One look at one pane: what is asked of tmux for it, and what the answer says.

A header that ``display-message`` prints in the same turn of tmux's loop precedes the
text, so both are of one instant. It starts with a random nonce: a pane cannot forge it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from panewatch.panes.capture import DEAD_NOTE, Capture, Grid, Text
from panewatch.panes.text import count_cells, count_rows
from panewatch.panes.tmux import Command

PLACE = "#{pane_id} #{history_size} #{cursor_y}"
"""What of a pane changes when it prints."""

HEADER = f"{PLACE} #{{pane_pid}} #{{pane_width}} #{{pane_height}} #{{pane_dead}} #{{alternate_on}}"
_SPACES = HEADER.count(" ")
_PRIMARY: Sequence[Command] = (
    ("display-message", "-p", "-t", "%(pane)s", f"%(nonce)sH {HEADER}"),
    ("capture-pane", "-p", "-J", "-t", "%(pane)s", "-S", "-%(rows)d"),
)
_ALTERNATE: Sequence[Command] = (
    # While a program holds the alternate screen, the primary one is three pieces.
    ("display-message", "-p", "-t", "%(pane)s", f"%(nonce)sH {HEADER}"),
    ("capture-pane", "-p", "-J", "-t", "%(pane)s", "-S", "-%(rows)d", "-E", "-1"),
    ("display-message", "-p", "-t", "%(pane)s", "%(nonce)sB #{alternate_saved_y}"),
    ("capture-pane", "-a", "-q", "-p", "-J", "-t", "%(pane)s"),
    ("display-message", "-p", "%(nonce)sB"),
    ("capture-pane", "-p", "-J", "-t", "%(pane)s"),
)
"""What is asked for each pane. A pane's id, the rows and the nonce need no quotes."""


def write_script(commands: Sequence[Command]) -> str:
    """Write commands as lines of a script."""
    return "".join(" ".join(map(_quote, command)) + "\n" for command in commands)


def _quote(word: str) -> str:
    return f"'{word}'" if " " in word or "#" in word else word


_PRIMARY_LINES, _ALTERNATE_LINES = write_script(_PRIMARY), write_script(_ALTERNATE)


class Absence(Enum):
    """Why a pane that was asked for has no capture."""

    VANISHED = "the pane is gone"
    FAILED = "tmux gave no text for a pane that is there"


class Request(NamedTuple):
    """A pane to read.

    ``rows`` of its history above the screen are asked for, ``limit`` is the most rows that
    its history holds, ``alternate`` tells which screen it is believed to show.
    """

    pane_id: str
    limit: int
    rows: int = 0
    alternate: bool = False


class Look(NamedTuple):
    """What one pane showed.

    ``capture`` is None where the pane had switched between its primary and alternate
    screen (``alternate`` tells what it shows now): ask again.
    """

    capture: Capture | None
    alternate: bool


Looks: TypeAlias = dict[str, Look | Absence]


def plan_look(request: Request, nonce: str) -> Iterator[Command]:
    """Yield the commands that ask for a look."""
    values = _values(request, nonce)
    for command in _ALTERNATE if request.alternate else _PRIMARY:
        yield tuple(word % values for word in command)


def write_look(request: Request, nonce: str) -> str:
    """Write the same commands as lines of a script."""
    return (_ALTERNATE_LINES if request.alternate else _PRIMARY_LINES) % _values(request, nonce)


def _values(request: Request, nonce: str) -> dict[str, str | int]:
    rows = max(1, request.rows) if request.alternate else request.rows
    return {"nonce": nonce, "pane": request.pane_id, "rows": rows}


def parse_looks(text: str, nonce: str, requests: Sequence[Request], line_length: int) -> Looks:
    """Read what the commands printed; panes without an answer are left out."""
    asked = {request.pane_id: request for request in requests}
    looks: Looks = {}
    for header, bodies in _group(text.split(nonce)[1:]):
        request = asked.get(header.partition(" ")[0])
        if request is not None and header.count(" ") == _SPACES:
            looks[request.pane_id] = _parse(header, bodies, request, line_length)
    return looks


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


class _Shape(NamedTuple):
    """What a header tells that is mostly the same as at the last look."""

    pid: int
    width: int
    height: int
    dead: bool
    alternate: bool


@lru_cache(maxsize=4096)
def _parse_shape(fields: str) -> _Shape:
    pid, width, height, dead, alternate = map(int, fields.split(" "))
    return _Shape(pid, width, height, bool(dead), bool(alternate))


def parse_header(header: str, limit: int) -> tuple[Grid, bool]:
    """Return what a header tells, and whether the pane shows its alternate screen.

    Raises:
        ValueError: the pane is gone: there are no numbers.
    """
    _, history, cursor_y, rest = header.split(" ", 3)
    pid, width, height, dead, alternate = _parse_shape(rest)
    return Grid(pid, int(history), limit, width, height, int(cursor_y), dead), alternate


def count_rows_of(request: Request, grid: Grid) -> int:
    """Return how many rows the capture that is asked for of a primary screen covers."""
    return min(request.rows, grid.history) + grid.height


def read_primary(grid: Grid, lines: list[str], rows: int, line_length: int) -> Look:
    """Return the look at a primary screen whose capture covers ``rows``, as joined lines."""
    known: int | None = rows
    if grid.dead:
        lines[-1:] = _part_message(lines[-1])
        known = None
    stop = grid.history + grid.height
    text = Text.from_terminal(lines, stop, grid.width, line_length, known)
    return Look(Capture(grid, text), alternate=False)


def _parse(
    header: str, bodies: Sequence[str], request: Request, line_length: int
) -> Look | Absence:
    try:
        grid, alternate = parse_header(header, request.limit)
    except ValueError:
        return Absence.FAILED
    if alternate != request.alternate:
        return Look(None, alternate)
    body = bodies[0]
    if not body:
        return Absence.FAILED
    if alternate:
        return _parse_alternate(grid, bodies, request, line_length)
    return read_primary(grid, _lines(body), count_rows_of(request, grid), line_length)


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
        Capture(grid._replace(cursor_y=row), primary, shown.lines, cursor), alternate=True
    )  # fmt: skip


def _part_message(line: str) -> list[str]:
    """Part tmux's note on a dead pane from the text that it flags as wrapped into it."""
    before, note, rest = line.rpartition(DEAD_NOTE)
    return [before, note + rest] if note else [line]


def _lines(body: str) -> list[str]:
    lines = body.split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines
