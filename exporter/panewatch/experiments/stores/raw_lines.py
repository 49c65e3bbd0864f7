"""Lines of files as records of backups, byte for byte."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from panewatch.experiments.stores.backup import BackupError

PIECE: Final = 1 << 20
"""Bytes of the longest record: a longer line comes in pieces, so that memory stays flat."""


class Piece(NamedTuple):
    """A line of a file with its newline, or a piece of one that is long.

    Attributes:
        file: The name of the file.
        data: The bytes as they stood there.
    """

    file: str
    data: bytes

    @property
    def ends(self) -> bool:
        """Whether the line ends with it."""
        return self.data.endswith(b"\n")


def read_pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield what is in a file from where it stands, line by line."""
    while data := file.readline(PIECE):
        yield data


def write_record(piece: Piece) -> bytes:
    """Return a piece as a record; bytes that are no text are written as base64."""
    try:
        content = {"text": piece.data.decode()}
    except UnicodeDecodeError:
        content = {"base64": base64.b64encode(piece.data).decode()}
    return json.dumps({"file": piece.file} | content).encode()


def parse_record(record: bytes) -> Piece:
    """Return the piece that a record holds.

    Raises:
        BackupError: it holds none, or names a file outside of its folder.
    """
    try:
        match json.loads(record):
            case {"file": str(file), "text": str(text)}:
                data = text.encode()
            case {"file": str(file), "base64": str(text)}:
                data = base64.b64decode(text, validate=True)
            case _:
                raise BackupError("a record of the backup is no line of a file")
    except (ValueError, RecursionError, binascii.Error):
        raise BackupError("a record of the backup is no line of a file") from None
    if not file or "/" in file or "\0" in file or file in {".", ".."}:
        raise BackupError("a record of the backup names a file outside of its folder")
    return Piece(file, data)
