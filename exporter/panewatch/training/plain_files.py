"""Plain files in a directory that others write to: taken only where nobody else may have."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, Self

_MOST_ENTRIES: Final = 10_000
_FOREIGN: Final = stat.S_IWGRP | stat.S_IWOTH


class RefusedError(Exception):
    """A file that is not taken; its argument is the reason, one of the contract's."""


class PlainFiles:
    """A directory that is open, and who may have written what is in it.

    It is closed by the end of a ``with`` block.

    Raises:
        FileNotFoundError: there is none.
        OSError: it is there and cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._owners = {os.geteuid(), os.fstat(self._descriptor).st_uid}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def list(self, suffixes: tuple[str, ...]) -> Iterator[tuple[str, os.stat_result]]:
        """Yield name and status of what has such a name, links as such; none that is hidden.

        Raises:
            OSError: the directory cannot be read.
        """
        with os.scandir(self._descriptor) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                if entry.name.endswith(suffixes) and not entry.name.startswith("."):
                    with suppress(FileNotFoundError):
                        yield entry.name, entry.stat(follow_symlinks=False)

    def open(self, name: str, status: os.stat_result, most: int) -> int:
        """Return a descriptor of a file, if it is one and nobody else may have written it.

        Raises:
            RefusedError: it is not plain, not ours, larger than ``most`` bytes or unreadable.
        """
        self._check(status, most)
        # Not to wait for a writer, should somebody put a pipe there at this moment.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            descriptor = os.open(name, flags, dir_fd=self._descriptor)
        except OSError as error:
            reason = "not_plain" if error.errno == errno.ELOOP else "unreadable"
            raise RefusedError(reason) from None
        try:
            self._check(os.fstat(descriptor), most)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _check(self, status: os.stat_result, most: int) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError("not_plain")
        if status.st_uid not in self._owners or status.st_mode & _FOREIGN:
            raise RefusedError("owner")
        if status.st_size > most:
            raise RefusedError("too_large")
