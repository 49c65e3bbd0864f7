"""The events of a trace, in batches, however large it is and whatever is broken in it.

The list of events is cut into pieces that are decoded one by one. A piece is cut on suspicion,
where an object ends and another begins: if it decodes as a list of whole objects, the cut was
between two events, because what stands before a place decides what it is. Only where that fails
are the events looked for bracket by bracket, which takes longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from panewatch.training.traces.source import Source, TraceError

MOST_EVENT_BYTES: Final = 16 << 20
_MOST_HEADER_BYTES: Final = 16 << 20
_MOST_TAIL_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 2 << 20
_DEEPEST: Final = 1000
_MOST_CUTS: Final = 3
_MOST_LISTS: Final = 20
"""Lists by the name of the events' that may stand in other objects before it."""

_MOST_BRACES: Final = 64
"""Braces, from the end of a piece, among which an event begins in any usual trace."""

_LIST: Final = re.compile(rb'"traceEvents"\s*:\s*\[')
_BETWEEN: Final = re.compile(rb"[\s,]*")
# A quote that nothing closes is the last thing in a piece.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_NO_NUMBER: Final = re.compile(rb"([:,\[]\s*)[-+]?(?:inf(?:inity)?|nan)\b", re.IGNORECASE)
_CONTROLS: Final = bytes(range(32))
_BLANKS: Final = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_BOM: Final = b"\xef\xbb\xbf"


class Event(msgspec.Struct, gc=False):
    """What is read of an event.

    Attributes:
        ph: Its phase: ``X`` has a beginning and a duration.
        cat: What kind it is.
        name: What it is called.
        pid: Its process, or what stands for one.
        tid: Its thread, or a stream of a device.
        ts: When it began, in microseconds; absurdly early where it does not tell.
        dur: How long it took, in microseconds; negative where it does not tell.
    """

    ph: str = ""
    cat: str = ""
    name: str = ""
    pid: int | float | str | None = None
    tid: int | float | str | None = None
    ts: float = -1e300
    dur: float = -1.0


class _Header(msgspec.Struct, rename="camel"):
    device_properties: msgspec.Raw = msgspec.Raw(b"[]")
    distributed_info: msgspec.Raw = msgspec.Raw(b"{}")
    trace_events: list[msgspec.Raw] = msgspec.field(default_factory=list)


class _Device(msgspec.Struct):
    name: str = ""


class _Distributed(msgspec.Struct):
    rank: int | None = None
    world_size: int | None = None


# Some profilers write times as text.
_DECODER: Final = msgspec.json.Decoder(list[Event], strict=False)
_FAILURES: Final = (msgspec.MsgspecError, ValueError, RecursionError)


