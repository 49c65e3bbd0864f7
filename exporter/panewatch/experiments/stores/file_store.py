"""A file of experiments, or the files of a directory, as they are backed up and filled again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from panewatch.experiments.files.jsonl import SUFFIX
from panewatch.experiments.files.plain_file import explain, open_plain
from panewatch.experiments.items.decoding import Decoder
from panewatch.experiments.settings import ItemSettings
from panewatch.experiments.stores.backup import Backup, BackupError, Note, Origin
from panewatch.experiments.stores.file_filling import fill_files
from panewatch.experiments.stores.file_removal import remove_files
from panewatch.experiments.stores.raw_lines import Piece, read_pieces, write_record
from panewatch.experiments.stores.store import Filling, Removal


class FileStore:
    """Lines in one file, or in the files ``*.jsonl`` of a directory; see `store.Store`.

    Args:
        path: The file or directory, absolute. A link to either is followed.
        settings: By which of its attributes a line is known again.
    """

    def __init__(self, path: Path, settings: ItemSettings) -> None:
        self.name = path.name
        self.origin = Origin("files", os.fspath(path))
        self._path = path
        self._decoder = Decoder(settings)

    def read(self) -> Iterator[bytes]:
        """Yield all lines, file by file in the order of their names, as they are.

        Raises:
            SourceError: one of them cannot be read.
        """
        for name, path in self._list().items():
            with self._open(path) as file:
                for data in read_pieces(file):
                    yield write_record(Piece(name, data))

    def count(self) -> int:
        """Return how many lines there are now."""
        return sum(1 for _ in self.read())

    def is_empty(self) -> bool:
        """Tell whether no file has a line, or there is none yet."""
        try:
            return not any(path.stat().st_size for path in self._list().values())
        except FileNotFoundError:
            return True
        except OSError as error:
            raise explain(error) from None

    def remove(self, backup: Backup, note: Note) -> Removal:
        """Move each file that begins with what is in ``backup`` to beside it.

        In its place stays an empty file, for those who write. What was appended since the backup
        comes back into that.

        Raises:
            BackupError: a file cannot be moved.
        """
        return remove_files(backup, self._choose, note)

    def fill(self, backup: Backup, note: Note) -> Filling:
        """Append the lines of ``backup``, but those that are there or have the id of one there.

        Raises:
            BackupError: a file cannot be written, or would not be read afterwards.
        """
        there = tuple if self.is_empty() else self.read
        return fill_files(backup, self._choose, there, self._decoder, note)

    def close(self) -> None:
        """Nothing stays open."""

    def _list(self) -> dict[str, Path]:
        """Return the files that there are, by the names that they have in backups."""
        try:
            if not self._path.is_dir():
                return {self.name: self._path.resolve()}
            paths = sorted(path for path in self._path.iterdir() if _is_read(path.name))
        except OSError as error:
            raise explain(error) from None
        return {path.name: path for path in paths}

    @contextmanager
    def _open(self, path: Path) -> Iterator[BinaryIO]:
        try:
            directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                descriptor = open_plain(path.name, directory)
            finally:
                os.close(directory)
            with os.fdopen(descriptor, "rb") as file:
                yield file
        except OSError as error:
            raise explain(error) from None

    def _choose(self, name: str) -> Path:
        """Return the file into which lines of the file ``name`` go."""
        if not self._path.is_dir():
            return self._path.resolve()
        if not _is_read(name):
            raise BackupError(f"a file that does not end in {SUFFIX} would not be read there")
        return self._path / name


def _is_read(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")
