"""A tmux server on a private socket, and text for its panes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

IDLE = "exec sleep 100000"
"""The command of a pane that only shows what is written to its terminal."""

T = TypeVar("T")


def wait_for(look: Callable[[], T], seconds: float, what: str) -> T:
    """Return what ``look`` gives once that is true.

    Raises:
        TimeoutError: it is not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)
    return found


@dataclass(frozen=True, slots=True)
class Pane:
    """A pane by its id and the path of its terminal."""

    pane_id: str
    terminal: str

    def show(self, text: str) -> None:
        """Write text to the pane's terminal, as a program in it would."""
        descriptor = os.open(self.terminal, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            data = text.encode()
            while data:
                data = data[os.write(descriptor, data) :]
        finally:
            os.close(descriptor)


class PrivateServer:
    """A tmux server that nobody else sees; it ends with the ``with`` block.

    Every pane has a window of 80 by 24 of its own and a history of ``history`` rows.
    """

    def __init__(self, history: int = 2000) -> None:
        # A socket's path has to be short.
        self.folder = Path(tempfile.mkdtemp(prefix="pw"))
        self.socket = str(self.folder / "tmux.sock")
        self._history = history

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments: str) -> str:
        """Return what one tmux call printed; raises CalledProcessError where it fails."""
        done = self._call(*arguments)
        done.check_returncode()
        return done.stdout

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k not in {"TMUX", "TMUX_PANE"}}
        return subprocess.run(
            ["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *arguments],
            capture_output=True, text=True, check=False, timeout=120,
            env=environment | {"LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    def open(self, commands: Sequence[str]) -> list[Pane]:
        """Start the server with one pane for each shell command, in their order."""
        first, *rest = commands
        self.run(
            "start-server", ";", "set-option", "-g", "history-limit", str(self._history), ";",
            "set-option", "-g", "remain-on-exit", "on", ";",
            "set-option", "-g", "default-shell", "/bin/sh", ";",
            "set-option", "-g", "default-size", "80x24", ";",
            "new-session", "-d", "-s", "main", "-x", "80", "-y", "24", first,
        )  # fmt: skip
        script = self.folder / "open.conf"
        script.write_text("".join(f"new-window -d -t main: {_quote(word)}\n" for word in rest))
        self.run("source-file", str(script))
        listed = self.run("list-panes", "-s", "-t", "main", "-F", "#{pane_id} #{pane_tty}")
        panes = [Pane(*line.split(" ", 1)) for line in listed.splitlines()]
        assert len(panes) == len(commands)
        return panes

    def name_program(self, name: str) -> str:
        """Return the command of a pane like those of `IDLE` whose process is called ``name``."""
        program = shutil.which("sleep")
        assert program is not None
        (self.folder / name).symlink_to(program)
        return f"exec {self.folder / name} 100000"

    def count_rows(self) -> dict[str, int]:
        """Return how many rows stand above the cursor of each pane, history included."""
        listed = self.run("list-panes", "-a", "-F", "#{pane_id} #{history_size} #{cursor_y}")
        return {
            pane_id: int(history) + int(row)
            for pane_id, history, row in map(str.split, listed.splitlines())
        }

    def find_pid(self) -> int:
        """Return the process id of the server."""
        return int(self.run("display-message", "-p", "#{pid}"))


def _quote(word: str) -> str:
    """Quote a shell command for a tmux script."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'
