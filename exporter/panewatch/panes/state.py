"""What a pane is doing, from its foreground command and when it last printed.

Who waits for a person at a prompt is not told here: that takes the screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath

from panewatch.config import PanesSettings
from panewatch.panes.foreground import Foreground

_KINDS = {
    "editor": {"vi", "vim", "nvim", "view", "vimdiff", "nano", "emacs", "emacsclient", "micro",
               "hx", "helix", "joe", "kak", "ed", "mcedit"},
    "pager": {"less", "more", "most", "man", "bat", "delta", "view", "tig", "lazygit"},
    "monitor": {"top", "htop", "btop", "atop", "nvtop", "nvitop", "gpustat", "watch", "glances",
                "iotop", "iftop", "journalctl", "dmesg"},
    "remote": {"ssh", "mosh", "mosh-client", "telnet", "docker", "podman", "kubectl", "tmux",
               "screen", "picocom", "minicom"},
}  # fmt: skip

_SILENT_BY_NATURE = {"editor", "pager", "monitor", "remote"}
"""Kinds of program whose silence means nothing: they sit until somebody uses them."""

_RAN_LONG = 10.0
"""Seconds after which a command's end is news: the pane is finished, not just idle."""


@dataclass(frozen=True, slots=True)
class Program:
    """What runs in the foreground of a pane. ``agent`` is empty where it is none."""

    command: str
    agent: str
    kind: str


def name_program(command: str, foreground: Foreground | None, settings: PanesSettings) -> Program:
    """Tell what kind of program a pane runs.

    Args:
        command: The foreground command's name, as tmux knows it.
        foreground: Its arguments, where they can be seen.
        settings: Names of shells and agents.
    """
    name = _find_name(command)
    names = {name} if foreground is None else {name, *foreground.names}
    for agent, known in settings.agents.items():
        if not names.isdisjoint(known):
            return Program(command, agent, "agent")
    if name in settings.shells and (foreground is None or not foreground.runs_script):
        return Program(command, "", "shell")
    return Program(command, "", _find_kind(name))


@lru_cache(maxsize=1024)
def _find_name(command: str) -> str:
    return PurePath(command.removeprefix("-")).name or command


@lru_cache(maxsize=1024)
def _find_kind(name: str) -> str:
    return next((kind for kind, names in _KINDS.items() if name in names), "program")


class StateMachine:
    """Follows one pane. All times are monotonic seconds.

    ``busy_since`` is since when its program runs, ``now`` where that is not known.
    Other ``settings`` hold from the next advance on.
    """

    __slots__ = ("_at_prompt", "_busy_since", "_ended", "settings", "state")

    def __init__(
        self, settings: PanesSettings, now: float, busy_since: float | None = None
    ) -> None:
        self.settings = settings
        self._at_prompt: bool | None = None
        """Whether the shell was at its prompt; None before the first look."""
        self._busy_since = now if busy_since is None else busy_since
        self._ended: float | None = None
        self.state = "unknown"

    def advance(self, program: Program, *, dead: bool, last_output: float, now: float) -> str:
        """Return the state at ``now``; ``last_output`` is when the pane last printed."""
        at_prompt = program.kind == "shell"
        # Only a command that was seen to run has ended.
        ran = self._at_prompt is False and now - self._busy_since >= _RAN_LONG
        if at_prompt and ran:
            self._ended = now
        elif not at_prompt:
            self._ended = None
            if self._at_prompt:
                self._busy_since = now
        self._at_prompt = at_prompt
        self.state = self._judge(program, dead=dead, last_output=last_output, now=now)
        return self.state

    def lose(self) -> None:
        """Note that the pane cannot be read: nobody knows what it does."""
        self.state = "unknown"

    def _judge(self, program: Program, *, dead: bool, last_output: float, now: float) -> str:
        settings = self.settings
        if dead:
            return "dead"
        if program.kind == "shell":
            fresh = self._ended is not None and now - self._ended < settings.finished_for
            return "finished" if fresh else "idle"
        silent = now - max(last_output, self._busy_since)
        if silent <= settings.working_for:
            return "working"
        if program.kind in _SILENT_BY_NATURE:
            return "idle"
        if program.kind == "agent":
            # It works on or sits at its own prompt: only its screen could tell.
            return "unknown"
        threshold = settings.stalled_after_by_command.get(program.command, settings.stalled_after)
        return "working" if silent <= threshold else "stalled"
