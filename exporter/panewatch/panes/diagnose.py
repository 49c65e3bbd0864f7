"""Which tmux servers and panes can be read here, found out by reading them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from panewatch.config import Config, PanesSettings
from panewatch.diagnose import Finding
from panewatch.panes.commands.journal import Journal, find_folder, name_journal
from panewatch.panes.discovery import find_running, find_sockets, name_servers, probe
from panewatch.panes.listing import Listing, list_panes
from panewatch.panes.look import Absence, Request
from panewatch.panes.model import PaneKey
from panewatch.panes.proc import read_proc
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

_NOT_REPORTING: Final = (
    "that takes `panewatch shell-init`, and a shell that was started after it was set up; tmux "
    "starts login shells, which read ~/.profile and not ~/.bashrc by themselves"
)


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
        yield from _read(name, tmux, config.panes, local=not address.prefix)


def _read(name: str, tmux: Tmux, settings: PanesSettings, *, local: bool) -> Iterator[Finding]:
    source = f"tmux server {name}"
    try:
        listing = list_panes(tmux, full=True)
        reader = Reader(tmux, settings.line_length)
        requests = [Request(pane_id, facts[0].limit) for pane_id, facts in listing.facts.items()]
        looks = [look for chunk in reader.read(requests) for look in chunk.values()]
    except TmuxError as error:
        # Nothing was read of the server before: without a socket there is none to speak of.
        reason = "no_server" if error.reason == "missing" else error.reason
        yield Finding(source, ok=False, detail=f"{reason}: {error.detail} ({_ADVICE[reason]})")
        return
    failed = sum(isinstance(look, Absence) for look in looks)
    way = "" if reader.uses_stdin else ", a few at a time (this tmux is old)"
    detail = f"{len(looks) - failed} of {len(looks)} panes read{way}"
    yield Finding(source, ok=not failed, detail=detail)
    if local and settings.commands.enabled:
        yield from _count_shells(f"shells of tmux server {name}", listing, settings)


def _count_shells(source: str, listing: Listing, settings: PanesSettings) -> Iterator[Finding]:
    """Tell how many of the shells that panes run report how commands end; nothing of none."""
    folder = find_folder(settings.commands.directory, os.environ)
    shells = reporting = 0
    for pane_id, (facts, *_) in listing.facts.items():
        if facts.dead or not _is_shell(facts.pid, settings):
            continue
        shells += 1
        if folder is not None:
            key = PaneKey(listing.server.pid, listing.server.start, pane_id)
            records = Journal(folder / name_journal(key)).read()
            reporting += any(_is_shell(record.shell, settings) for record in records)
    if not shells:
        return
    detail = f"{reporting} of {shells} report how commands end"
    advice = "" if reporting == shells else f" ({_NOT_REPORTING})"
    # Whoever wants no exit statuses sets up nothing: that is no failure.
    yield Finding(source, ok=True, detail=detail + advice)


def _is_shell(pid: int, settings: PanesSettings) -> bool:
    name = read_proc(f"/proc/{pid}/comm") or b""
    return name.decode(errors="replace").strip() in settings.shells
