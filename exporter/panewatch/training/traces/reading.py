"""A trace file → its profile."""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import Final

from panewatch.panes.text import clean_label
from panewatch.training.traces.account import account
from panewatch.training.traces.events import Events
from panewatch.training.traces.findings import find
from panewatch.training.traces.names import ON_DEVICE, Names
from panewatch.training.traces.profile import OTHER, Operator, Profile
from panewatch.training.traces.source import TRACE_FAILURES, Source, TraceError
from panewatch.training.traces.timeline import Timeline

__all__ = ["TRACE_FAILURES", "TraceError", "read_trace"]

TOP: Final = 20
"""Rows of a table, unless another number is asked for."""

_SCALAR: Final = "aten::_local_scalar_dense"
_RANK: Final = re.compile(r"(?:^|[^a-z])rank[^0-9a-z]?([0-9]{1,6})(?![0-9])", re.IGNORECASE)


def read_trace(path: str | os.PathLike[str], *, top: int = TOP) -> Profile:
    """Read a Chrome trace of PyTorch's profiler, plain or packed by gzip.

    It takes some 10 ns for each byte, and memory for 20 bytes for each event of the host and
    at most 40 for each of the device; of a file of more than two gigabytes the beginning is
    read. Damaged and cut files give what is whole in them.

    Args:
        path: Where the file is.
        top: Most rows of operators, and of kernels; what they leave out is one row more.

    Raises:
        TraceError: the file cannot be read, or is no trace, or nothing in it can be understood.
    """
    timeline = Timeline()
    with Source(path) as source:
        events = Events(source)
        for batch in events:
            timeline.take(batch)
            if timeline.full:
                break
    skipped = events.skipped + timeline.skipped
    if not timeline.events:
        detail = f"has no event of a profiler that makes sense, and {skipped} that make none"
        raise TraceError("no_events", detail if skipped else "has no event of a profiler")
    result = account(timeline)
    kernels = _list_rows(timeline.names, on_device=True)
    operators = _list_rows(timeline.names, on_device=False)
    scalars = sum(row.calls for row in operators if row.name == _SCALAR)
    return Profile(
        rank=_find_rank(path) if events.header.rank is None else events.header.rank,
        world_size=events.header.world_size,
        device_name=clean_label(events.header.device_name) if result.on_device else "",
        steps=result.steps,
        seconds=result.seconds,
        operators=_cut(operators, top),
        kernels=_cut(kernels, top),
        shares=result.shares,
        findings=find(result, kernels, scalars),
        events=timeline.events,
        skipped=skipped,
        truncated=events.truncated or timeline.full,
        communication_ratio=result.ratios["communication"],
    )


def _find_rank(path: str | os.PathLike[str]) -> int | None:
    match = _RANK.search(PurePath(os.fsdecode(path)).name)
    return int(match[1]) if match else None


def _list_rows(names: Names, *, on_device: bool) -> tuple[Operator, ...]:
    rows = [
        Operator(text, "cuda" if on_device else "cpu", calls, own / 1e6, total / 1e6)
        for kind, text, calls, own, total in zip(
            names.kinds, names.texts, names.calls, names.selfs, names.totals, strict=True
        )
        if calls and (kind in ON_DEVICE) is on_device
    ]
    return tuple(sorted(rows, key=lambda row: (-row.self_seconds, row.name)))


def _cut(rows: tuple[Operator, ...], top: int) -> tuple[Operator, ...]:
    kept, rest = rows[: max(0, top)], rows[max(0, top) :]
    if not rest:
        return kept
    return (
        *kept,
        Operator(
            OTHER,
            rest[0].device,
            sum(row.calls for row in rest),
            sum(row.self_seconds for row in rest),
            sum(row.total_seconds for row in rest),
        ),
    )
