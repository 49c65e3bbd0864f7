"""Traces as a profiler leaves them, written by hand: two steps of a training on a CPU."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

Event = dict[str, object]

AGE = 60.0
"""How long ago the traces here were written, in seconds: they are whole."""


def make_events(
    wait: int = 400, names: tuple[str, ...] = ("aten::addmm", "aten::mm")
) -> list[Event]:
    """Two steps of a millisecond, of which each waits for data so many microseconds.

    Of the rest each name has an equal part.
    """
    events: list[Event] = []

    def add(category: str, name: str, begin: float, end: float) -> None:
        events.append(
            {"ph": "X", "cat": category, "name": name, "pid": 7, "tid": 7, "ts": begin,
             "dur": end - begin, "args": {}}
        )  # fmt: skip

    for step in range(2):
        begin = 1000.0 * step
        add("user_annotation", f"ProfilerStep#{step}", begin, begin + 1000)
        loader = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"
        add("user_annotation", loader, begin, begin + wait)
        each = (1000 - wait) / len(names)
        for place, name in enumerate(names):
            add("cpu_op", name, begin + wait + place * each, begin + wait + (place + 1) * each)
    return events


def write_trace(
    folder: Path, run: str = "resnet", events: list[Event] | None = None, *, age: float = AGE
) -> Path:
    """Write a trace that is whole, as one file of a run."""
    path = folder / f"{run}.{time.time_ns()}.pt.trace.json"
    text = json.dumps(
        {"schemaVersion": 1, "traceEvents": make_events() if events is None else events}
    )
    return put(path, text.encode(), age=age)


def put(path: Path, data: bytes, *, age: float = AGE) -> Path:
    """Write a file that changed so long ago."""
    path.write_bytes(data)
    path.chmod(0o644)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def write_child(folder: Path, program: str) -> str:
    """Write a program that runs in place of the child that reads traces; return its path.

    Each part is a whole package: one without ``__init__.py`` would give way to ours where that
    is installed.
    """
    package = folder
    for part in ("panewatch", "training", "profiles"):
        package /= part
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
    (package / "child.py").write_text(program)
    return str(folder)
