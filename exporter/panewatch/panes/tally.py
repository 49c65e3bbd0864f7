"""Looks at many panes in one answer without a frame for each: their rows have to add up.

``list-panes`` prints the headers of all panes at once and only the captures follow, all in
the same turn of tmux's loop: that spares tmux half of the commands. A capture has no more
lines than the rows that it covers, and fewer only where a line wraps over several. So where
the captures of a group have as many lines as all of its rows, each of them has just as many
as its own rows, and no pane can reach into the text of another. A group that does not add
up tells nothing, and its panes have to be asked for one by one.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from panewatch.panes.capture import Grid
from panewatch.panes.look import (
    HEADER,
    PLACE,
    Absence,
    Look,
    Looks,
    Request,
    count_rows_of,
    parse_header,
    read_primary,
)

_GROUP = 20
_BEHIND_PLACE = HEADER.count(" ") - PLACE.count(" ")


def write_tally(requests: Sequence[Request], nonce: str) -> str:
    """Write a script that asks for looks at panes that show their primary screens."""
    frame = f"display-message -p {nonce}\n"
    parts = [f"{frame}list-panes -a -F '{HEADER}'\n"]
    for group in _part(requests):
        parts.append(frame)
        parts += [f"capture-pane -p -J -t {r.pane_id} -S -{r.rows}\n" for r in group]
    # A hook of the user's may let tmux go on with other things in between.
    parts.append(f"{frame}list-panes -a -F '{PLACE}'\n")
    return "".join(parts)


def parse_tally(text: str, nonce: str, requests: Sequence[Request], line_length: int) -> Looks:
    """Read what the script printed; panes of groups that do not add up are left out."""
    groups = list(_part(requests))
    _, *parts = text.split(nonce + "\n")
    if len(parts) != len(groups) + 2:
        return {}
    headers = {header.partition(" ")[0]: header for header in parts[0].split("\n")}
    places = set(parts[-1].split("\n"))
    looks: Looks = {}
    for group, body in zip(groups, parts[1:-1], strict=True):
        looks.update(_parse_group(headers, places, body, group, line_length))
    return looks


def _part(requests: Sequence[Request]) -> Iterator[Sequence[Request]]:
    for begin in range(0, len(requests), _GROUP):
        yield requests[begin : begin + _GROUP]


def _parse_group(
    headers: Mapping[str, str],
    places: Container[str],
    body: str,
    group: Sequence[Request],
    line_length: int,
) -> Looks:
    looks: Looks = {}
    shown: list[tuple[Request, Grid, bool, int]] = []
    for request in group:
        header = headers.get(request.pane_id)
        if header is None:
            looks[request.pane_id] = Absence.VANISHED
            continue
        if header.rsplit(" ", _BEHIND_PLACE)[0] not in places:
            return {}
        try:
            grid, alternate = parse_header(header, request.limit)
        except ValueError:
            return {}
        shown.append((request, grid, alternate, count_rows_of(request, grid)))
    lines = body.split("\n")
    # The last line end has nothing behind it.
    if len(lines) - 1 != sum([rows for *_, rows in shown]):
        return {}
    begin = 0
    for request, grid, alternate, rows in shown:
        own, begin = lines[begin : begin + rows], begin + rows
        looks[request.pane_id] = (
            Look(None, alternate) if alternate else read_primary(grid, own, rows, line_length)
        )
    return looks
