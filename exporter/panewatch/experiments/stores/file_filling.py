"""Puts the lines of a backup back into files, and leaves alone what stands there."""

from __future__ import annotations

import hashlib
import os
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


def fill_files(
    backup: Backup, choose: Choose, there: Iterable[bytes], decoder: Decoder, note: Note
) -> Filling:
    """Append the lines of ``backup`` that are not there, and read them back.

    Memory grows by about 200 bytes for each line that is there already.

    Args:
        backup: Read through twice.
        choose: Raises `BackupError` for a file that nobody would read.
        there: Records of the lines that are there.
        decoder: By whose keys a line is known again; one without a key by all of it.
        note: Is told how many records are dealt with.

    Raises:
        BackupError: a file cannot be written, or is none that would be read.
    """
    choose = cache(choose)  # it asks the filesystem
    known: set[bytes] = set()
    for piece, begins in _mark_beginnings(map(parse_record, there)):
        if begins:
            known.update(_find_keys(piece.data, decoder))
    filling, begun = Filling(), dict[Path, int]()
    for path, parts in _group(backup, choose, known, decoder):
        try:
            with _open(path) as file:
                begun.setdefault(path, os.fstat(file.fileno()).st_size)
                _append(file, parts, filling, note)
        except OSError as error:
            raise BackupError(f"{path}: cannot be written: {error.strerror}") from None
    for path, parts in _group(backup, choose, known, decoder):
        filling.lost += _count_lost(path, begun[path], (part.data for part in parts if part.new))
    return filling


def _group(
    backup: Backup, choose: Choose, known: set[bytes], decoder: Decoder
) -> Iterator[tuple[Path, Iterator[_Part]]]:
    """Yield each file with what goes there."""

    def pick() -> Iterator[tuple[Path, _Part]]:
        new = True
        for piece, begins in _mark_beginnings(map(parse_record, backup.read())):
            if begins:
                new = not known or known.isdisjoint(_find_keys(piece.data, decoder))
            yield choose(piece.file), _Part(piece.data, begins, new)

    for path, pairs in groupby(pick(), itemgetter(0)):
        yield path, map(itemgetter(1), pairs)


def _mark_beginnings(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, bool]]:
    """Yield the pieces, and whether a line begins with them."""
    file, ended = "", True
    for piece in pieces:
        yield piece, ended or piece.file != file
        file, ended = piece.file, piece.ends


def _find_keys(data: bytes, decoder: Decoder) -> list[bytes]:
    """Return by what a line is known again: all of it, and its key where it has one."""
    line = data.strip()
    keys = [b"line" + line]
    try:
        value = decode_json(line)
    except SkippedError:
        value = None
    if isinstance(value, dict) and (key := decoder.find_key(value)):
        keys.append(b"key" + key.encode(errors="surrogatepass"))
    return [hashlib.blake2b(each, digest_size=16).digest() for each in keys]


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
