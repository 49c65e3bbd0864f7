"""The events of a trace, in batches, however large it is and whatever is broken in it.

The list of events is cut into pieces that are decoded one by one. A piece is cut on suspicion,
where an object ends and another begins: if it decodes as a list of whole objects, the cut was
between two events, because what stands before a place decides what it is. Where that fails
smaller pieces are tried, and only in the smallest are the events looked for bracket by bracket,
which takes much longer. How much of that is done for one trace has an end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from panewatch.training.traces.brackets import DEEPEST, Scan, find_cuts, skip_between
from panewatch.training.traces.event import Event, Header, decode_events, decode_header
from panewatch.training.traces.source import Source, TraceError

MOST_EVENT_BYTES: Final = 16 << 20
MOST_TROUBLE: Final = 8_000_000
"""What may be spent on what is broken in a trace: brackets and strings that are looked at one by
one, and as much for pieces that are tried in vain as takes the same time. Some seconds."""

_MOST_HEADER_BYTES: Final = 16 << 20
_MOST_TAIL_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 2 << 20
_LEAST_BYTES: Final = 32 << 10
_SHRINK: Final = 8
_MOST_LISTS: Final = 20
"""Lists by the name of the events' that may stand in other objects before it."""

_EACH_TRY: Final = 16
_BYTES_OF_TROUBLE: Final = 256
_BYTES_OF_MENDING: Final = 64
"""Trouble of a piece that is tried in vain, and bytes of it that are one more."""

_LIST: Final = re.compile(rb'"traceEvents"\s*:\s*\[')
_LONGEST_NAME: Final = 128
"""Bytes that the name of the list may take, with what is between it and its bracket."""

_BOM: Final = b"\xef\xbb\xbf"


