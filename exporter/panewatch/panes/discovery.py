"""Which tmux servers there are: the sockets of this user."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import psutil

from panewatch.panes.text import clean_label

DEFAULT = "default"
"""tmux's own name for its usual socket."""


def find_folder() -> Path:
    """Return the folder in which tmux of this user keeps its sockets."""
    folder = Path(os.environ.get("TMUX_TMPDIR") or "/tmp") / f"tmux-{os.getuid()}"  # noqa: S108
    # One server must not go by two paths.
    return folder.resolve()


def find_sockets() -> Iterator[Path]:
    """Yield the sockets in tmux's own folder, whether a server listens or not."""
    try:
        entries = sorted(find_folder().iterdir())
    except OSError:
        return
    for path in entries:
        try:
            if stat.S_ISSOCK(path.stat().st_mode):
                yield path
        except OSError:
            continue


def find_running() -> Iterator[Path]:
    """Yield the sockets that running tmux servers of this user listen on, wherever they are."""
    own = os.getuid()
    for process in psutil.process_iter():
        try:
            if not process.name().startswith("tmux: server") or process.uids().real != own:
                continue
            for connection in process.net_connections(kind="unix"):
                path = Path(str(connection.laddr))
                if path.is_absolute() and path.exists():
                    yield path.resolve()
        except (psutil.Error, OSError):
            continue


def probe(path: Path) -> str:
    """Tell the state of the server at ``path`` by connecting to it.

    Returns:
        ``up`` where something listens, else ``no_server``, ``missing``,
        ``permission`` or ``error``.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        # A server that is stopped has its queue fill up: do not wait in it.
        client.settimeout(0.2)
        try:
            client.connect(str(path))
        except (BlockingIOError, TimeoutError):
            return "up"
        except OSError as error:
            return {
                errno.ECONNREFUSED: "no_server",
                errno.ENOENT: "missing",
                errno.ENOTDIR: "missing",
                errno.EACCES: "permission",
                errno.EPERM: "permission",
            }.get(error.errno or 0, "error")
    return "up"


def name_servers(paths: Iterable[Path], taken: Collection[str] = ()) -> dict[str, Path]:
    """Give each socket a label: its file name, and a hash of its path where that is taken."""
    names: dict[str, Path] = {}
    folder = find_folder()
    # Sockets in tmux's own folder keep their plain names, whatever else appears.
    for path in sorted(set(paths), key=lambda path: (path.parent != folder, str(path))):
        name = clean_label(path.name, 64)
        if name in names or name in taken:
            digest = hashlib.sha256(str(path).encode(errors="surrogateescape")).hexdigest()
            name = f"{name}-{digest[:6]}"
        names[name] = path
    return names
