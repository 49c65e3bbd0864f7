"""What a prompt of an interactive shell costs, with its hooks and without them."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from panewatch.panes.commands.shell_init import SHELLS, render

_READY, _DONE = "pw-ready", "pw-done"
_PATIENCE = 60.0


def measure_prompts(folder: Path, lines: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Return for each installed shell the CPU µs of a prompt, plain and with the hooks.

    A shell on a terminal of its own runs lines that do nothing; by turns, plain and not. Its
    start is part of the figures, and is the same, but for reading the hooks.
    """
    found: dict[str, tuple[float, float]] = {}
    for shell in filter(shutil.which, SHELLS):
        plain: list[float] = []
        hooked: list[float] = []
        for _ in range(rounds):
            count = lines // 10 if shell == "fish" else lines  # it is slow by itself
            plain.append(_time_lines(folder, shell, "", count))
            hooked.append(_time_lines(folder, shell, render(shell, str(folder / "told")), count))
        found[shell] = (statistics.median(plain), statistics.median(hooked))
    return found


def _time_lines(folder: Path, shell: str, init: str, lines: int) -> float:
    home = folder / f"home-{shell}"
    (home / ".config/fish").mkdir(parents=True, exist_ok=True)
    names = {"bash": "rc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
    (home / names[shell]).write_text(init)
    arguments = [shell, "--rcfile", str(home / "rc")] if shell == "bash" else [shell]
    child, terminal = pty.fork()
    if not child:
        place = {"TMUX": "/nowhere,1,0", "TMUX_PANE": "%0", "TERM": "dumb"}
        os.execvpe(shell, arguments, {"PATH": os.environ["PATH"], "HOME": str(home)} | place)  # noqa: S606  # of this list
    try:
        _send(terminal, [f"echo {_READY[:4]}''{_READY[4:]}"], _READY)
        _send(terminal, [":"] * lines + [f"echo {_DONE[:4]}''{_DONE[4:]}"], _DONE)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, _, usage = os.wait4(child, 0)
        os.close(terminal)
    return 1e6 * (usage.ru_utime + usage.ru_stime) / (lines + 1)


def _send(terminal: int, lines: Sequence[str], until: str) -> None:
    """Type lines as fast as the shell takes them, and wait until it has printed a word."""
    data = "".join(f"{line}\r" for line in lines).encode()
    seen = b""
    deadline = time.monotonic() + _PATIENCE
    while until.encode() not in seen:
        assert time.monotonic() < deadline, f"the shell never printed {until}"
        readable, writable, _ = select.select([terminal], [terminal] if data else [], [], 1.0)
        if readable:
            seen = seen[-64:] + os.read(terminal, 65536)
        if writable:
            data = data[os.write(terminal, data[:256]) :]
