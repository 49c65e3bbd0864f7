"""Traces that are made by hand: times are in microseconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from panewatch.training.traces.profile import Finding, Operator, Profile
from panewatch.training.traces.reading import read_trace

Event = dict[str, Any]


def span(name: str, start: float, duration: float, cat: str = "cpu_op", tid: int = 1) -> Event:
    """Something that ran on the host."""
    return {"ph": "X", "cat": cat, "name": name, "pid": 1, "tid": tid,
            "ts": start, "dur": duration, "args": {"External id": 7}}  # fmt: skip


def step(number: int, start: float, duration: float, tid: int = 1) -> Event:
    return span(f"ProfilerStep#{number}", start, duration, "user_annotation", tid)


def wait(start: float, duration: float, tid: int = 1) -> Event:
    name = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"
    return span(name, start, duration, "user_annotation", tid)


def call(name: str, start: float, duration: float, tid: int = 1) -> Event:
    return span(name, start, duration, "cuda_runtime", tid)


def kernel(name: str, start: float, duration: float, stream: int = 7) -> Event:
    return span(name, start, duration, "kernel", stream) | {"pid": 0}


def copy(start: float, duration: float, kind: str = "HtoD (Pageable -> Device)") -> Event:
    return span(f"Memcpy {kind}", start, duration, "gpu_memcpy", 8) | {"pid": 0}


def write(path: Path, events: Sequence[Event], **header: Any) -> Path:
    path.write_text(json.dumps({"schemaVersion": 1, **header, "traceEvents": list(events)}))
    return path


def profile(folder: Path, *events: Event, **header: Any) -> Profile:
    """What a trace of these events tells."""
    return read_trace(write(folder / "trace.json", events, **header), top=1000)


def shares(found: Profile) -> dict[str, float]:
    """The shares that are not 0, rounded; those that are must be there all the same."""
    assert [share.part for share in found.shares] == [
        "data_wait", "compute", "memcpy", "idle", "other"]  # fmt: skip
    return {share.part: round(share.ratio, 6) for share in found.shares if share.ratio > 1e-9}


def rows(found: Sequence[Operator]) -> dict[str, tuple[int, float, float]]:
    """A table as name → calls, own and total microseconds."""
    return {
        row.name: (row.calls, round(row.self_seconds * 1e6, 3), round(row.total_seconds * 1e6, 3))
        for row in found
    }


def findings(found: Profile) -> dict[str, Finding]:
    return {finding.name: finding for finding in found.findings}
