"""One event of a trace, and what the trace says of itself, out of their JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

_NO_NUMBER: Final = re.compile(rb"([:,\[]\s*)[-+]?(?:inf(?:inity)?|nan)\b", re.IGNORECASE)
_CONTROLS: Final = bytes(range(32))
_BLANKS: Final = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))


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


@dataclass(frozen=True, slots=True)
class Header:
    """What a trace says of itself.

    Attributes:
        rank: Which process wrote it; None where it does not tell.
        world_size: How many there were; None where it does not tell.
        device_name: The first accelerator; empty where it names none.
    """

    rank: int | None = None
    world_size: int | None = None
    device_name: str = ""


class _Top(msgspec.Struct, rename="camel"):
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


def decode_events(elements: bytes, *, mending: bool) -> list[Event] | None:
    """Return the events of elements; None where one of them is none.

    Args:
        elements: As they stand in a list, with commas between them.
        mending: Whether JSON may be wrong as some versions of profilers write it. It takes
            several times as long.
    """
    text = b"[" + elements + b"]"
    try:
        return _DECODER.decode(_mend(text) if mending else text)
    except _FAILURES:
        return None


def decode_header(text: bytes) -> Header | None:
    """Return what stands in a trace beside its events; None where that is no JSON."""
    try:
        top = msgspec.json.decode(_mend(text), type=_Top)
    except _FAILURES:
        return None
    devices = _convert(top.device_properties, list[_Device]) or [_Device()]
    distributed = _convert(top.distributed_info, _Distributed) or _Distributed()
    return Header(distributed.rank, distributed.world_size, devices[0].name)


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
