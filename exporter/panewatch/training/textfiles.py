"""The directory of the files that callbacks write: which are there, and what each tells."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from panewatch.training.callback.origin import is_elsewhere
from panewatch.training.callback.place import SUFFIX
from panewatch.training.plain_files import PlainFiles, RefusedError
from panewatch.training.textfile import MOST_BYTES, Told, parse

MOST_FILES: Final = 100
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
            files = PlainFiles(directory)
        except FileNotFoundError:
            return {}
        with files:
            found = sorted(files.list((SUFFIX,)), key=lambda item: (-item[1].st_mtime, item[0]))
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
                    file.told = parse(_read(files, name, status))
                except RefusedError as error:
                    file.refused = str(error)
                    self.failures[file.refused] += 1
        return {
            name: file
            for name, file in self._files.items()
            if not (file.told and file.told.writer and is_elsewhere(file.told.writer.origin))
        }

    def _date(self, status: os.stat_result, before: Textfile | None) -> float:
        """Return when a file changed. Only of one that is new the wall clock has to tell."""
        now = self._monotonic()
        return now if before is not None else now - max(0.0, self._wall() - status.st_mtime)


def _read(files: PlainFiles, name: str, status: os.stat_result) -> bytes:
    descriptor = files.open(name, status, MOST_BYTES)
    try:
        return os.pread(descriptor, MOST_BYTES + 1, 0)
    except OSError:
        raise RefusedError("unreadable") from None
    finally:
        os.close(descriptor)
