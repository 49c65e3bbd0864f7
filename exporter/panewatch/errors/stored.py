"""What is made of rules, kept on disk: making it of the built-in ones takes seconds.

Whatever is wrong with the store, it is made anew: the store saves time, no more.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final, TypeVar

import hyperscan
import msgspec

from panewatch.errors import literals, words
from panewatch.errors.literals import Needs, find_needs

T = TypeVar("T")

_DIGEST: Final = hashlib.sha256
_SIZE: Final = _DIGEST().digest_size
_MOST_KEPT: Final = 16


def fetch(
    texts: Sequence[bytes], flags: Sequence[int], compile_: Callable[[], hyperscan.Database]
) -> hyperscan.Database:
    """Return the database of ``texts``: the one that is kept, or else what is compiled now."""
    parts = metadata.version("hyperscan"), list(texts), list(flags)
    # Hyperscan itself refuses what was made for another processor.
    load = partial(hyperscan.loadb, mode=hyperscan.HS_MODE_BLOCK)
    return _fetch(parts, "hsdb", compile_, hyperscan.dumpb, load)


def fetch_needs(expressions: Sequence[str]) -> list[Needs]:
    """Return what each match of each expression holds, as `find_needs` does."""
    load = partial(msgspec.msgpack.decode, type=list[Needs])

    def make() -> list[Needs]:
        return list(map(find_needs, expressions))

    try:
        code = [Path(file).read_bytes() for file in (literals.__file__, words.__file__)]
    except OSError:
        return make()
    return _fetch((code, list(expressions)), "needs", make, msgspec.msgpack.encode, load)


def _fetch(
    parts: object, suffix: str, make: Callable[[], T], dump: Callable[[T], bytes],
    load: Callable[[bytes], T],
) -> T:  # fmt: skip
    """Return what was made of ``parts``, which say all that it hangs on."""
    folder = _find_folder()
    if folder is None:
        return make()
    path = folder / f"{_DIGEST(repr(parts).encode()).hexdigest()}.{suffix}"
    kept = _load(path)
    if kept is not None:
        with suppress(hyperscan.HyperscanError, msgspec.MsgspecError):
            return load(kept)
    made = make()
    with suppress(OSError):
        _save(path, dump(made))
    return made


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


def _load(path: Path) -> bytes | None:
    try:
        if not _is_private(path):
            return None
        content = path.read_bytes()
    except OSError:
        return None
    body = content[_SIZE:]
    return body if _DIGEST(body).digest() == content[:_SIZE] else None


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
    kept = sorted(path.parent.glob(f"*{path.suffix}"), key=lambda kept: kept.stat().st_mtime)
    for old in kept[:-_MOST_KEPT]:
        old.unlink(missing_ok=True)
