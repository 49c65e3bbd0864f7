"""Which tmux servers are watched, by name and by where they listen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from panewatch.config import TmuxSettings
from panewatch.panes.discovery import DEFAULT, find_folder, name_servers


class Address(NamedTuple):
    """Where a server is reached: two that are equal are one server.

    ``socket`` is an absolute path where the ``prefix`` is empty; behind a prefix it is what
    the settings say, or None for tmux's own default there.
    """

    prefix: tuple[str, ...]
    socket: str | None


def list_configured(settings: TmuxSettings) -> dict[str, Address]:
    """Return the servers that the settings name, by label."""
    named = {
        server.name: Address(server.prefix, server.socket)
        if server.prefix
        else Address((), str(_locate(server.socket or DEFAULT)))
        for server in settings.servers
    }
    paths = name_servers(map(_locate, settings.sockets), named)
    return named | {name: Address((), str(path)) for name, path in paths.items()}


def match(wanted: Mapping[str, Address], known: Mapping[str, Address]) -> dict[str, str]:
    """Tell which of the ``known`` servers are ``wanted``, be it by another name.

    Returns:
        The known name of each wanted server that is known.
    """
    found = {name: name for name, address in wanted.items() if known.get(name) == address}
    free = {address: name for name, address in known.items() if name not in found}
    for name, address in wanted.items():
        if name not in found and address in free:
            found[name] = free.pop(address)
    return found


def name_path(path: str, taken: Collection[str]) -> str:
    """Return the label of a discovered socket."""
    return next(iter(name_servers([Path(path)], taken)))


def _locate(socket: str) -> Path:
    """Return the path of a socket that is configured by name or path."""
    path = Path(socket) if socket.startswith("/") else find_folder() / socket
    return path.resolve()
