"""Files that tell of one run: which of them counts.

A training that has ended, or was killed, is often started again at once under its old name, while
the file of the first one still holds. The one that goes on is the one to be told of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from panewatch.training.callback.origin import is_gone
from panewatch.training.textfile import Told
from panewatch.training.textfiles import Textfile

STALE_SECONDS: Final = 30.0
"""A file that was not written for longer says nothing of the speed that its run has now."""


class Namesake(NamedTuple):
    """A file that holds, and whether its training goes on as far as that can be seen."""

    name: str
    told: Told
    goes_on: bool


def sort_by_claim(
    files: Iterable[tuple[str, Textfile]], now: float, expires_after: float
) -> list[Namesake]:
    """Return the files that hold: of those of one run the first one counts.

    Those whose training goes on come first, by when their writers began: who has a name keeps
    it. Behind them come those that have ended, the newest first.

    Args:
        files: Files by name.
        now: The time of this look.
        expires_after: Seconds that a file holds whose writer has ended or is not known.
    """
    found: list[tuple[tuple[int, int, float, str], Namesake]] = []
    for name, file in files:
        told = file.told
        if told is None:
            continue
        writer, age = told.writer, now - file.written
        runs = writer is not None and writer.state == "running"
        gone = is_gone(writer.origin) if writer is not None and runs else None
        if gone or (gone is None and age > expires_after):
            continue
        start = writer.origin.start if writer is not None else 0
        # A process that cannot be seen lives as long as it writes; who writes may not say.
        goes_on = gone is False or (age <= STALE_SECONDS and (runs or writer is None))
        claim = (1 if gone is None else 0, start, 0.0) if goes_on else (2, 0, age)
        found.append(((*claim, name), Namesake(name, told, goes_on)))
    return [namesake for _, namesake in sorted(found, key=lambda item: item[0])]
