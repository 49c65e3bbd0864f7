"""Reading many panes with few tmux calls.

A call carries the looks at up to 200 panes, each in a frame of its own, or at up to 500
whose lines do not wrap in a tally (:mod:`panewatch.panes.tally`).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from panewatch.panes.look import (
    Absence,
    Look,
    Looks,
    Request,
    parse_looks,
    plan_look,
    write_look,
    write_script,
)
from panewatch.panes.tally import parse_tally, write_tally
from panewatch.panes.tmux import Call, Command, Tmux, TmuxError

_CHUNK = 200
_CHUNK_OF_ALTERNATE = 100
"""Their reads take more words, and a chunk has to fit into a pipe's buffer."""

_CHUNK_OF_TALLIED = 500
"""They keep tmux busy about as long as 200 others."""

_LEAST_TALLIED = 10
_TALLIED_SHARE = 1 / 4
"""A tally lists all panes of the server: it pays off where it reads many of them."""

_MOST_REMEMBERED = 20_000

_CHUNK_OF_ARGUMENTS = 40
"""tmux refuses a command line over 16 kB."""


class _Job(NamedTuple):
    """One call: the panes that it asks for, and how."""

    requests: Sequence[Request]
    nonce: str
    tallies: bool = False
    call: Call | None = None


class Reader:
    """Reads panes of one server; probes once whether it takes commands from stdin."""

    def __init__(self, tmux: Tmux, line_length: int) -> None:
        self._tmux = tmux
        self._line_length = line_length
        self._stdin: bool | None = None
        self._listed = 0
        """Panes in the last listing, roughly: what it costs tmux to list them all."""
        self._apart: set[str] = set()
        """Panes that did not fit into a tally, because lines wrap there: they stay out."""
        self._doubted: set[str] = set()
        """Panes of groups that did not add up: which of them it was shows one by one."""
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
            text = self._tmux.call(*words[:-1]).text
            self._listed = text.count("\n%")
            return text, {}
        tallied, framed = self._part(requests)
        # What a pane shows must not stand behind the frames of a tally.
        first, last = _Job(framed, _make_nonce()), _Job(tallied, _make_nonce(), tallies=True)
        script = write_script(commands) + _write_looks(framed, first.nonce)
        if tallied:
            script += write_tally(tallied, last.nonce)
        self.calls += 1
        text = self._tmux.call("source-file", "-", stdin=script).text
        above = text.partition(last.nonce)[0]
        listed = above.partition(first.nonce)[0]
        self._listed = listed.count("\n%")
        return listed, self._parse(first, above) | self._parse(last, text)

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
        jobs = deque(self._plan(requests))
        running: _Job | None = None
        try:
            while jobs or running is not None:
                job, running = running, self._start(jobs.popleft()) if jobs else None
                if job is None:
                    continue
                assert job.call is not None  # noqa: S101  # it was started
                looks = self._parse(job, job.call.finish().text)
                if job.tallies:
                    jobs.extend(_cut([r for r in job.requests if r.pane_id not in looks]))
                else:
                    # display-message answers for a pane that is gone too, in empty fields.
                    looks = _fill(looks, job.requests, Absence.VANISHED)
                yield looks
        finally:
            if running is not None and running.call is not None:
                running.call.cancel()

    def _plan(self, requests: Sequence[Request]) -> Iterator[_Job]:
        """Yield the calls to make, those first that ask for many panes at little cost."""
        tallied, framed = self._part(requests)
        for begin in range(0, len(tallied), _CHUNK_OF_TALLIED):
            yield _Job(tallied[begin : begin + _CHUNK_OF_TALLIED], _make_nonce(), tallies=True)
        yield from _cut(framed)

    def _part(self, requests: Sequence[Request]) -> tuple[Sequence[Request], Sequence[Request]]:
        """Part the panes that are read in a tally from the others."""
        if len(self._apart) > _MOST_REMEMBERED:
            self._apart.clear()
        apart = [r for r in requests if r.alternate or r.pane_id in self._apart]
        if len(requests) - len(apart) < max(_LEAST_TALLIED, self._listed * _TALLIED_SHARE):
            return (), requests
        if not apart:
            return requests, ()
        rest = {request.pane_id for request in apart}
        return [r for r in requests if r.pane_id not in rest], apart

    def _start(self, job: _Job) -> _Job:
        write = write_tally if job.tallies else _write_looks
        self.calls += 1
        call = self._tmux.start("source-file", "-", stdin=write(job.requests, job.nonce))
        return job._replace(call=call)

    def _parse(self, job: _Job, text: str) -> Looks:
        if job.tallies:
            looks = parse_tally(text, job.nonce, job.requests, self._line_length)
            self._doubted.update(r.pane_id for r in job.requests if r.pane_id not in looks)
            return looks
        looks = parse_looks(text, job.nonce, job.requests, self._line_length)
        doubted = self._doubted & looks.keys()
        if doubted:
            self._doubted -= doubted
            self._apart |= {pane for pane in doubted if _wraps(looks[pane])} or doubted
        return looks

    def _read_chain(self, requests: Sequence[Request]) -> Iterator[Looks]:
        pending = requests
        while pending:
            chunk, nonce = pending[:_CHUNK_OF_ARGUMENTS], _make_nonce()
            commands = (command for request in chunk for command in plan_look(request, nonce))
            words = [word for command in commands for word in (*command, ";")]
            self.calls += 1
            looks = parse_looks(self._tmux.call(*words[:-1]).text, nonce, chunk, self._line_length)
            # A chain stops at the first pane that is gone: go on behind it.
            reached = next(
                (place + 1 for place, r in enumerate(chunk) if r.pane_id not in looks), len(chunk)
            )
            yield _fill(looks, chunk[:reached], Absence.VANISHED)
            pending = pending[reached:]


def _fill(looks: Looks, requests: Sequence[Request], absence: Absence) -> Looks:
    return {request.pane_id: looks.get(request.pane_id, absence) for request in requests}


def _cut(requests: Sequence[Request]) -> Iterator[_Job]:
    size = _CHUNK_OF_ALTERNATE if any(r.alternate for r in requests) else _CHUNK
    for begin in range(0, len(requests), size):
        yield _Job(requests[begin : begin + size], _make_nonce())


def _make_nonce() -> str:
    return secrets.token_hex(16)


def _write_looks(requests: Sequence[Request], nonce: str) -> str:
    return "".join([write_look(request, nonce) for request in requests])


def _wraps(look: Look | Absence) -> bool:
    """Tell whether a line of a primary screen fills more than a row, a dead pane's note too."""
    capture = look.capture if isinstance(look, Look) else None
    if capture is None or capture.text is None:
        return False
    return capture.grid.dead or not isinstance(capture.text.starts, range)
