"""Compiled databases kept on disk: compiling the built-in rules takes seconds.

Whatever is wrong with the store, a database is compiled anew: it saves time, no more.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Final

import hyperscan

_DIGEST: Final = hashlib.sha256
_SIZE: Final = _DIGEST().digest_size
_MOST_KEPT: Final = 16


def fetch(
    texts: Sequence[bytes], flags: Sequence[int], compile_: Callable[[], hyperscan.Database]
) -> hyperscan.Database:
    """Return the database of ``texts``: the one that is kept, or else what is compiled now."""
    folder = _find_folder()
    if folder is None:
        return compile_()
    version = metadata.version("hyperscan")
    key = _DIGEST(repr((version, list(texts), list(flags))).encode()).hexdigest()
    path = folder / f"{key}.hsdb"
    database = _load(path)
    if database is None:
        database = compile_()
        with suppress(OSError):
            _save(path, hyperscan.dumpb(database))
    return database


def _find_folder() -> Path | None:
    """Return the folder of this user's caches; None where there is none that is private."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME", "") + "/.cache"
    if not base.startswith("/") or base == "/.cache":
        return None
    folder = Path(base) / "panewatch"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Who may write to the folder above could put a link in place of ours.
        return folder if all(map(_is_private, (folder.parent, folder))) else None
    except OSError:
        return None


def _is_private(path: Path) -> bool:
    """Tell whether only this user may change what ``path`` itself, no link, holds."""
    status = path.lstat()
    ours = status.st_uid == os.getuid() and not stat.S_ISLNK(status.st_mode)
    return ours and not status.st_mode & 0o022


def _load(path: Path) -> hyperscan.Database | None:
    try:
        if not _is_private(path):
            return None
        content = path.read_bytes()
        body = content[_SIZE:]
        if _DIGEST(body).digest() != content[:_SIZE]:
            return None
        # Hyperscan itself refuses what was made for another processor.
        database = hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
    except (OSError, hyperscan.HyperscanError):
        return None
    return database


def _save(path: Path, body: bytes) -> None:
    """Write at once or not at all, and make room."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".new", delete=False) as file:
        new = Path(file.name)
    try:
        new.write_bytes(_DIGEST(body).digest() + body)
        new.rename(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    kept = sorted(path.parent.glob("*.hsdb"), key=lambda kept: kept.stat().st_mtime)
    for old in kept[:-_MOST_KEPT]:
        old.unlink(missing_ok=True)
