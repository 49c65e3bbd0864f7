"""The bytes of a trace file, plain or compressed, in pieces."""

from __future__ import annotations

import errno
import os
import re
import stat
import zlib
from collections.abc import Iterator
from typing import Final, Literal, Self, get_args

Reason = Literal["unreadable", "not_plain", "empty", "garbage", "no_events"]

TRACE_FAILURES: Final[tuple[str, ...]] = get_args(Reason)
"""Every reason for which a file is no trace."""

MOST_BYTES: Final = 2 << 30
"""What is read of one trace, unpacked: a page of zeros packs a thousand times smaller."""

_PIECE: Final = 1 << 20
_LEAST_PART: Final = 64
"""Bytes of a packed file that are unpacked first; then twice as many each time."""

_PADDING: Final = re.compile(rb"\0*")
_GZIP: Final = b"\x1f\x8b"
_GZIP_FORMAT: Final = 31  # zlib's word for: with gzip's header


class TraceError(Exception):
    """A file is no trace.

    Attributes:
        reason: Why, one of ``TRACE_FAILURES``.
        detail: The same for people, without the file's name.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Final = reason
        self.detail: Final = detail


class Source:
    """A trace file that is open for reading.

    It is closed by ``close`` or at the end of a ``with`` block.

    Args:
        path: Where the file is.

    Attributes:
        truncated: Whether the file, as far as it was read, ends before its end.

    Raises:
        TraceError: there is no such file, it cannot be read, or is no plain file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # Without O_NONBLOCK a pipe would wait for a writer.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            self._descriptor = os.open(path, flags)
        except (OSError, ValueError) as error:
            raise _describe(error) from None
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            self.close()
            raise TraceError("not_plain", "is no plain file")
        self.truncated = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def read(self) -> Iterator[bytes]:
        """Yield the content, unpacked, in pieces of at most about a megabyte.

        Raises:
            TraceError: it cannot be read, or is packed in no known way from its beginning on.
        """
        pieces = self._read_plain()
        first = next(pieces, b"")
        unpack = self._unpack if first.startswith(_GZIP) else _join
        left = MOST_BYTES
        for piece in unpack(first, pieces):
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                self.truncated = True
                return

    def _read_plain(self) -> Iterator[bytes]:
        try:
            while piece := os.read(self._descriptor, _PIECE):
                yield piece
        except OSError as error:
            raise _describe(error) from None

    def _unpack(self, first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        inflate = zlib.decompressobj(_GZIP_FORMAT)
        begun = whole = False
        size = _LEAST_PART
        for packed in _join(first, rest):
            at, piece = 0, b""
            # A full piece may not be all that is there, even where nothing waits.
            while at < len(packed) or len(piece) == _PIECE:
                if whole:  # files that were packed one by one and joined, or padded
                    at = _find_end(packed, at)
                    if at == len(packed):
                        break
                    inflate, size = zlib.decompressobj(_GZIP_FORMAT), _LEAST_PART
                # What a file leaves of its part is copied: that must be little if it is tiny.
                part = packed[at : at + size]
                try:
                    piece = inflate.decompress(part, _PIECE)
                except zlib.error:
                    if not begun:
                        raise TraceError("garbage", "is damaged: gzip cannot unpack it") from None
                    self.truncated = True  # what stands before the damage is good
                    return
                if piece:
                    begun = True
                    yield piece
                whole = inflate.eof
                # At the end of a file either may hold what is left.
                left = inflate.unused_data if whole else inflate.unconsumed_tail
                at += len(part) - len(left)
                size = min(2 * size, _PIECE)
        self.truncated = not whole


def _join(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _find_end(packed: bytes, at: int) -> int:
    """Return where the padding ends that begins there, if any does."""
    match = _PADDING.match(packed, at)
    return match.end() if match else at


def _describe(error: OSError | ValueError) -> TraceError:
    code = error.errno if isinstance(error, OSError) else errno.EINVAL
    if code in {errno.ENXIO, errno.EISDIR}:
        return TraceError("not_plain", "is no plain file")
    detail = getattr(error, "strerror", None) or "no file can have such a name"
    return TraceError("unreadable", f"cannot be read: {detail}")
