"""Reading many panes with few tmux calls.

A call carries the looks at up to 200 panes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from panewatch.panes.look import (
    Absence,
    Looks,
    Request,
    parse_looks,
    plan_look,
    write_look,
    write_script,
)
from panewatch.panes.tmux import Call, Command, Tmux, TmuxError

_CHUNK = 200
_CHUNK_OF_ALTERNATE = 100
"""Their reads take more words, and a chunk has to fit into a pipe's buffer."""

_CHUNK_OF_ARGUMENTS = 40
"""tmux refuses a command line over 16 kB."""


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
        return output.text.partition(nonce)[0], parse_looks(
            output.text, nonce, requests, self._line_length
        )

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
                    looks = parse_looks(
                        before.finish().text, nonce_before, asked_before, self._line_length
                    )
                    # display-message answers for a pane that is gone too, in empty fields.
                    yield _fill(looks, asked_before, Absence.VANISHED)
        finally:
            if running is not None:
                running.cancel()

    def _start_script(
        self, requests: Sequence[Request], nonce: str, before: Sequence[Command] = ()
    ) -> Call:
        script = write_script(before) + "".join([write_look(r, nonce) for r in requests])
        self.calls += 1
        return self._tmux.start("source-file", "-", stdin=script)

    def _read_chain(self, requests: Sequence[Request]) -> Iterator[Looks]:
        pending = requests
        while pending:
            chunk, nonce = pending[:_CHUNK_OF_ARGUMENTS], secrets.token_hex(16)
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
