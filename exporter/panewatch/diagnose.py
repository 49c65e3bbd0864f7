"""What can be read on this machine, and why not: one finding for each source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What came of reading one source.

    Attributes:
        source: What was read, for example a tmux server's name.
        ok: Whether it could be read.
        detail: What was found, or why nothing could be and what to do about it.
    """

    source: str
    ok: bool
    detail: str
