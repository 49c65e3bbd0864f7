"""Empties files whose lines are in a backup. No line is lost, also none that comes meanwhile."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from panewatch.experiments.stores.backup import Backup, BackupError, Note
from panewatch.experiments.stores.backup_writing import SUFFIX, sync_folder
from panewatch.experiments.stores.raw_lines import PIECE, parse_record
from panewatch.experiments.stores.store import Removal


class _Mark:
    """What a backup holds of one file: how long that was, and its digest."""

    def __init__(self) -> None:
        self.records = 0
        self.size = 0
        self.whole = 0
        """Bytes up to the end of its last whole line."""
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self.records += 1
        self.size += len(data)
        self._digest.update(data)
        if data.endswith(b"\n"):
            self.whole = self.size

    def begins(self, path: Path) -> bool:
        """Tell whether a file begins with what the backup holds."""
        digest, left = hashlib.sha256(), self.size
        with path.open("rb") as file:
            while left and (data := file.read(min(left, PIECE))):
                digest.update(data)
                left -= len(data)
        return not left and digest.digest() == self._digest.digest()


def remove_files(backup: Backup, choose: Callable[[str], Path], note: Note) -> Removal:
    """Move each file that begins with what is in ``backup`` out of the way.

    It goes into a folder beside the backup, or, where that is on another filesystem, to a hidden
    name beside itself: who has it open goes on writing into it, and nothing of that is lost. An
    empty file with its mode takes its place, and what was appended since the backup goes there.

    Args:
        backup: Read through once.
        choose: Gives where a file is, by its name in the backup.
        note: Is told how many records are dealt with.

    Raises:
        BackupError: a file cannot be moved, or no other put in its place; or it is another user's.
    """
    marks: dict[str, _Mark] = {}
    for record in backup.read():
        piece = parse_record(record)
        marks.setdefault(piece.file, _Mark()).add(piece.data)
    removal, done = Removal(), 0
    for name, mark in marks.items():
        path = choose(name)
        try:
            _remove(_Places(backup, name, path), mark, removal)
        except OSError as error:
            raise BackupError(f"{path}: cannot be set aside: {error.strerror}") from None
        done += mark.records
        note(done)
    return removal


class _Places:
    """Where a file is, and where it goes to."""

    def __init__(self, backup: Backup, name: str, path: Path) -> None:
        stem = backup.path.name.removesuffix(SUFFIX)
        self.path = path
        self._near = backup.path.with_name(f"{stem}.files") / name
        self._beside = path.with_name(f".{name}.{stem}")

    def find_aside(self) -> Path | None:
        """Return where an earlier call has put the file; None where none has."""
        return next((p for p in (self._near, self._beside) if p.exists()), None)

    def set_aside(self) -> Path:
        """Move the file to where nothing is yet, and return that place."""
        self._near.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            return _move(self.path, self._near)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        return _move(self.path, self._beside)


def _remove(places: _Places, mark: _Mark, removal: Removal) -> None:
    path = places.path
    if not path.exists() or not path.stat().st_size:
        removal.absent += mark.records
        aside = places.find_aside()
        if aside is not None:  # an earlier call was ended in between
            _replace(path, aside, mark, removal)
        return
    if not mark.begins(path):
        removal.changed += mark.records
        return
    if os.geteuid() not in {0, path.stat().st_uid}:
        # The empty one would be this user's, and who writes there could write no more.
        raise PermissionError(errno.EPERM, "it is another user's: let that one do it, or root")
    _replace(path, places.set_aside(), mark, removal)
    removal.removed += mark.records


def _move(path: Path, place: Path) -> Path:
    free, number = place, 1
    while os.path.lexists(free):
        number += 1
        free = place.with_name(f"{place.name}.{number}")
    path.rename(free)
    sync_folder(free.parent)
    return free


def _replace(path: Path, aside: Path, mark: _Mark, removal: Removal) -> None:
    """Put an empty file in the place of one that was moved, and into it what came late."""
    removal.places.add(aside)
    status = aside.stat()
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        path.chmod(stat.S_IMODE(status.st_mode))
        with suppress(PermissionError):
            os.chown(path, status.st_uid, status.st_gid)
    if status.st_size > mark.size:
        with aside.open("rb") as late, path.open("ab") as file:
            late.seek(mark.whole)
            shutil.copyfileobj(late, file, PIECE)
    sync_folder(path.parent)
