"""A table of experiments, as it is backed up, emptied and filled again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from panewatch.experiments.dynamodb.client import call
from panewatch.experiments.dynamodb.raw_items import RawItem, parse_record, write_record
from panewatch.experiments.dynamodb.requests import BATCH, TableRequests
from panewatch.experiments.stores.backup import Backup, BackupError, Note, Origin
from panewatch.experiments.stores.store import Filling, Removal

_BATCH_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one batch: each request has an answer within its few seconds."""


class _Entry(NamedTuple):
    record: bytes
    item: RawItem
    key: RawItem


class TableStore:
    """The items of one table; see `store.Store`. It is asked for its key at once.

    What is compared and then written is not locked in between: in these milliseconds an item that
    changes may be overwritten. Whoever writes into the table has to rest.

    Args:
        requests: To the table.
        name: The table's name.
        source: The table as the settings name it.
        page_items: Most items of a page; not set: as many as DynamoDB gives.

    Raises:
        SourceError: there is no such table, or it cannot be asked.
    """

    def __init__(
        self, requests: TableRequests, name: str, source: str, *, page_items: int | None = None
    ) -> None:
        self.name = name
        self.origin = Origin("table", source, requests.find_key())
        self._requests = requests
        self._page = {"Limit": page_items} if page_items else {}

    def read(self) -> Iterator[bytes]:
        """Yield all items, strongly consistent, page by page.

        Raises:
            SourceError: a page cannot be read; what was yielded is not all.
        """
        for page in self._requests.scan(**self._page):
            yield from call(partial(_write_page, page))

    def count(self) -> int:
        """Return how many items there are now; that costs as much as to read them."""
        return sum(map(_count, self._requests.scan(Select="COUNT", **self._page)))

    def is_empty(self) -> bool:
        """Tell whether there is no item now."""
        return not any(map(_count, self._requests.scan(Select="COUNT", Limit=1)))

    def remove(self, backup: Backup, note: Note) -> Removal:
        """Delete the items that are as they are in ``backup``, to the last byte.

        Raises:
            SourceError: it does not go on; what is deleted is in the backup.
        """
        removal, done = Removal(), 0
        for batch in self._split(backup):
            now = self._look(list(batch.values()))
            same = [entry for key, entry in batch.items() if now.get(key) == entry.record]
            self._requests.delete([entry.key for entry in same])
            removal.removed += len(same)
            removal.changed += len(now) - len(same)
            removal.absent += len(batch) - len(now)
            done += len(batch)
            note(done)
        return removal

    def fill(self, backup: Backup, note: Note) -> Filling:
        """Put the items of ``backup`` whose keys are free, and read each of them back.

        Raises:
            SourceError: it does not go on; to go on later is to fill again.
        """
        filling = Filling()
        for batch in self._split(backup):
            there = self._look(list(batch.values()))
            new = [entry for key, entry in batch.items() if key not in there]
            self._requests.put([entry.item for entry in new])
            back = set(self._look(new).values())
            filling.written += len(new)
            filling.kept += len(there)
            filling.lost += sum(entry.record not in back for entry in new)
            note(filling.written + filling.kept)
        return filling

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    def _look(self, entries: list[_Entry]) -> dict[str, bytes]:
        """Return those that are there now, by their keys."""
        items = self._requests.get([entry.key for entry in entries])
        return call(lambda: {self._name(item): write_record(item) for item in items})

    def _split(self, backup: Backup) -> Iterator[dict[str, _Entry]]:
        """Yield the items of a backup in batches that one request can write."""
        batch: dict[str, _Entry] = {}
        size = 0
        for record in backup.read():
            item = parse_record(record)
            try:
                name = self._name(item)
            except KeyError:
                raise BackupError("an item of the backup lacks the key of this table") from None
            if name in batch or len(batch) == BATCH or size + len(record) > _BATCH_BYTES:
                yield batch
                batch, size = {}, 0
            key = {each: item[each] for each in self.origin.key}
            batch[name] = _Entry(write_record(item), item, key)
            size += len(record)
        if batch:
            yield batch

    def _name(self, item: RawItem) -> str:
        """Return an item's key as text that no other key has."""
        return json.dumps([_write_value(item[name]) for name in self.origin.key])


def _write_page(page: dict[str, Any]) -> list[bytes]:
    return [write_record(item) for item in page["Items"]]


def _count(page: dict[str, Any]) -> int:
    return call(lambda: int(page["Count"]))


def _write_value(value: dict[str, Any]) -> Any:
    return [[kind, str(content)] for kind, content in value.items()]
