"""Which tmux servers and panes can be read here, found out by reading them."""

from __future__ import annotations

from collections.abc import Iterator

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.panes.discovery import find_running, find_sockets, name_servers, probe
from panewatch.panes.listing import list_panes
from panewatch.panes.look import Absence, Request
from panewatch.panes.servers import Address, list_configured
from panewatch.panes.sweep import Reader
from panewatch.panes.tmux import Tmux, TmuxError

_ADVICE = {
    "no_server": "no tmux server listens there; start one, it is noticed by itself. Where one "
    "runs, compare the name; or it lost its socket: send it SIGUSR1",
    "permission": "another user's socket; run panewatch as the user whose panes it reads",
    "refused": "the connection is refused",
    "timeout": "the server does not answer; is it stopped?",
    "binary": "install tmux, or set tmux.binary; a prefix has to be a command of this machine",
    "error": "tmux failed",
}

_LEFT_BEHIND = ("no_server", "missing")


def diagnose(config: Config) -> Iterator[Finding]:
    """Read every pane of every server once, with the settings of ``config``.

    What is wrong has the name that it has as ``reason`` and ``state`` in the metrics.
    """
    settings = config.tmux
    servers = list_configured(settings)
    if not settings.sockets:
        # Servers that ended leave their sockets behind: they are no failure.
        named = {address.socket for address in servers.values() if not address.prefix}
        found = [
            path
            for path in (*find_sockets(), *find_running())
            if str(path) not in named and probe(path) not in _LEFT_BEHIND
        ]
        names = name_servers(found, servers)
        servers = {name: Address((), str(path)) for name, path in names.items()} | servers
    if not servers:
        detail = "no tmux server of this user runs now; one that starts is noticed by itself"
        yield Finding("tmux", ok=True, detail=detail)
    for name, address in servers.items():
        tmux = Tmux(settings.binary, address.prefix, address.socket, settings.timeout)
        yield _read(f"tmux server {name}", tmux, config.panes.line_length)


def _read(source: str, tmux: Tmux, line_length: int) -> Finding:
    try:
        listing = list_panes(tmux, full=True)
        reader = Reader(tmux, line_length)
        requests = [Request(pane_id, facts[0].limit) for pane_id, facts in listing.facts.items()]
        looks = [look for chunk in reader.read(requests) for look in chunk.values()]
    except TmuxError as error:
        # Nothing was read of the server before: without a socket there is none to speak of.
        reason = "no_server" if error.reason == "missing" else error.reason
        return Finding(source, ok=False, detail=f"{reason}: {error.detail} ({_ADVICE[reason]})")
    failed = sum(isinstance(look, Absence) for look in looks)
    way = "from standard input" if reader.uses_stdin else "from arguments (this tmux is old)"
    detail = f"{len(looks) - failed} of {len(looks)} panes read, commands {way}"
    return Finding(source, ok=not failed, detail=detail)
