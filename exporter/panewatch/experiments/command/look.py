"""One look at a whole source, for a command that can wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from panewatch.experiments.opening import open_source
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import Source, SourceError, Whole
from panewatch.experiments.stores.backup import Note

_SECONDS: Final = 1.0
"""How long the source reads on at a time; then it is told how far that went."""

_AT_ONCE: Final = 1e6
"""The budget of capacity units is for those who look again and again."""

_PASSING: Final = frozenset({"throttled", "timeout", "server"})
_ATTEMPTS: Final = 5
_PAUSE: Final = 1.0


@contextmanager
def look(
    settings: ExperimentsSettings,
    note: Note,
    *,
    open_it: Callable[[ExperimentsSettings], Source] = open_source,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Whole]:
    """Read the source of ``settings`` to its end, and give what it holds while this lasts.

    Args:
        settings: They name a source.
        note: Is told how many items were read.
        open_it: Opens the source.
        sleep: Waits for so many seconds.

    Raises:
        SourceError: it cannot be read, also not after some attempts.
    """
    fast = settings.dynamodb.model_copy(update={"capacity_units_per_minute": _AT_ONCE})
    source = open_it(settings.model_copy(update={"dynamodb": fast}))
    try:
        yield _read(source, note, sleep)
    finally:
        source.close()


def _read(source: Source, note: Note, sleep: Callable[[float], None]) -> Whole:
    failures = 0
    while True:
        before = source.counts.items
        try:
            whole = source.read(_SECONDS)
        except SourceError as error:
            failures = 1 if source.counts.items > before else failures + 1
            if error.reason not in _PASSING or failures >= _ATTEMPTS:
                raise
            sleep(_PAUSE)
            continue
        if whole is not None:
            return whole
        note(source.counts.items)
        if source.counts.items == before:
            sleep(0.05)  # a source that waits for its turn
