"""Where experiments are kept, for those who empty it and fill it again: one small interface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from panewatch.experiments.stores.backup import Backup, Note, Origin


@dataclass
class Removal:
    """What became of the records of a backup, when they were to be removed.

    Attributes:
        removed: They are gone by this.
        absent: They were gone already.
        changed: They are other ones by now, and were left as they are.
        places: Where files have gone to, which are not deleted.
    """

    removed: int = 0
    absent: int = 0
    changed: int = 0
    places: set[Path] = field(default_factory=set)


@dataclass
class Filling:
    """What became of the records of a backup, when they were to be put back.

    Attributes:
        written: They are there by this.
        kept: There was one of the same key already, which was left as it is.
        lost: They were written, and are not there as they were written.
    """

    written: int = 0
    kept: int = 0
    lost: int = 0


class Store(Protocol):
    """Something that holds experiments, raw. Every call may raise `SourceError`.

    Attributes:
        name: What a person has to repeat to have it emptied or filled.
        origin: What backups of it are of.
    """

    name: str
    origin: Origin

    def read(self) -> Iterator[bytes]:
        """Yield a record of every item, whole, as a line of JSON; memory stays flat."""
        ...

    def count(self) -> int:
        """Return how many items there are now."""
        ...

    def is_empty(self) -> bool:
        """Tell whether there is no item now."""
        ...

    def remove(self, backup: Backup, note: Note) -> Removal:
        """Remove what is in ``backup`` and is still the same; nothing else."""
        ...

    def fill(self, backup: Backup, note: Note) -> Filling:
        """Put back what is in ``backup``, except where there is something of the same key."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