class Events:
    """The events of a source; iterate once.

    Args:
        source: An open file.

    Attributes:
        rank: Which process wrote it, if it tells. This and what follows is complete once all
            was read.
        world_size: How many there were, if it tells.
        device_name: The first accelerator that it names.
        skipped: Elements of the list that are no events.
        truncated: Whether the trace ends before its end, or goes on in a way that nothing
            can read.
    """

    def __init__(self, source: Source) -> None:
        self._pieces = source.read()
        self._source = source
        self._ended = False
        self._mending = False
        self._cut_short = False
        self.rank: int | None = None
        self.world_size: int | None = None
        self.device_name = ""
        self.skipped = 0

    @property
    def truncated(self) -> bool:
        """Whether the trace ends before its end."""
        return self._cut_short or self._source.truncated

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
            seen = max(seen, len(buffer) - 2 * _MOST_BRACES)
            buffer = self._fill(buffer, 2 * len(buffer))

    def _take_header(self, text: bytes) -> bool:
        try:
            header = msgspec.json.decode(_mend(text), type=_Header)
        except _FAILURES:
            return False
        devices = _convert(header.device_properties, list[_Device]) or [_Device()]
        self.device_name = self.device_name or devices[0].name
        distributed = _convert(header.distributed_info, _Distributed) or _Distributed()
        self.rank = self.rank if distributed.rank is None else distributed.rank
        self.world_size = distributed.world_size or self.world_size
        return True

    def _read_list(self, buffer: bytes, tail_begins: bytes) -> Iterator[list[Event]]:
        scan: _Scan | None = None
        while True:
            buffer = self._fill(buffer, _CHUNK_BYTES)
            batch, used = ([], 0) if scan else self._take_piece(buffer)
            if not used:
                scan = scan or _Scan()
                used = scan.go_on(buffer)
                batch = self._take_objects(buffer, scan.edges)
            yield batch
            if scan and scan.closed:
                break
            if not used:
                deep = scan is not None and scan.depth > _DEEPEST
                if self._ended or deep or len(buffer) >= MOST_EVENT_BYTES:
                    self._cut_short = True
                    return
                # Twice as much each time: what is looked at again stays in proportion.
                buffer = self._fill(buffer, 2 * len(buffer))
                continue
            buffer, scan = buffer[used:], None
        if tail_begins:
            tail = self._fill(buffer[used:], _MOST_TAIL_BYTES)
            self._cut_short = not self._take_header(tail_begins + tail) and self._ended

    def _take_piece(self, buffer: bytes) -> tuple[list[Event], int]:
        """Return the events of a piece, and where it ends: 0 where no cut is a good one."""
        start = _skip(buffer)
        cuts = list(_find_cuts(buffer, start))
        for mending in (False, True)[self._mending :]:
            for cut in cuts:
                batch = _decode(buffer[start:cut], mending=mending)
                if batch is not None:
                    self._mending = mending
                    return batch, cut
        return [], 0

    def _take_objects(self, buffer: bytes, edges: list[tuple[int, int]]) -> list[Event]:
        """Return the events at some places, without those that cannot be decoded."""
        if not edges:
            return []
        joined = b",".join(buffer[begin:end] for begin, end in edges)
        for mending in (False, True)[: 2 if len(edges) == 1 else 1]:
            batch = _decode(joined, mending=mending)
            if batch is not None:
                return batch
        if len(edges) == 1:
            self.skipped += 1
            return []
        half = len(edges) // 2
        return self._take_objects(buffer, edges[:half]) + self._take_objects(buffer, edges[half:])


@dataclass(slots=True)
class _Scan:
    """Looks for whole elements bracket by bracket, and goes on where more is there.

    Attributes:
        edges: Where the elements begin and end that were found last.
        depth: How many brackets are open.
        closed: Whether the list has ended.
    """

    edges: list[tuple[int, int]] = field(default_factory=list)
    depth: int = 0
    closed: bool = False
    _at: int = 0
    _begin: int = 0

    def go_on(self, buffer: bytes) -> int:
        """Return where the last whole element, or the list, ends; 0 where none does."""
        for token in _TOKEN.finditer(buffer, self._at):
            word = token.group()
            if word in {b"{", b"["}:
                if self.depth == 0:
                    self._begin = token.start()
                self.depth += 1
                if self.depth > _DEEPEST:
                    break  # whatever this is, it is no trace from here on
            elif word in {b"}", b"]"}:
                if self.depth == 0:
                    self.closed = True
                    return token.end()
                self.depth -= 1
                if self.depth == 0:
                    self.edges.append((self._begin, token.end()))
            elif word == b'"':
                break
            self._at = token.end()
        return self.edges[-1][1] if self.edges else 0


def _decode(elements: bytes, *, mending: bool) -> list[Event] | None:
    """Return the events of elements; None where one of them is none."""
    text = b"[" + elements + b"]"
    try:
        return _DECODER.decode(_mend(text) if mending else text)
    except _FAILURES:
        return None


def _find_cuts(buffer: bytes, start: int) -> Iterator[int]:
    """Yield places behind objects that others follow, the last first."""
    at = len(buffer)
    found = 0
    for _ in range(_MOST_BRACES):
        at = buffer.rfind(b"{", start, at)
        if at < 0 or found >= _MOST_CUTS:
            return
        before = buffer[max(start, at - _MOST_BRACES) : at].rstrip()
        if before.endswith(b",") and before[:-1].rstrip().endswith(b"}"):
            found += 1
            yield buffer.rfind(b"}", start, at) + 1


def _skip(buffer: bytes) -> int:
    match = _BETWEEN.match(buffer)
    return match.end() if match else 0


def _mend(text: bytes) -> bytes:
    """Return JSON with what profilers of some versions write into it and may not.

    That is bare infinities, line feeds and other controls in names, and cut characters.
    """
    text = _NO_NUMBER.sub(rb"\1-1e300", text.translate(_BLANKS))
    return text.decode(errors="replace").encode()


def _convert(raw: msgspec.Raw, wanted: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=wanted)
    except _FAILURES:
        return None
