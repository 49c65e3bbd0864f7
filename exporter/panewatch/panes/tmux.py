"""The tmux command: the one place that starts it.

Every call has a time limit and is reaped: a stopped server blocks its clients for
ever. The exporter only ever sends reading commands.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeAlias

Command: TypeAlias = tuple[str, ...]
"""One tmux command with its arguments."""

_REASONS = (
    ("no server running", "no_server"),
    ("server exited", "no_server"),
    ("lost server", "no_server"),
    ("No such file or directory", "missing"),
    ("Permission denied", "permission"),
    ("access not allowed", "permission"),
    ("Connection refused", "refused"),
    ("command not found", "binary"),
)

_COMPLAINTS = ("can't find", "no current target")
"""What is no failure of a call: a pane is gone, or the server has no session at all."""


class TmuxError(Exception):
    """A call of tmux that brought nothing.

    ``reason`` is one of the server states of the metric contract other than ``up``.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Output:
    """What a call printed. ``status`` is its exit status."""

    status: int
    text: str
    errors: str


class Tmux:
    """The command line of one tmux server.

    Args:
        binary: The tmux program.
        prefix: Command words put before it, for containers and other hosts.
        socket: A socket's name, its absolute path, or None for tmux's default.
        timeout: Seconds after which a call is killed.
    """

    def __init__(
        self, binary: str, prefix: Sequence[str], socket: str | None, timeout: float
    ) -> None:
        words = [binary, "-u"]
        if socket is not None:
            words += ["-S" if socket.startswith("/") else "-L", socket]
        self._timeout = timeout
        self._running: set[Call] = set()
        self._closed = False
        self._lock = threading.Lock()
        self._remote_shell = bool(prefix) and PurePath(prefix[0]).name in {"ssh", "autossh"}
        # The locale travels along: without it tmux turns other letters into "_".
        self._command = [*prefix, "env", "LC_ALL=C.UTF-8", *words] if prefix else words
        self._environment = {
            name: value for name, value in os.environ.items() if name not in {"TMUX", "TMUX_PANE"}
        } | {"LC_ALL": "C.UTF-8"}

    def call(self, *arguments: str, stdin: str | None = None) -> Output:
        """Run one tmux client to its end; see :meth:`start` and :meth:`Call.finish`.

        ``stdin`` may be of any size.
        """
        return self._open(arguments, pipe=stdin is not None).finish(stdin)

    def start(self, *arguments: str, stdin: str | None = None) -> Call:
        """Start one tmux client.

        ``stdin`` has to fit into a pipe's buffer (64 kB), so that writing it never waits.

        Raises:
            TmuxError: tmux cannot be started.
        """
        call = self._open(arguments, pipe=stdin is not None)
        if stdin is not None:
            call.feed(stdin)
        return call

    def close(self) -> None:
        """Kill the calls that run, and refuse new ones. Any thread may call it."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for call in running:
            call.kill()

    def _open(self, arguments: Sequence[str], *, pipe: bool) -> Call:
        words = [*map(shlex.quote, arguments)] if self._remote_shell else arguments
        with self._lock:
            if self._closed:
                raise TmuxError("error", "panewatch ends")
            return Call(self._spawn(words, pipe=pipe), self._timeout, self._running)

    def _spawn(self, words: Sequence[str], *, pipe: bool) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603  # words from the configuration, no shell
                [*self._command, *words],
                stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
            )
        except (FileNotFoundError, PermissionError) as error:
            raise TmuxError("binary", f"{self._command[0]}: {error.strerror}") from None
        except (OSError, MemoryError) as error:
            raise TmuxError("error", f"cannot start {self._command[0]}: {error}") from None


class Call:
    """A tmux client that runs."""

    def __init__(
        self, process: subprocess.Popen[bytes], timeout: float, running: set[Call]
    ) -> None:
        self._process = process
        self._timeout = timeout
        self._running = running
        running.add(self)

    def feed(self, text: str) -> None:
        """Write all of the client's standard input."""
        pipe, self._process.stdin = self._process.stdin, None
        if pipe is not None:
            with suppress(BrokenPipeError), pipe:
                pipe.write(text.encode())

    def finish(self, stdin: str | None = None) -> Output:
        """Wait for the end and return what was printed.

        Args:
            stdin: What the client reads meanwhile, unless it was fed before.

        Raises:
            TmuxError: the client does not end in time, or says that the server cannot be
                reached. Other complaints are in the output.
        """
        try:
            data = None if stdin is None else stdin.encode()
            out, err = self._process.communicate(data, self._timeout)
        except subprocess.TimeoutExpired:
            self.cancel()
            raise TmuxError("timeout", f"no answer within {self._timeout:g} s") from None
        except BaseException:  # an interrupted client must not stay behind
            self.cancel()
            raise
        finally:
            self._running.discard(self)
        output = Output(
            self._process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
        )
        if output.status:
            _raise_unreachable(output)
        return output

    def cancel(self) -> None:
        """Kill the client with all that it started, and reap it."""
        process = self._process
        self.kill()
        self._running.discard(self)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        # A client in an uninterruptible sleep is reaped by a later Popen.
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)

    def kill(self) -> None:
        """Kill the client with all that it started; whoever waits for it reaps it."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _raise_unreachable(output: Output) -> None:
    """Raise where a failed call says that the server was not reached."""
    message = output.errors.strip().splitlines()
    detail = message[-1] if message else f"exit status {output.status}"
    for sign, reason in _REASONS:
        if sign in output.errors:
            raise TmuxError(reason, detail)
    # A call that was cut short is a failure too.
    if output.status != 1 or not any(words in output.errors for words in _COMPLAINTS):
        raise TmuxError("error", detail)
