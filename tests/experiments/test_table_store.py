"""Tables are backed up whole and raw, emptied of that and nothing else, and filled again."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.stub import Answer, Stub, refuse
from experiments.tables import Attributes, Tables, write_attributes
from panewatch.experiments.dynamodb import requests
from panewatch.experiments.dynamodb.client import Opened, open_client
from panewatch.experiments.dynamodb.raw_items import parse_record, write_record
from panewatch.experiments.dynamodb.requests import TableRequests
from panewatch.experiments.dynamodb.store import TableStore
from panewatch.experiments.settings import DynamoDbSettings
from panewatch.experiments.source import SourceError
from panewatch.experiments.stores.backup import Backup, BackupError, Origin
from panewatch.experiments.stores.backup_writing import write_backup
from panewatch.experiments.stores.purge import Purged, purge
from panewatch.experiments.stores.restore import OccupiedError, restore
from panewatch.experiments.stores.store import Filling

HOSTILE: Final[tuple[Attributes, ...]] = (
    {"id": {"S": "38 digits"}, "n": {"N": "1.2345678901234567890123456789012345678"}},
    {"id": {"S": "large"}, "n": {"N": "9.9999999999999999999999999999999999999E+125"}},
    {"id": {"S": "bytes"}, "b": {"B": b"\x00\xff\n"}, "e": {"B": b""}},
    {
        "id": {"S": "sets"},
        "s": {"SS": ["b", "a"]},
        "n": {"NS": ["2", "10"]},
        "b": {"BS": [b"\xff"]},
    },
    {"id": {"S": "deep"}, "m": {"M": {"B": {"L": [{"B": b"\x01"}, {"M": {"N": {"N": "1"}}}]}}}},
    {"id": {"S": "\x1b[31m\n\u202e"}, "nothing": {"NULL": True}, "no": {"BOOL": False}},
    {"id": {"S": "emoji \U0001f600"}, "empty": {"S": ""}, "list": {"L": []}},
    {"id": {"S": "count"}, "count": {"N": "1"}, "sha256": {"S": "0"}},
)

CANARY: Final = "arn:aws:dynamodb:eu-west-1:123456789012:table/secret"


def ignore(_count: int) -> None:
    """Take no note."""


class Flaky:
    """A client that leaves a part of each batch undone, and does something before each."""

    def __init__(self, client: Any, done: int, act: Callable[[], object] = lambda: None) -> None:
        self._client = client
        self._done = done
        self._act = act
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_write_item(self, **arguments: Any) -> Any:
        ((table, requests),) = arguments["RequestItems"].items()
        self._act()
        self.sizes.append(len(requests))
        done, rest = requests[: self._done], requests[self._done :]
        if done:
            self._client.batch_write_item(RequestItems={table: done})
        return {"UnprocessedItems": {table: rest} if rest else {}}

    def batch_get_item(self, **arguments: Any) -> Any:
        ((table, asked),) = arguments["RequestItems"].items()
        assert asked["ConsistentRead"]
        keys, rest = asked["Keys"][:20], asked["Keys"][20:]
        answer = self._client.batch_get_item(RequestItems={table: asked | {"Keys": keys}})
        rest += answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        return answer | {"UnprocessedKeys": {table: asked | {"Keys": rest}} if rest else {}}


class Place:
    """A table as a store, and a folder of backups."""

    def __init__(self, tables: Tables, folder: Path, table: str) -> None:
        self.tables, self.table = tables, table
        self.client: Any = tables.client
        self.pauses: list[float] = []
        self._folder = folder
        self._settings = DynamoDbSettings(endpoint=tables.address)

    def open(self, page_items: int | None = 7) -> TableStore:
        asking = TableRequests(
            self.table, self._settings, open_it=lambda _: Opened(self.client),
            sleep=self.pauses.append,
        )  # fmt: skip
        return TableStore(asking, self.table, f"dynamodb://{self.table}", page_items=page_items)

    def back_up(self) -> Backup:
        store = self.open()
        path = self._folder / f"{self.table}-{random.getrandbits(64)}.jsonl.gz"
        return write_backup(path, store.origin, store.read(), ignore)

    def purge(self, backup: Backup) -> Purged:
        return purge(self.open(), backup, ignore)

    def restore(self, backup: Backup, *, merge: bool = False) -> Filling:
        return restore(self.open(), backup, ignore, merge=merge)

    def read(self) -> dict[str, bytes]:
        """All that is there, read by another way."""
        pages = self.tables.client.get_paginator("scan").paginate(TableName=self.table)
        items = [item for page in pages for item in page["Items"]]
        return {str(item["id"]): write_record(item) for item in items}


@pytest.fixture
def place(tables: Tables, tmp_path: Path) -> Place:
    return Place(tables, tmp_path, tables.make())


def fill(place: Place, count: int) -> None:
    place.tables.put(place.table, *(write_attributes(number) for number in range(count)))


numbers = st.integers(-(10**38) + 1, 10**38 - 1).map(str)
attributes: st.SearchStrategy[Attributes] = st.recursive(
    st.one_of(
        st.text().map(lambda text: {"S": text}),
        numbers.map(lambda number: {"N": number}),
        st.binary().map(lambda data: {"B": data}),
        st.booleans().map(lambda value: {"BOOL": value}),
        st.just({"NULL": True}),
        st.lists(st.binary(), unique=True).map(
            lambda each: {"BS": sorted(each, key=base64.b64encode)}
        ),
        st.lists(numbers, unique=True).map(lambda each: {"NS": sorted(each)}),
    ),
    lambda inner: st.one_of(
        st.lists(inner).map(lambda each: {"L": each}),
        st.dictionaries(st.text(), inner).map(lambda each: {"M": each}),
    ),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), attributes, max_size=5))
def test_any_item_is_a_record(item: Attributes) -> None:
    record = write_record(item)
    assert b"\n" not in record
    assert parse_record(record) == item


def test_sets_have_no_order() -> None:
    one, other = ({"b": {"BS": [b"\xff", b"a"]}}, {"b": {"BS": [b"a", b"\xff"]}})
    assert write_record(one) == write_record(other)


@pytest.mark.parametrize(
    "record", [b"", b"[]", b'{"a": 1}', b'{"a": {}}', b'{"a": {"B": "*"}}', b'{"a": {"B": 1}}']
)
def test_what_is_no_item_is_refused(record: bytes) -> None:
    with pytest.raises(BackupError):
        parse_record(record)


def test_there_and_back_it_is_the_same(place: Place) -> None:
    place.tables.put(place.table, *HOSTILE)
    fill(place, 60)
    before = place.read()
    backup = place.back_up()
    assert backup.count == len(before) == 68
    assert sorted(backup.read()) == sorted(before.values())
    assert dict(backup.origin.key) == {"id": "S"}

    purged = place.purge(backup)
    assert (purged.left, purged.removal.removed, purged.removal.absent) == (0, 68, 0)
    assert place.read() == {}
    filling = place.restore(backup)
    assert (filling.written, filling.kept, filling.lost) == (68, 0, 0)
    assert place.read() == before


def test_an_empty_table_is_fine(place: Place) -> None:
    backup = place.back_up()
    assert backup.count == 0
    assert place.purge(backup).left == 0
    assert place.restore(backup) == Filling()


def test_a_table_with_a_sort_key(tables: Tables, tmp_path: Path) -> None:
    place = Place(tables, tmp_path, tables.make("search:S id:N"))
    for number in range(30):
        tables.put(place.table, {"search": {"S": "x"}, "id": {"N": str(number)}})
    backup = place.back_up()
    assert list(backup.origin.key.items()) == [("search", "S"), ("id", "N")]
    assert place.purge(backup).left == 0
    assert place.restore(backup).written == 30


def test_batches_are_of_25_and_what_is_left_of_one_is_sent_again(place: Place) -> None:
    fill(place, 60)
    backup = place.back_up()
    place.client = flaky = Flaky(place.tables.client, done=10)
    assert place.purge(backup).left == 0
    assert flaky.sizes == [25, 15, 5, 25, 15, 5, 10]
    assert len(place.pauses) >= 4
    flaky.sizes.clear()
    assert place.restore(backup) == Filling(written=60)
    assert flaky.sizes == [25, 15, 5, 25, 15, 5, 10]


def test_what_is_never_done_is_given_up(place: Place) -> None:
    fill(place, 30)
    backup = place.back_up()
    place.client = flaky = Flaky(place.tables.client, done=0)
    with pytest.raises(SourceError) as error:
        place.purge(backup)
    assert error.value.reason == "throttled"
    assert flaky.sizes == [25] * 10
    assert 10 < sum(place.pauses) < 60
    assert len(place.read()) == 30


def test_a_large_batch_is_smaller(place: Place) -> None:
    for number in range(12):
        place.tables.put(place.table, write_attributes(number, prompt="x" * 390_000))
    backup = place.back_up()
    place.client = flaky = Flaky(place.tables.client, done=25)
    assert place.purge(backup).left == 0
    assert flaky.sizes == [10, 2]


def test_what_came_or_changed_since_the_backup_stays(place: Place) -> None:
    fill(place, 30)
    backup = place.back_up()
    place.tables.put(place.table, write_attributes(3, bitrate=2.5), write_attributes(99))
    place.tables.client.delete_item(TableName=place.table, Key={"id": {"S": "e4"}})
    purged = place.purge(backup)
    assert (purged.left, purged.removal.changed) == (2, 1)
    assert (purged.removal.removed, purged.removal.absent) == (28, 1)
    assert sorted(place.read()) == ["{'S': 'e3'}", "{'S': 'e99'}"]


def test_a_purge_that_ended_in_the_middle_goes_on(place: Place) -> None:
    fill(place, 60)
    backup = place.back_up()
    left = [1]

    def die() -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()

    place.client = Flaky(place.tables.client, 25, die)
    with pytest.raises(KeyboardInterrupt):
        place.purge(backup)
    assert len(place.read()) == 35
    place.client = place.tables.client
    purged = place.purge(backup)
    assert (purged.left, purged.removal.removed, purged.removal.absent) == (0, 35, 25)


def test_a_damaged_backup_deletes_nothing_that_it_does_not_hold(place: Place) -> None:
    fill(place, 30)
    backup = place.back_up()
    place.tables.put(place.table, write_attributes(99))
    backup.path.write_bytes(backup.path.read_bytes()[:-20])
    with pytest.raises(BackupError):
        place.purge(backup)
    assert "{'S': 'e99'}" in place.read()


def test_only_a_backup_of_the_same_table_empties_it(place: Place, tmp_path: Path) -> None:
    fill(place, 3)
    other = Place(place.tables, tmp_path, place.tables.make())
    other.tables.put(other.table, *(write_attributes(number) for number in range(3)))
    with pytest.raises(BackupError, match="no backup of"):
        place.purge(other.back_up())
    files = Origin("files", f"dynamodb://{place.table}")
    with pytest.raises(BackupError, match="no backup of"):
        place.purge(write_backup(tmp_path / "files", files, [], ignore))
    assert len(place.read()) == 3


def test_another_table_of_the_same_key_is_filled(place: Place, tmp_path: Path) -> None:
    fill(place, 30)
    backup = place.back_up()
    other = Place(place.tables, tmp_path, place.tables.make())
    assert other.restore(backup) == Filling(written=30)
    assert other.read() == place.read()
    for key in ("id:N", "key:S", "id:S time:N"):
        foreign = Place(place.tables, tmp_path, place.tables.make(key))
        with pytest.raises(BackupError, match="does not fit"):
            foreign.restore(backup)


def test_what_is_there_is_not_filled_but_merged(place: Place) -> None:
    fill(place, 30)
    backup = place.back_up()
    assert place.purge(backup).left == 0
    place.tables.put(place.table, write_attributes(3, bitrate=2.5), write_attributes(4))
    with pytest.raises(OccupiedError):
        place.restore(backup)
    assert len(place.read()) == 2
    changed = place.read()["{'S': 'e3'}"]
    assert place.restore(backup, merge=True) == Filling(written=28, kept=2)
    assert len(place.read()) == 30
    assert place.read()["{'S': 'e3'}"] == changed


def test_items_that_are_lost_again_are_told(place: Place) -> None:
    fill(place, 3)
    backup = place.back_up()
    place.purge(backup)

    class Loser(Flaky):
        def batch_get_item(self, **arguments: Any) -> Any:
            place.tables.client.delete_item(TableName=place.table, Key={"id": {"S": "e1"}})
            return super().batch_get_item(**arguments)

    place.client = Loser(place.tables.client, 25)
    assert place.restore(backup) == Filling(written=3, lost=1)


def test_an_item_twice_in_a_backup_is_no_batch(place: Place, tmp_path: Path) -> None:
    records = [write_record(write_attributes(1))] * 2
    backup = write_backup(tmp_path / "twice", place.open().origin, records, ignore)
    assert place.restore(backup) == Filling(written=1, kept=1)
    purged = place.purge(backup)
    assert (purged.removal.removed, purged.removal.absent) == (1, 1)


def test_an_item_without_the_key_is_refused(place: Place, tmp_path: Path) -> None:
    records = [write_record({"name": {"S": "x"}})]
    backup = write_backup(tmp_path / "other", place.open().origin, records, ignore)
    with pytest.raises(BackupError, match="lacks the key"):
        place.restore(backup)


def open_stub(stub: Stub, pauses: list[float]) -> TableStore:
    reached = DynamoDbSettings(endpoint=stub.address)
    asking = TableRequests("t", reached, open_it=open_client, sleep=pauses.append)
    return TableStore(asking, "t", "dynamodb://t")


def test_what_passes_is_asked_again(stub: Stub, tmp_path: Path) -> None:
    stub.items = [write_attributes(number) if number % 3 else {} for number in range(30)]
    stub.page = 2
    stub.answers.extend(
        [
            refuse("ThrottlingException", operation="DescribeTable"),
            refuse("ProvisionedThroughputExceededException", operation="Scan"),
            refuse("InternalServerError", 500, "Scan"),
            refuse("ExpiredTokenException", operation="Scan"),
        ]
    )
    pauses: list[float] = []
    store = open_stub(stub, pauses)
    backup = write_backup(tmp_path / "backup", store.origin, store.read(), ignore)
    store.close()
    assert backup.count == 20
    assert len(pauses) == 3
    assert all(body["ConsistentRead"] for name, body in stub.requests if name == "Scan")
    assert stub.operations().count("Scan") == 15 + 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refuse("ProvisionedThroughputExceededException", message=CANARY), ("throttled", 3)),
        (refuse("InternalServerError", 500, message=CANARY), ("server", 3)),
        (refuse("AccessDeniedException", message=CANARY), ("access", 1)),
        (refuse("ResourceNotFoundException", message=CANARY), ("absent", 1)),
        (refuse("ExpiredTokenException", message=CANARY), ("credentials", 2)),
        (Answer(b"<html>"), ("invalid", 1)),
        (Answer({"Count": 0, "ScannedCount": 0}), ("invalid", 1)),
    ],
)
def test_a_scan_that_fails_leaves_no_backup(
    stub: Stub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    expected: tuple[str, int],
) -> None:
    monkeypatch.setattr(requests, "_ATTEMPTS", 3)  # boto3 itself waits after each
    stub.items = [write_attributes(number) for number in range(4)]
    stub.page = 2
    store = open_stub(stub, [])
    first = {"Items": [], "Count": 0, "LastEvaluatedKey": {"id": {"S": "2"}}}
    stub.answers.append(Answer(first))
    stub.answers.extend([answer] * 20)
    with pytest.raises(SourceError) as error:
        write_backup(tmp_path / "backup", store.origin, store.read(), ignore)
    store.close()
    assert CANARY not in f"{error.value}{error.value.__context__}"
    assert (error.value.reason, stub.operations().count("Scan") - 1) == expected
    assert list(tmp_path.iterdir()) == []
