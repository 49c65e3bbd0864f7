"""The files that shells append their records to, read on from where the last look ended.

Whoever can write there may write anything: a file is taken only where it is a plain file of
this user that nobody else may write, and what is in it is bounded before it is looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from panewatch.panes.commands.records import LONGEST, Record, parse
from panewatch.panes.model import PaneKey

_MOST: Final = 256 * 1024
"""Bytes that one look takes in; of a file that grew by more only the end is read."""

_MARK: Final = 64
"""Bytes at the beginning of a file by which it is known again."""

_FOREIGN: Final = stat.S_IWGRP | stat.S_IWOTH


def find_folder(folder: str | None, environment: Mapping[str, str]) -> Path | None:
    """Return where the shells of this user write, ``folder`` where that is given.

    Returns:
        None where the environment names no home.
    """
    if folder is not None:
        return Path(folder)
    state = environment.get("XDG_STATE_HOME") or ""
    home = environment.get("HOME") or ""
    if not state and not home:
        return None
    return (Path(state) if state else Path(home, ".local", "state")) / "panewatch" / "commands"


def name_journal(pane: PaneKey) -> str:
    """Return the file name for a pane, as its shells know it by their environment."""
    return f"{pane.server_pid}.{pane.pane_id.removeprefix('%')}"


class Journal:
    """The file of one pane.

    Args:
        path: Where it is, or will be.
    """

    __slots__ = ("_at", "_mark", "_path", "_seen", "written")

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self._seen: tuple[int, int, int] | None = None
        self._at = 0
        self._mark = b""
        self.written: float | None = None
        """When the file was last written, in Unix time; None while there is none."""

    def read(self) -> list[Record]:
        """Return the records that came since the last call; none where nothing can be read.

        A last line that is half written comes with a later call.
        """
        try:
            found = os.lstat(self._path)
        except OSError:
            self._seen = self.written = None
            return []
        seen = (found.st_ino, found.st_size, found.st_mtime_ns)
        if seen == self._seen:
            return []
        self._seen, self.written = seen, found.st_mtime_ns / 1e9
        if not _is_ours(found):
            return []
        # Not to wait for a writer, should somebody put a pipe there at this moment.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        with suppress(OSError):
            descriptor = os.open(self._path, flags)
            try:
                if _is_ours(os.fstat(descriptor)):
                    return self._read_on(descriptor)
            finally:
                os.close(descriptor)
        return []

    def _read_on(self, descriptor: int) -> list[Record]:
        size = os.fstat(descriptor).st_size
        begin = os.pread(descriptor, _MARK, 0)
        # It was emptied, or is another one, where its beginning is not the one we know.
        if size < self._at or begin[: len(self._mark)] != self._mark:
            self._at, self._mark = 0, b""
        if len(self._mark) < _MARK:
            self._mark = begin
        skips = size - self._at > _MOST
        if skips:
            self._at = size - _MOST
        data = os.pread(descriptor, _MOST, self._at)
        whole, end, rest = data.rpartition(b"\n")
        if not end:
            # A line that does not end would be read again for ever.
            self._at += len(rest) if len(rest) >= LONGEST else 0
            return []
        self._at += len(whole) + 1
        lines = whole.split(b"\n")
        return [record for line in lines[skips:] if (record := parse(line)) is not None]


def _is_ours(found: os.stat_result) -> bool:
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_uid == os.geteuid()
        and not found.st_mode & _FOREIGN
    )
