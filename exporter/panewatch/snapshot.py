"""What a collector showed at one time, as bytes that are made at most once per format."""

from __future__ import annotations

import struct
import threading
import zlib
from operator import is_
from typing import TYPE_CHECKING, Final, NamedTuple

from panewatch.exposition import OPENMETRICS_END

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from panewatch.exposition import Rendered

_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # no name, no time, fastest
_LEVEL: Final = 1


class Format(NamedTuple):
    """One of the four ways in which `/metrics` can be asked for."""

    openmetrics: bool
    gzip: bool


class Snapshot:
    """The families of one sample. It never changes; its bytes are made when first asked for."""

    def __init__(self, families: Sequence[Rendered] = ()) -> None:
        self._families = families
        self._lock = threading.Lock()
        self._encoded: dict[bool, bytes] = {}
        self._deflated: dict[bool, bytes] = {}
        self._asked: set[Format] = set()

    def holds(self, families: Sequence[Rendered]) -> bool:
        """Tell whether these very families are the ones of this snapshot."""
        return len(families) == len(self._families) and all(map(is_, families, self._families))

    def encode(self, wanted: Format) -> bytes:
        """Give the text of the families, without an end."""
        with self._lock:
            self._asked.add(wanted)
            return self._encode(openmetrics=wanted.openmetrics)

    def deflate(self, wanted: Format) -> bytes:
        """Give the same text as a stretch of a raw deflate stream that is not the last one."""
        with self._lock:
            deflated = self._deflated.get(wanted.openmetrics)
            if deflated is None:
                packer = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
                text = self._encode(openmetrics=wanted.openmetrics)
                deflated = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
                self._deflated[wanted.openmetrics] = deflated
            return deflated

    def prepare_like(self, previous: Snapshot) -> None:
        """Make ahead what was asked of the previous snapshot, so that the next scrape is quick."""
        with previous._lock:
            asked = previous._asked.copy()
        for wanted in asked:
            with self._lock:
                self._encode(openmetrics=wanted.openmetrics)
            if wanted.gzip:
                self.deflate(wanted)

    def _encode(self, *, openmetrics: bool) -> bytes:
        encoded = self._encoded.get(openmetrics)
        if encoded is None:
            pieces: list[str] = []
            for family in self._families:
                pieces += family.openmetrics if openmetrics else family.text
            encoded = self._encoded[openmetrics] = "".join(pieces).encode()
        return encoded


class Joiner:
    """Joins snapshots to whole answers. Only the last snapshot's checksums are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checked: dict[bool, tuple[tuple[Snapshot, ...], int, int]] = {}

    def join(self, snapshots: Iterable[Snapshot], wanted: Format) -> bytes:
        """Give one whole answer: the snapshots one after the other, then the format's end.

        The last snapshot is taken to be one that changes with each answer; the work
        on those before it is shared between answers.
        """
        *settled, last = snapshots
        texts = [snapshot.encode(wanted) for snapshot in settled]
        tail = last.encode(wanted) + (OPENMETRICS_END if wanted.openmetrics else b"")
        if not wanted.gzip:
            return b"".join([*texts, tail])
        checksum, size = self._check(tuple(settled), texts, openmetrics=wanted.openmetrics)
        packer = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
        return b"".join(
            [
                _GZIP_HEADER,
                *(snapshot.deflate(wanted) for snapshot in settled),
                packer.compress(tail) + packer.flush(zlib.Z_FINISH),
                struct.pack("<LL", zlib.crc32(tail, checksum), (size + len(tail)) & 0xFFFFFFFF),
            ]
        )

    def _check(
        self, settled: tuple[Snapshot, ...], texts: Sequence[bytes], *, openmetrics: bool
    ) -> tuple[int, int]:
        with self._lock:
            known = self._checked.get(openmetrics)
            if known is None or known[0] != settled:
                checksum = 0
                for text in texts:
                    checksum = zlib.crc32(text, checksum)
                known = self._checked[openmetrics] = (settled, checksum, sum(map(len, texts)))
            return known[1], known[2]
