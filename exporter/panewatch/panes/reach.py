"""libtmux's server object, reached through a command prefix and with a time limit.

libtmux starts tmux itself: it knows neither prefixes nor time limits nor standard input,
and where tmux fails it answers with nothing. Here its one seam, ``Server.cmd``, leads to
the exporter's own :class:`~panewatch.panes.tmux.Tmux` instead.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import libtmux
from libtmux.common import tmux_cmd

from panewatch.panes.text import clean
from panewatch.panes.tmux import Output, Tmux, TmuxError

Reason: TypeAlias = Literal["timeout", "dead", "gone", "blocked", "unreachable"]

_TOLD = 3
"""Rows of a pane that an error's message repeats."""

_TOLD_LENGTH = 120


class ControlError(Exception):
    """A pane cannot be driven, or what was waited for did not come.

    Attributes:
        reason: ``timeout``: it did not come in time. ``dead``: the pane's program has ended.
            ``gone``: the pane is not there, or another server has taken the place of its
            own. ``blocked``: keys would not reach the program, or others too (copy mode,
            input switched off, synchronized panes). ``unreachable``: tmux does not answer,
            or refused.
        seen: The rows that the pane showed last, empty where it was not seen. They are
            pane text: whoever logs the error logs the end of them.
    """

    def __init__(self, reason: Reason, message: str, seen: Sequence[str] = ()) -> None:
        self.reason = reason
        self.seen = tuple(map(clean, seen))
        told = [row[:_TOLD_LENGTH] for row in self.seen if row.strip()][-_TOLD:]
        super().__init__(message + (f"; seen: {' | '.join(told)}" if told else ""))


class ReachedServer(libtmux.Server):
    """A tmux server, here, in a container or on another host.

    Every method of libtmux that calls tmux by way of ``cmd`` works, and raises where tmux
    fails. Those that list sessions, windows or panes start tmux by themselves: behind a
    prefix they raise libtmux's ``TmuxCommandNotFound``, before they could find the panes
    of another server.

    Args:
        socket: A socket's name, its absolute path, or None for tmux's default.
        prefix: Command words put before tmux.
        binary: The tmux program.
        timeout: Seconds after which a call is killed.

    Attributes:
        local: Whether its processes are those of this machine.
    """

    def __init__(
        self, socket: str | None, prefix: Sequence[str], binary: str, timeout: float
    ) -> None:
        path = socket is not None and socket.startswith("/")
        super().__init__(
            socket_name=None if path else socket,
            socket_path=socket if path else None,
            tmux_bin=f"tmux behind {shlex.join(prefix)}" if prefix else binary,
        )
        self.local = not prefix
        self._tmux = Tmux(binary, prefix, socket, timeout)

    def cmd(self, cmd: str, *args: Any, target: str | int | None = None) -> tmux_cmd:
        """Run one tmux command; see :meth:`ask` for what it raises."""
        place = () if target is None else ("-t", str(target))
        words = (cmd, *place, *map(str, args))
        output = self.ask(*words)
        answer = object.__new__(tmux_cmd)  # its constructor would start a program
        answer.cmd = list(words)
        answer.returncode = output.status
        answer.stdout = output.text.rstrip("\n").split("\n") if output.text.strip("\n") else []
        answer.stderr = output.errors.splitlines()
        return answer

    def ask(self, *words: str, stdin: str | None = None) -> Output:
        """Run one tmux client.

        Raises:
            ControlError: tmux failed: ``gone`` where what was named is not there,
                ``unreachable`` otherwise.
        """
        try:
            output = self._tmux.call(*words, stdin=stdin)
        except TmuxError as error:
            raise ControlError("unreachable", clean(error.detail)) from None
        if output.status:
            raise ControlError("gone", clean(output.errors.strip()))
        return output
