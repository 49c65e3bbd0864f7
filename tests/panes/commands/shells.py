"""Interactive shells in panes of a private tmux server, with shell-init and without."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from panes.private_tmux import PrivateTmux
from panewatch.panes.commands.records import Ended, Record, parse
from panewatch.panes.commands.shell_init import render
from polling import wait_until

PROMPT = "READY>"


def need(shell: str) -> None:
    """Skip the test where a shell is not installed."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


class ShellPane:
    """A shell that a test types into; ``before`` and ``after`` stand around shell-init."""

    def __init__(
        self,
        tmux: PrivateTmux,
        shell: str = "bash",
        *,
        reports: bool = True,
        before: str = "",
        after: str = "",
    ) -> None:
        need(shell)
        self.tmux = tmux
        self.folder = tmux.folder / "commands here"
        home = tmux.folder / "home"
        home.mkdir(exist_ok=True)
        self.init = render(shell, str(self.folder)) if reports else ""
        prompt = f"PS1='{PROMPT} '\n"
        if shell == "fish":
            prompt = f"function fish_prompt; echo -n '{PROMPT} '; end\nset -g fish_greeting\n"
        text = "\n".join((prompt, before, self.init, after, ""))
        started = (
            shlex.join(
                ["exec", "env", "-u", "XDG_STATE_HOME", "-u", "XDG_CONFIG_HOME", f"HOME={home}"]
            )
            + " "
        )
        if shell == "bash":
            (home / "rc").write_text(text)
            started += f"bash --rcfile {home}/rc"
        elif shell == "zsh":
            (home / ".zshrc").write_text(text)
            started += f"ZDOTDIR={home} zsh"
        else:
            (home / ".config/fish").mkdir(parents=True, exist_ok=True)
            (home / ".config/fish/config.fish").write_text(text)
            started += "fish"
        self.pane = tmux.start(started) if not tmux.puppets and not _runs(tmux) else (
            tmux.open(started)
        )  # fmt: skip
        self.journal = self.folder / (
            tmux.ask("#{pid}", self.pane) + "." + self.pane.removeprefix("%")
        )
        wait_until(lambda: PROMPT in self.shown(), what="the first prompt")
        if reports:
            wait_until(lambda: b"H\t" in self.read(), what="the shell's greeting")

    def shown(self) -> str:
        return self.tmux.run("capture-pane", "-p", "-J", "-S", "-", "-t", self.pane)

    def read(self) -> bytes:
        return self.journal.read_bytes() if self.journal.exists() else b""

    def records(self) -> list[Record]:
        lines = self.read().split(b"\n")
        assert lines.pop() == b"", "the last record is whole"
        parsed = [parse(line) for line in lines]
        assert None not in parsed, lines
        return [record for record in parsed if record is not None]

    def ended(self) -> list[Ended]:
        return [record for record in self.records() if isinstance(record, Ended)]

    def type(self, *keys: str) -> None:
        """Type text, or press keys that tmux has a name for."""
        for key in keys:
            self.tmux.run("send-keys", "-t", self.pane, *(("-l",) * (len(key) > 5)), "--", key)

    def enter(self, line: str) -> None:
        """Type a line, whatever is in it, and let it run."""
        self.tmux.run("send-keys", "-t", self.pane, "-l", "--", line)
        self.tmux.run("send-keys", "-t", self.pane, "Enter")

    def run(self, line: str) -> Ended:
        """Run a line to its end, and return what the shell reported of it."""
        count = len(self.ended())
        self.enter(line)
        wait_until(lambda: len(self.ended()) > count, what=f"the report of {line!r}")
        return self.ended()[count]

    def tell(self, line: str) -> str:
        """Run a line of a shell that need not report, and return what it printed last."""
        self.enter(f"{line}; echo to''ld")
        wait_until(lambda: "told" in self.shown().splitlines(), what=line)
        lines = self.shown().splitlines()
        return lines[len(lines) - 1 - lines[::-1].index("told") - 1]


def _runs(tmux: PrivateTmux) -> bool:
    return Path(tmux.socket).exists()