class Events:
    """The events of a source; iterate once.

    Args:
        source: An open file.

    Attributes:
        header: What the trace says of itself. This and what follows is complete once all was
            read.
        skipped: Elements of the list that are no events.
        trouble: What was spent on what is broken, at most about ``MOST_TROUBLE``.
        truncated: Whether the trace ends before its end, or goes on in a way that nothing
            can read, or that takes too long.
    """

    def __init__(self, source: Source) -> None:
        self._pieces = source.read()
        self._source = source
        self._ended = False
        self._mending = False
        self._cut_short = False
        self.header = Header()
        self.skipped = 0
        self.trouble = 0

    @property
    def truncated(self) -> bool:
        """Whether the trace ends before its end, or was given up."""
        return self._cut_short or self._source.truncated or self.trouble >= MOST_TROUBLE

    def __iter__(self) -> Iterator[list[Event]]:
        """Yield the events, many at a time.

        Raises:
            TraceError: this is no trace.
        """
        buffer = self._fill(b"", _CHUNK_BYTES).removeprefix(_BOM).lstrip()
        if not buffer:
            raise TraceError("empty", "is empty")
        if buffer.startswith(b"["):
            yield from self._read_list(buffer[1:], tail_begins=b"")
        elif buffer.startswith(b"{"):
            yield from self._read_list(self._read_header(buffer), tail_begins=b'{"traceEvents":[]')
        else:
            raise TraceError("garbage", "is no JSON: it begins with neither { nor [")

    def _fill(self, buffer: bytes, size: int) -> bytes:
        """Return the buffer with what follows, ``size`` bytes or more unless the file ends."""
        parts, length = [buffer], len(buffer)
        while length < size and not self._ended:
            piece = next(self._pieces, None)
            self._ended = piece is None
            parts.append(piece or b"")
            length += len(piece or b"")
        return b"".join(parts)

    def _read_header(self, buffer: bytes) -> bytes:
        """Take what stands before the list of events, and return what follows."""
        seen = tried = 0
        while True:
            for match in _LIST.finditer(buffer, seen):
                tried += 1
                if tried <= _MOST_LISTS and self._take_header(
                    buffer[: match.start()] + b'"traceEvents":[]}'
                ):
                    return buffer[match.end() :]
                seen = match.end()
            if self._ended or len(buffer) >= _MOST_HEADER_BYTES:
                raise TraceError("garbage", "is no trace: it has no list named traceEvents")
            seen = max(seen, len(buffer) - _LONGEST_NAME)
            buffer = self._fill(buffer, 2 * len(buffer))

    def _take_header(self, text: bytes) -> bool:
        """Take what stands beside the events, before or behind them; tell whether it is JSON."""
        found, known = decode_header(text), self.header
        if found is None:
            return False
        self.header = Header(
            rank=found.rank if known.rank is None else known.rank,
            world_size=found.world_size or known.world_size,
            device_name=known.device_name or found.device_name,
        )
        return True

    def _read_list(self, buffer: bytes, tail_begins: bytes) -> Iterator[list[Event]]:
        scan: Scan | None = None
        size = _CHUNK_BYTES
        while self.trouble < MOST_TROUBLE:
            buffer = self._fill(buffer, size)
            piece = buffer[:size]
            if scan is None:
                batch, used = self._take_piece(piece, mending=self._mending)
                if used:
                    yield batch
                    buffer, size = buffer[used:], min(2 * size, _CHUNK_BYTES)
                    continue
                if len(piece) > _LEAST_BYTES:
                    size = max(_LEAST_BYTES, len(piece) // _SHRINK)
                    continue
            batch, used, scan = self._take_smallest(piece, scan)
            yield batch
            if scan is not None and scan.closed:
                self._read_tail(buffer[used:], tail_begins)
                return
            if used:
                # More at once again, or events that are larger would each be looked for.
                buffer, scan, size = buffer[used:], None, min(_SHRINK * size, _CHUNK_BYTES)
                continue
            deep = scan is not None and scan.depth > DEEPEST
            if deep or len(piece) >= MOST_EVENT_BYTES or (self._ended and len(buffer) <= size):
                break
            # Twice as much each time: what is looked at again stays in proportion.
            size *= 2
        self._cut_short = True

    def _read_tail(self, buffer: bytes, begins: bytes) -> None:
        """Read what stands behind the list, if that is a part of something."""
        if begins:
            tail = self._fill(buffer, _MOST_TAIL_BYTES)
            self._cut_short = not self._take_header(begins + tail) and self._ended

    def _take_smallest(
        self, piece: bytes, scan: Scan | None
    ) -> tuple[list[Event], int, Scan | None]:
        """Return the events of a piece that no plain cut divides, and where the last one ends.

        Where that is 0 the scan is to go on with more.
        """
        if scan is None and not self._mending:
            batch, used = self._take_piece(piece, mending=True)
            if used:
                self._mending = True
                return batch, used, None
        scan = scan or Scan()
        used, looked = scan.go_on(piece, MOST_TROUBLE - self.trouble)
        self.trouble += looked
        return self._take_objects(piece, scan.edges), used, scan

    def _take_piece(self, piece: bytes, *, mending: bool) -> tuple[list[Event], int]:
        """Return the events of a piece, and where it ends: 0 where no cut is a good one."""
        start = skip_between(piece)
        for cut in find_cuts(piece, start):
            batch = self._decode(piece[start:cut], mending=mending)
            if batch is not None:
                return batch, cut
        return [], 0

    def _take_objects(self, piece: bytes, edges: list[tuple[int, int]]) -> list[Event]:
        """Return the events at some places, without those that cannot be decoded."""
        found: list[Event] = []
        waiting = [edges] if edges else []
        while waiting:
            part = waiting.pop()
            joined = b",".join(piece[begin:end] for begin, end in part)
            batch = self._decode(joined, mending=False)
            if batch is None and len(part) == 1:
                batch = self._decode(joined, mending=True)
            if batch is not None:
                found += batch
            elif len(part) == 1:
                self.skipped += 1
            elif self.trouble >= MOST_TROUBLE:
                break
            else:
                half = len(part) // 2
                waiting += part[half:], part[:half]
        return found

    def _decode(self, elements: bytes, *, mending: bool) -> list[Event] | None:
        batch = decode_events(elements, mending=mending)
        if batch is None:
            each = _BYTES_OF_MENDING if mending else _BYTES_OF_TROUBLE
            self.trouble += _EACH_TRY + len(elements) // each
        return batch
