"""Backups of experiments: files that hold every item as it was, and that tell when they are whole.

A backup is gzip over lines of JSON: a header, a record for each item, and a last line with their
number and the SHA-256 of all lines before it. What lacks that line, or does not come to that
number and digest, is refused.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

FORMAT: Final = 1

_LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a line. An item of DynamoDB has up to 400 kB, of which JSON makes six times that."""

Note = Callable[[int], None]
"""Is told how many items are done, again and again."""


class BackupError(Exception):
    """A backup could not be written, or is not whole; its text is for the person who asked."""


@dataclass(frozen=True)
class Origin:
    """What a backup is of.

    Attributes:
        kind: A `table`, or `files`.
        source: As it is set; no account, region or credentials.
        key: The key attributes of a table with their types, the partition key first.
    """

    kind: Literal["table", "files"]
    source: str
    key: Mapping[str, str] = field(default_factory=dict)

    def fits(self, other: Origin) -> bool:
        """Tell whether what one holds can be put into the other."""
        return (self.kind, list(self.key.items())) == (other.kind, list(other.key.items()))


@dataclass(frozen=True)
class Backup:
    """A backup that has been read to its end and was whole.

    Attributes:
        path: Where it is.
        origin: What it is of.
        time: When it was begun, as UTC in ISO 8601.
        count: How many records it holds.
        digest: The SHA-256 of all of it.
    """

    path: Path
    origin: Origin
    time: str
    count: int
    digest: str

    def read(self) -> Iterator[bytes]:
        """Yield the records, each without its newline, in the order in which they were read.

        Raises:
            BackupError: at the end at the latest, where it has changed since it was checked.
        """
        if (yield from _read(self.path)) != self:
            raise BackupError(f"{self.path}: has changed since it was checked")


def check_backup(path: Path, note: Note | None = None) -> Backup:
    """Read a backup to its end.

    Raises:
        BackupError: it is not whole, no backup, of another version, or cannot be read.
    """
    records, count = _read(path), 0
    while True:
        try:
            next(records)
        except StopIteration as end:
            found: Backup = end.value
            return found
        count += 1
        if note is not None:
            note(count)


def _read(path: Path) -> Generator[bytes, None, Backup]:
    """Yield the records of a backup, and return what it is once all has been found whole."""
    try:
        # Not to wait for a writer, should this be a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file, gzip.GzipFile(fileobj=file) as packed:
            lines = _split(packed)
            first = next(lines, b"")
            origin, time = _parse_header(first)
            digest, count, last = hashlib.sha256(first), 0, b""
            for line in lines:
                if last:
                    digest.update(last)
                    count += 1
                    yield last[:-1]
                last = line
    except (EOFError, zlib.error, gzip.BadGzipFile, _BrokenError) as error:
        told = str(error) if isinstance(error, _BrokenError) else "it is cut or damaged"
        raise BackupError(f"{path}: is no whole backup: {told}") from None
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}") from None
    if _parse(last) != {"count": count, "sha256": digest.hexdigest()}:
        told = "its last line does not fit what is in it"
        raise BackupError(f"{path}: is no whole backup: {told}")
    return Backup(path, origin, time, count, digest.hexdigest())


class _BrokenError(Exception):
    """What was read cannot be a backup."""


def _split(packed: gzip.GzipFile) -> Iterator[bytes]:
    while line := packed.readline(_LONGEST):
        if not line.endswith(b"\n"):
            raise _BrokenError("a line has no end")
        yield line


def _parse_header(line: bytes) -> tuple[Origin, str]:
    match _parse(line):
        case {"panewatch_backup": int(version)} if version != FORMAT:
            raise _BrokenError(f"it is of version {version}, and only {FORMAT} is known here")
        case {
            "panewatch_backup": int(),
            "kind": "table" | "files" as kind,
            "source": str(source),
            "key": dict(key),
            "time": str(time),
        } if all(isinstance(each, str) for each in key.values()):
            return Origin(kind, source, key), time
    raise _BrokenError("its first line is none of a backup")


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
