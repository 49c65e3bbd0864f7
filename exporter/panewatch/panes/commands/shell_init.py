"""The lines of shell that report commands, for a user's own startup file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

SHELLS: Final = ("bash", "zsh", "fish")
"""Shells that can report."""

_SOURCES = Path(__file__).with_name("shells")
_USUAL: Final = {
    "bash": '"${XDG_STATE_HOME:-$HOME/.local/state}"/panewatch/commands',
    "zsh": '"${XDG_STATE_HOME:-$HOME/.local/state}"/panewatch/commands',
    "fish": '(test -n "$XDG_STATE_HOME"; and echo $XDG_STATE_HOME; or echo $HOME/.local/state)'
    "/panewatch/commands",
}


def render(shell: str, folder: str | None) -> str:
    """Return what a shell has to read at its start.

    Args:
        shell: One of :data:`SHELLS`.
        folder: Where the shell is to write; None for the usual place, which the shell finds
            by its own environment.
    """
    quote = _quote_fish if shell == "fish" else shlex.quote
    text = (_SOURCES / f"init.{shell}").read_text("utf-8")
    opening = (_SOURCES / "open.sh").read_text("utf-8").strip().replace("\n", "; ")
    where = _USUAL[shell] if folder is None else quote(folder)
    return text.replace("@OPEN@", quote(opening)).replace("@FOLDER@", where)


def _quote_fish(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
