"""Which tmux servers and panes can be read here, found out by reading them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.panes.discovery import find_folder, find_running, find_sockets, name_servers, probe
from panewatch.panes.listing import list_panes
from panewatch.panes.sweep import Absence, Reader, Request
from panewatch.panes.tmux import Tmux, TmuxError

_ADVICE = {
    "no_server": "no tmux server listens there; start one, it is noticed by itself",
    "missing": "no such socket: is the name right? If its server runs, send it SIGUSR1",
    "permission": "another user's socket; run panewatch as the user whose panes it reads",
    "refused": "the connection is refused",
    "timeout": "the server does not answer; is it stopped?",
    "binary": "install tmux, or set tmux.binary; a prefix has to be a command of this machine",
    "error": "tmux failed",
}

_LEFT_BEHIND = ("no_server", "missing")


def diagnose(config: Config) -> Iterator[Finding]:
    """Read every pane of every server once, with the settings of ``config``."""
    settings = config.tmux
    remote = [(s.name, s.socket, s.prefix) for s in settings.servers]
    paths = (
        [Path(s) if s.startswith("/") else find_folder() / s for s in settings.sockets]
        if settings.sockets
        # Servers that ended leave their sockets behind: they are no failure.
        else [p for p in (*find_sockets(), *find_running()) if probe(p) not in _LEFT_BEHIND]
    )
    local = [
        (name, str(path), ())
        for name, path in name_servers(paths, [name for name, *_ in remote]).items()
    ]
    if not local and not remote:
        yield Finding("tmux", ok=False, detail="no tmux server of this user runs; start one")
    for name, socket, prefix in [*local, *remote]:
        tmux = Tmux(settings.binary, prefix, socket, settings.timeout)
        yield _read(f"tmux server {name}", tmux, config.panes.line_length)


def _read(source: str, tmux: Tmux, line_length: int) -> Finding:
    try:
        listing = list_panes(tmux, full=True)
        reader = Reader(tmux, line_length)
        requests = [Request(pane_id, facts[0].limit) for pane_id, facts in listing.facts.items()]
        looks = [look for chunk in reader.read(requests) for look in chunk.values()]
    except TmuxError as error:
        advice = _ADVICE[error.reason]
        return Finding(source, ok=False, detail=f"{error.reason}: {error.detail} ({advice})")
    failed = sum(isinstance(look, Absence) for look in looks)
    way = "from standard input" if reader.uses_stdin else "from arguments (this tmux is old)"
    detail = f"{len(looks) - failed} of {len(looks)} panes read, commands {way}"
    return Finding(source, ok=not failed, detail=detail)
