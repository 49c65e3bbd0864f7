"""What ``panewatch screen`` prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from panewatch.errors.explain import show
from panewatch.panes.model import Screen
from panewatch.panes.screens.book import ScreenBook
from panewatch.panes.screens.trial import frame_text


def print_screens(book: ScreenBook, files: Sequence[str], output: str, command: str) -> bool:
    """Print what recorded screens tell; tell whether all could be read."""
    agents = {name: pack.agent for pack in book.packs for name in pack.processes}
    well = True
    for file in files:
        try:
            content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            print(f"{file}: {error.strerror}", file=sys.stderr)
            well = False
            continue
        rows = [show(row.decode(errors="replace")) for row in content.split(b"\n")]
        screen = book.read(frame_text("\n".join(rows)), command, agents.get(command, ""))
        told = describe(file, screen)
        print(json.dumps(told) if output == "jsonl" else _write(told))
    return well


def describe(file: str, screen: Screen) -> dict[str, Any]:
    """Return what a screen tells as an object of the ``jsonl`` output."""
    result: dict[str, Any] = {
        "file": file,
        "state": screen.state,
        "agent": screen.agent,
        "program": screen.program,
        "wait_kind": screen.kind,
    }
    if screen.jobs is not None:
        result["jobs"] = screen.jobs
    if screen.tasks is not None:
        result["tasks"] = screen.tasks._asdict()
    return result


def _write(told: dict[str, Any]) -> str:
    kind = f" for {told['wait_kind']}" if told["wait_kind"] else ""
    program = f" ({told['program']})" if told["program"] else ""
    jobs = f", {told['jobs']} jobs" if "jobs" in told else ""
    tasks = told.get("tasks", {})
    listed = ", tasks " + ", ".join(f"{n} {name}" for name, n in tasks.items()) if tasks else ""
    return f"{told['file']}: {told['state']}{kind}{program}{jobs}{listed}"
