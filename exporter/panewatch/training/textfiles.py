"""The directory of the files that callbacks write: which are there, and what each tells."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from panewatch.training.callback.origin import is_elsewhere
from panewatch.training.callback.place import SUFFIX
from panewatch.training.textfile import MOST_BYTES, RefusedError, Told, parse

MOST_FILES: Final = 100
_MOST_ENTRIES: Final = 10_000
_FOREIGN: Final = stat.S_IWGRP | stat.S_IWOTH
_Stamp = tuple[int, int, int]


class Textfile:
    """A file, as it was when it last changed.

    Attributes:
        told: What it tells; None where it was refused.
        refused: Why it was refused; empty where it was not.
        written: When it changed, on the clock of the looks.
    """

    __slots__ = ("refused", "stamp", "told", "written")

    def __init__(self, stamp: _Stamp, written: float) -> None:
        self.stamp = stamp
        self.written = written
        self.told: Told | None = None
        self.refused = ""


class Textfiles:
    """Looks at one directory again and again; reads only what has changed.

    Args:
        monotonic: The clock of the looks.
        wall: What the times of files are told by.
    """

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._files: dict[str, Textfile] = {}
        self.failures: Counter[str] = Counter()

    def look(self, directory: Path) -> dict[str, Textfile]:
        """Return the files that are there by name, the newest `MOST_FILES` of them.

        Files of other machines, where several share the directory, are none.

        Raises:
            OSError: the directory is there and cannot be read.
        """
        known, self._files = self._files, {}
        try:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        try:
            owners = {os.geteuid(), os.fstat(descriptor).st_uid}
            found = sorted(_list(descriptor), key=lambda item: (-item[1].st_mtime, item[0]))
            for place, (name, status) in enumerate(found):
                before = known.get(name)
                stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
                over = place >= MOST_FILES
                same = before is not None and before.stamp == stamp
                if before is not None and same and over == (before.refused == "too_many"):
                    self._files[name] = before
                    continue
                file = Textfile(stamp, self._date(status, before))
                self._files[name] = file
                try:
                    if over:
                        raise RefusedError("too_many")  # noqa: TRY301  # one place counts
                    file.told = parse(_read(descriptor, name, status, owners))
                except RefusedError as error:
                    file.refused = str(error)
                    self.failures[file.refused] += 1
        finally:
            os.close(descriptor)
        return {
            name: file
            for name, file in self._files.items()
            if not (file.told and file.told.writer and is_elsewhere(file.told.writer.origin))
        }

    def _date(self, status: os.stat_result, before: Textfile | None) -> float:
        """Return when a file changed. Only of one that is new the wall clock has to tell."""
        now = self._monotonic()
        return now if before is not None else now - max(0.0, self._wall() - status.st_mtime)


def _list(directory: int) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(directory) as entries:
        for entry in islice(entries, _MOST_ENTRIES):
            if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                with suppress(FileNotFoundError):
                    yield entry.name, entry.stat(follow_symlinks=False)


def _read(directory: int, name: str, status: os.stat_result, owners: set[int]) -> bytes:
    """Return what is in a file, if it is one and nobody else may have written it."""
    _check(status, owners)
    # Not to wait for a writer, should somebody put a pipe there at this moment.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except OSError as error:
        raise RefusedError("not_plain" if error.errno == errno.ELOOP else "unreadable") from None
    try:
        _check(os.fstat(descriptor), owners)
        return os.pread(descriptor, MOST_BYTES + 1, 0)
    except OSError:
        raise RefusedError("unreadable") from None
    finally:
        os.close(descriptor)


def _check(status: os.stat_result, owners: set[int]) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError("not_plain")
    if status.st_uid not in owners or status.st_mode & _FOREIGN:
        raise RefusedError("owner")
    if status.st_size > MOST_BYTES:
        raise RefusedError("too_large")


def sort_by_start(files: Sequence[tuple[str, Told]]) -> list[tuple[str, Told]]:
    """Return files by when their writers began: of two with one run the first counts."""
    return sorted(files, key=lambda item: (_start(item[1]), item[0]))


def _start(told: Told) -> int:
    return told.writer.origin.start if told.writer else 0
