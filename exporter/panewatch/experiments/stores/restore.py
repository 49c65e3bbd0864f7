"""Fills a store from a backup."""

from __future__ import annotations

from panewatch.experiments.stores.backup import Backup, BackupError, Note
from panewatch.experiments.stores.store import Filling, Store


class OccupiedError(Exception):
    """There is something where a backup was to be put back."""


def check_fit(store: Store, backup: Backup) -> None:
    """Make sure that a backup can be put back into a store, be it another one than its own.

    Raises:
        BackupError: it cannot: one is a table and the other is not, or their keys are not alike.
    """
    if not backup.origin.fits(store.origin):
        what = "of another kind, or its key has other attributes"
        raise BackupError(f"{backup.path}: does not fit {store.origin.source}: it is {what}")


def restore(store: Store, backup: Backup, note: Note, *, merge: bool) -> Filling:
    """Put all of ``backup`` into ``store``; what has a key that is there already is passed over.

    Args:
        store: An empty one, unless ``merge``.
        backup: One that fits it; see `check_fit`.
        note: Is told how many records are dealt with.
        merge: Whether something may be there.

    Raises:
        OccupiedError: there is something, and nothing was written.
        BackupError: the backup does not fit, or is whole no longer; or a file cannot be written.
        SourceError: the store does not answer.
    """
    check_fit(store, backup)
    if not merge and not store.is_empty():
        raise OccupiedError
    return store.fill(backup, note)
