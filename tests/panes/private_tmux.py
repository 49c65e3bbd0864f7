"""A tmux server on a private socket, and puppets in its panes."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import uuid
from pathlib import Path

PUPPET = Path(__file__).with_name("puppet.py")


class PrivateTmux:
    """A real tmux server that no other test sees; ``socket`` is its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = str(folder / "tmux.sock")
        self.puppets: list[Puppet] = []

    def run(self, *arguments: str, check: bool = True) -> str:
        environment = {k: v for k, v in os.environ.items() if k not in {"TMUX", "TMUX_PANE"}}
        result = subprocess.run(
            ["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *arguments],
            capture_output=True, text=True, check=False, timeout=60,
            env=environment | {"LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        if check and result.returncode:
            raise AssertionError(f"tmux {arguments}: {result.stderr}")
        return result.stdout.strip()

    def start(
        self,
        *command: str,
        session: str = "main",
        width: int = 80,
        height: int = 24,
        history: int = 2000,
    ) -> str:
        """Start the server with one session, and return the id of its pane."""
        self.run(
            "start-server", ";", "set-option", "-g", "history-limit", str(history), ";",
            "set-option", "-g", "remain-on-exit", "on", ";",
            "set-option", "-g", "default-command", "exec bash --norc --noprofile", ";",
            "set-option", "-g", "default-size", f"{width}x{height}", ";",
            "new-session", "-d", "-s", session, "-x", str(width), "-y", str(height), *command,
        )  # fmt: skip
        return self.ask("#{pane_id}", session)

    def open(self, *command: str, name: str = "main") -> str:
        """Open a window in the background, and return the id of its pane."""
        return self.run("new-window", "-d", "-P", "-F", "#{pane_id}", "-t", f"{name}:", *command)

    def ask(self, form: str, target: str) -> str:
        return self.run("display-message", "-p", "-t", target, form)

    def kill(self) -> None:
        self.run("kill-server", check=False)
        for puppet in self.puppets:
            puppet.close()


class Puppet:
    """A pane whose program prints what it is told; it goes by the name ``called``."""

    def __init__(
        self,
        tmux: PrivateTmux,
        pane: str | None = None,
        called: str = "",
        *,
        width: int = 80,
        height: int = 24,
        history: int = 2000,
    ) -> None:
        self.tmux = tmux
        script = tmux.folder / called if called else PUPPET
        if not script.exists():
            script.symlink_to(PUPPET)
        name = uuid.uuid4().hex
        self._orders = tmux.folder / f"{name}.in"
        self._answers = tmux.folder / f"{name}.out"
        os.mkfifo(self._orders)
        os.mkfifo(self._answers)
        words = [sys.executable, str(script), str(self._orders), str(self._answers)]
        self.command = shlex.join(words)
        if pane is None:
            self.pane = tmux.start(self.command, width=width, height=height, history=history)
        else:
            self.pane = pane
            tmux.run("respawn-pane", "-k", "-t", pane, self.command)
        self._connect()

    @classmethod
    def beside(cls, tmux: PrivateTmux, called: str = "") -> Puppet:
        """Open a puppet in a new window of a server that runs."""
        return cls(tmux, tmux.open("sleep 1000"), called)

    def _connect(self) -> None:
        self._write = self._orders.open("w")
        self._read = self._answers.open()
        self.tmux.puppets.append(self)

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._write.close()
        self._read.close()

    def show(self, text: str) -> None:
        """Print ``text`` as it is; when this returns, tmux has it."""
        self._write.write(json.dumps(text) + "\n")
        self._write.flush()
        assert self._read.readline() == "ok\n"

    def print(self, *lines: str) -> None:
        """Print whole lines."""
        self.show("".join(line + "\r\n" for line in lines))
