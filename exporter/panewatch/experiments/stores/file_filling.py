"""Puts the lines of a backup back into files, and leaves alone what stands there."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from panewatch.experiments.items.decoding import Decoder
from panewatch.experiments.items.paths import SkippedError, decode_json
from panewatch.experiments.stores.backup import Backup, BackupError, Note
from panewatch.experiments.stores.raw_lines import Piece, parse_record, read_pieces
from panewatch.experiments.stores.store import Filling

Choose = Callable[[str], Path]
"""Gives the file into which the lines of a file of the backup go."""


class _Part(NamedTuple):
    """What goes into a file: a line, or a piece of one that is long."""

    data: bytes
    begins: bool
    """Whether a line begins with it."""
    new: bool
    """Whether the line is not there yet."""


class _Known:
    """What stands in the files before anything is put back.

    A line that is of the backup too was put back by an earlier call: it says nothing of the other
    lines with its key, such as the result of a run whose begin is all that came so far.

    Args:
        backup: What is to be put back.
        there: Gives records of the lines that are there, each time all of them.
        decoder: Finds the keys of lines.
    """

    def __init__(
        self, backup: Backup, there: Callable[[], Iterable[bytes]], decoder: Decoder
    ) -> None:
        self._decoder = decoder
        self._lines = Counter(map(_digest_line, _find_lines(there())))
        self._keys: set[bytes] = set()
        if self._lines:
            again = self._lines.keys() & map(_digest_line, _find_lines(backup.read()))
            for data in _find_lines(there()):
                if _digest_line(data) not in again and (key := self._find_key(data)):
                    self._keys.add(key)

    def find_new(self) -> Callable[[bytes], bool]:
        """Return what tells of one line of the backup after the other whether it is not there.

        Lines that are alike are as many experiments, where they have no key.
        """
        left = self._lines.copy()

        def is_new(data: bytes) -> bool:
            digest = _digest_line(data)
            if left[digest] > 0:
                left[digest] -= 1
                return False
            return not self._keys or self._find_key(data) not in self._keys

        return is_new

    def _find_key(self, data: bytes) -> bytes:
        """Return by what the experiment of a line is known again; nothing where it has no key."""
        try:
            value = decode_json(data.strip())
        except SkippedError:
            return b""
        key = self._decoder.find_key(value) if isinstance(value, dict) else ""
        return _digest(key.encode(errors="surrogatepass")) if key else b""


def fill_files(
    backup: Backup,
    choose: Choose,
    there: Callable[[], Iterable[bytes]],
    decoder: Decoder,
    note: Note,
) -> Filling:
    """Append the lines of ``backup`` that are not there, and read them back.

    Memory grows by up to 400 bytes for each line that is there already.

    Args:
        backup: Read through three times.
        choose: Raises `BackupError` for a file that nobody would read.
        there: Gives records of the lines that are there, each time all of them.
        decoder: By whose keys a line that is not of the backup holds back those of the backup.
        note: Is told how many records are dealt with.

    Raises:
        BackupError: a file cannot be written, or is none that would be read.
    """
    choose = cache(choose)  # it asks the filesystem
    known = _Known(backup, there, decoder)
    filling, begun = Filling(), dict[Path, int]()
    for path, parts in _group(backup, choose, known):
        try:
            with _open(path) as file:
                begun.setdefault(path, os.fstat(file.fileno()).st_size)
                _append(file, parts, filling, note)
        except OSError as error:
            raise BackupError(f"{path}: cannot be written: {error.strerror}") from None
    for path, parts in _group(backup, choose, known):
        filling.lost += _count_lost(path, begun[path], (part.data for part in parts if part.new))
    return filling


def _group(backup: Backup, choose: Choose, known: _Known) -> Iterator[tuple[Path, Iterator[_Part]]]:
    """Yield each file with what goes there."""

    def pick() -> Iterator[tuple[Path, _Part]]:
        new, is_new = True, known.find_new()
        for piece, begins in _mark_beginnings(map(parse_record, backup.read())):
            if begins:
                new = is_new(piece.data)
            yield choose(piece.file), _Part(piece.data, begins, new)

    for path, pairs in groupby(pick(), itemgetter(0)):
        yield path, map(itemgetter(1), pairs)


def _mark_beginnings(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, bool]]:
    """Yield the pieces, and whether a line begins with them."""
    file, ended = "", True
    for piece in pieces:
        yield piece, ended or piece.file != file
        file, ended = piece.file, piece.ends


def _find_lines(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of records; of one that is long the first piece."""
    return (piece.data for piece, begins in _mark_beginnings(map(parse_record, records)) if begins)


def _digest_line(data: bytes) -> bytes:
    return _digest(data.strip())


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _open(path: Path) -> BinaryIO:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "a+b")


def _append(file: BinaryIO, parts: Iterable[_Part], filling: Filling, note: Note) -> None:
    """Append those of ``parts`` that are new, each line to a line of its own."""
    ended = True
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        ended = file.read(1) == b"\n"
    for part in parts:
        if part.new:
            if part.begins and not ended:
                file.write(b"\n")
            file.write(part.data)
            ended = part.data.endswith(b"\n")
            filling.written += 1
        else:
            filling.kept += 1
        note(filling.written + filling.kept)
    file.flush()
    os.fsync(file.fileno())


def _count_lost(path: Path, begin: int, written: Iterable[bytes]) -> int:
    """Return how many of the lines that were written do not stand there in their order."""
    lost = 0
    with path.open("rb") as file:
        file.seek(begin)
        there = (data.rstrip(b"\n") for data in read_pieces(file))
        for data in written:
            lost += data.rstrip(b"\n") not in there
    return lost
