"""Writes backups: under their name only once they are whole and on the disk."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from time import gmtime, strftime
from typing import BinaryIO, Final

from panewatch.experiments.stores.backup import (
    FORMAT,
    Backup,
    BackupError,
    Note,
    Origin,
    check_backup,
)

SUFFIX: Final = ".jsonl.gz"


def write_backup(path: Path, origin: Origin, records: Iterable[bytes], note: Note) -> Backup:
    """Write ``records`` to a new file that only this user can read, then read it back.

    Args:
        path: Where to; there must be nothing yet.
        origin: What the records are of.
        records: One line each, without its newline.
        note: Is told how many were written.

    Returns:
        The backup, found whole. Whatever ends this earlier leaves no file of that name.

    Raises:
        BackupError: it cannot be written, or there is a file of that name.
    """
    part = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        if os.path.lexists(path):  # before all is read, to be told of it at the end
            raise FileExistsError(0, "there is such a file already, and none is written over")
        try:
            with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
                _write(file, origin, records, note)
                file.flush()
                os.fsync(file.fileno())
            _publish(part, path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise _blame(path, error) from None
    return check_backup(path)


def name_backup(name: str, folder: Path) -> Path:
    """Return the path of a backup made now of the source that is called ``name``."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:64].lstrip(".")
    return folder / f"{plain or 'experiments'}-{strftime('%Y%m%dT%H%M%SZ', gmtime())}{SUFFIX}"


def make_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of backups; make it, for this user alone, where there is none.

    Raises:
        BackupError: it cannot be made, or the environment names no home.
    """
    state, home = environment.get("XDG_STATE_HOME", ""), environment.get("HOME", "")
    base = Path(state) if state.startswith("/") else Path(home, ".local", "state")
    if not base.is_absolute():
        raise BackupError("there is no home folder to write a backup to: name a FILE")
    folder = base / "panewatch" / "backups"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _blame(folder, error) from None
    return folder


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, too.

    Raises:
        OSError: it cannot be done.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(file: BinaryIO, origin: Origin, records: Iterable[bytes], note: Note) -> None:
    digest, count = hashlib.sha256(), 0
    header = {
        "panewatch_backup": FORMAT,
        "kind": origin.kind,
        "source": origin.source,
        "key": dict(origin.key),
        "time": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()),
    }
    with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:

        def add(record: bytes) -> None:
            packed.write(record + b"\n")
            digest.update(record + b"\n")

        add(json.dumps(header).encode())
        for record in records:
            add(record)
            count += 1
            note(count)
        add(json.dumps({"count": count, "sha256": digest.hexdigest()}).encode())


def _publish(part: Path, path: Path) -> None:
    """Give a file its name, unless that was taken meanwhile."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a filesystem without such links: take the name first
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(path, flags, 0o600))
        part.rename(path)


def _blame(path: Path, error: OSError) -> BackupError:
    return BackupError(f"{path}: no backup was written: {error.strerror}")
