"""Workers in the panes of a private tmux server, and how they got away from their panes."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TypedDict

from panes.private_tmux import PrivateTmux
from panewatch.panes.model import PaneKey
from polling import wait_until

WORKER = Path(__file__).with_name("worker.py")

_FORK_TWICE = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.execv(sys.argv[1], sys.argv[1:])
"""

WAYS = {
    "setsid": "(setsid {worker} &)",
    "nohup": "(nohup {worker} > /dev/null 2>&1 &)",
    "fork": shlex.join([sys.executable, "-c", _FORK_TWICE]) + " {worker}",
}
"""How a program leaves the tree of its pane."""


class Report(TypedDict):
    pid: int
    cpu: float
    resident: int
    written: int


class Crew:
    """Workers by name, each with its files in the server's folder."""

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux = tmux

    def call(self, name: str, *, cpu: float = 0, memory: int = 0, write: int = 0) -> str:
        """Give the command of a worker."""
        words = [sys.executable, WORKER, self.tmux.folder, name, cpu, memory, write]
        return shlex.join(map(str, words))

    def open(self, command: str, *, first: bool = False) -> str:
        """Open a pane that runs a shell's command and then stays; give its id."""
        whole = shlex.join(["sh", "-c", f"{command}; exec sleep 1000"])
        return self.tmux.start(whole) if first else self.tmux.open(whole)

    def find(self, name: str) -> Report:
        """Wait until a worker has used what it was to use."""
        path = self.tmux.folder / f"{name}.json"
        wait_until(path.exists, 30.0, f"{name} at work")
        report: Report = json.loads(path.read_text())
        return report

    def end(self, name: str, *, gone: bool = True) -> None:
        """Have a worker end, and wait until it has."""
        pid = self.find(name)["pid"]
        (self.tmux.folder / f"{name}.end").touch()
        if gone:
            wait_until(lambda: not Path(f"/proc/{pid}").exists(), what=f"the end of {name}")

    def end_all(self) -> None:
        for path in self.tmux.folder.glob("*.json"):
            path.with_suffix(".end").touch()

    def list_panes(self) -> dict[PaneKey, int]:
        """Give the panes as the sweeper knows them: their keys, and their first processes."""
        form = "#{pid} #{start_time} #{pane_id} #{pane_pid}"
        rows = [row.split() for row in self.tmux.run("list-panes", "-a", "-F", form).splitlines()]
        return {PaneKey(int(pid), int(start), pane): int(first) for pid, start, pane, first in rows}
