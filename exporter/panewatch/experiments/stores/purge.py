"""Empties a store of what a backup holds, and looks whether it is empty then."""

from __future__ import annotations

from dataclasses import dataclass

from panewatch.experiments.stores.backup import Backup, BackupError, Note
from panewatch.experiments.stores.store import Removal, Store


@dataclass(frozen=True)
class Purged:
    """What a purge has come to.

    Attributes:
        removal: What became of the records of the backup.
        left: How many items there are now: they came, or were changed, since the backup.
    """

    removal: Removal
    left: int


def purge(store: Store, backup: Backup, note: Note) -> Purged:
    """Remove what ``backup`` holds from ``store``, whose backup it has to be.

    Called again after it was ended in the middle, it goes on: what is gone already is passed over,
    and so is whatever is no longer what is in the backup.

    Raises:
        BackupError: the backup is of something else, or not whole; or a file cannot be moved.
        SourceError: the store does not answer.
    """
    if backup.origin.source != store.origin.source or not backup.origin.fits(store.origin):
        raise BackupError(f"{backup.path}: is no backup of {store.origin.source}")
    removal = store.remove(backup, note)
    return Purged(removal, store.count())
