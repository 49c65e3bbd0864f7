"""Whether the processes on a GPU can be told apart by panes here."""

from __future__ import annotations

from collections.abc import Iterator

from panewatch.diagnose import Finding
from panewatch.machine.attribution.ownership import is_first_namespace


def diagnose() -> Iterator[Finding]:
    """Tell whether process numbers here are those that the driver counts."""
    detail = (
        "process numbers are the machine's own"
        if is_first_namespace()
        else "in a process namespace of its own: a process counts only where it has a GPU open"
    )
    yield Finding("attribution", ok=True, detail=detail)
