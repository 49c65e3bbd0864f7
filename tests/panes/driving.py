"""Panes that tests drive, and what the programs in them got."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from panes.private_tmux import PrivateTmux
from panewatch.panes.control import PaneControl
from polling import wait_until

AGENT = Path(__file__).with_name("agent.py")

HOSTILE = (
    'it\'s a "test" of `id` $HOME $(id) !! * ? ~',
    "ends;",
    "ends\\;",
    ";",
    ";;",
    "a ; b",
    "-l",
    "--",
    "-t %0 -N 5",
    "#{pane_id} #(id) %H",
    "Enter",
    "C-c",
    "{ } [ ] ( ) \\ \\\\ \\n ^M",
    "naïve 日本語 🦊 👩‍💻 e\u0301 ❯",
    " blanks  around ",
    "\u202eright to left",
)
"""Text that a shell, tmux or a terminal could take for something else."""


class Message(NamedTuple):
    text: str
    pasted: bool


def command(log: Path, guard: float = 0.0) -> str:
    """Give the command line of an agent that writes what it gets to ``log``."""
    return shlex.join([sys.executable, str(AGENT), str(log), str(guard)])


def read(log: Path) -> list[Message]:
    lines = log.read_text().split("\n")
    return [Message(**json.loads(line)) for line in lines[:-1]]  # the last one may be half


class DrivenAgent:
    """An agent in the first pane of a private server, and the control of its pane.

    It works as long as the file `hold` exists.
    """

    def __init__(self, tmux: PrivateTmux, guard: float = 0.0) -> None:
        self.log = tmux.folder / "messages"
        self.log.touch()
        self.hold = tmux.folder / "messages.hold"
        self.pane = tmux.start(command(self.log, guard))
        self.control = PaneControl.attach(self.pane, socket=tmux.socket)
        self.control.wait_for_prompt(r"^❯ $", timeout=60)

    def receive(self, count: int = 1) -> list[Message]:
        """Wait until it got so many messages, and return all."""
        wait_until(lambda: len(read(self.log)) >= count, 20, f"{count} messages")
        return read(self.log)
