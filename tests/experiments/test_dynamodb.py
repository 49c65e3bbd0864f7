"""Tables read from a DynamoDB over HTTP: whole, what is new, and what they cost."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from experiments.tables import BEGIN, Attributes, Clock, Tables, write_attributes
from panewatch.experiments.dynamodb.table import Table
from panewatch.experiments.opening import open_source
from panewatch.experiments.settings import DynamoDbSettings, ExperimentsSettings, ItemSettings
from panewatch.experiments.source import SourceError, Whole
from polling import wait_until


def open_table(
    tables: Tables, name: str, *, clock: Clock | None = None, item: Any = None, **settings: Any
) -> Table:
    clock = clock or Clock()
    given = {"endpoint": tables.address, "capacity_units_per_minute": 1e6} | settings
    return Table(
        name, DynamoDbSettings(**given), ItemSettings(**(item or {})),
        clock=clock, monotonic=clock, sleep=clock.sleep,
    )  # fmt: skip


def take(table: Table) -> Whole:
    whole = wait_until(lambda: table.read(1000.0))
    assert whole is not None
    return whole


def tell(table: Table) -> dict[str, float | None]:
    return {one.id: one.bitrate for one in take(table).experiments}


def write_time(number: int) -> dict[str, str]:
    return {"S": datetime.fromtimestamp(BEGIN + 60 * number, UTC).isoformat()}


def stored(number: int, bitrate: Any = 15.04, **others: Any) -> Attributes:
    """An item as it stands in a table that has a time key."""
    return write_attributes(
        number, bitrate, timestamp=write_time(number), kind={"S": "run"}, **others
    )


def test_all_pages_of_a_table(tables: Tables) -> None:
    name = tables.make()
    tables.put(name, *(write_attributes(n, 1 + n, notes={"S": "x" * 380_000}) for n in range(9)))
    source = open_source(ExperimentsSettings(
        source=f"dynamodb://{name}", dynamodb={"endpoint": tables.address}))  # fmt: skip
    source.close()
    table = open_table(tables, name)
    assert tell(table) == {f"e{n}": 1e6 * (1 + n) for n in range(9)}
    assert [one.time for one in take(table).experiments] == [BEGIN + 60 * n for n in range(9)]
    assert table.counts.items == 18, "a table without a time key is read whole again"
    assert table.counts.capacity_units > 0
    table.close()


def test_small_budgets_make_many_small_pages(tables: Tables) -> None:
    name, clock = tables.make(), Clock()
    tables.put(name, *(write_attributes(n) for n in range(60)))
    table = open_table(tables, name, clock=clock, capacity_units_per_minute=2.0)
    begin = clock.now
    assert table.read(1.0) is None, "a part is not given"
    assert len(tell(table)) == 60
    assert table.counts.items == 60, "each item once"
    assert table.counts.capacity_units <= 2.0 * ((clock.now - begin) / 60 + 1)
    table.close()


def test_a_table_that_is_empty_is_whole(tables: Tables) -> None:
    table = open_table(tables, tables.make())
    assert tell(table) == {}
    table.close()


@pytest.mark.parametrize("keys", ["run:S timestamp:N", "run:N at.time:S", "run:B"])
def test_keys_of_any_kind_are_ids(tables: Tables, keys: str) -> None:
    name = tables.make(keys)
    values: dict[str, Attributes] = {
        "run:S": {"S": "a/b"},
        "run:N": {"N": "7"},
        "run:B": {"B": b"\x01"},
    }
    run = values[keys.split(maxsplit=1)[0]]
    extra = {"at.time": {"S": "x"}} if "at.time" in keys else {}
    tables.put(name, write_attributes(1, run=run, id=None, **extra))
    table = open_table(tables, name)
    assert list(tell(table)) == [
        {"S": f"a%2Fb/{BEGIN + 60}", "N": "7/x", "B": "01"}[next(iter(run))]
    ]
    table.close()


def test_ids_that_come_twice_are_one(tables: Tables) -> None:
    name = tables.make()
    for number in range(4):
        tables.put(name, write_attributes(number, 1 + number, run={"S": f"r{number % 2}"}))
    table = open_table(tables, name, item={"id": "run"})
    assert tell(table) == {"r0": 3e6, "r1": 4e6}
    assert take(table).skipped == {"duplicate": 2}
    table.close()


TIMES = {
    "index": ("id:S", "kind:S timestamp:S", "ALL", {"time_index": "by-time"}),
    "thin index": ("id:S", "kind:S timestamp:S", ["status"], {"time_index": "by-time"}),
    "table": ("kind:S timestamp:S", "", "ALL", {}),
}


@pytest.mark.parametrize("way", TIMES)
def test_where_a_key_tells_the_time_only_what_is_new_is_read(tables: Tables, way: str) -> None:
    keys, index, projection, settings = TIMES[way]
    name, clock = tables.make(keys, index, projection), Clock()
    clock.now = BEGIN + 60 * 100
    tables.put(name, *(stored(n) for n in range(100)))
    tables.put(name, stored(3, status="running", experiments=None))
    table = open_table(tables, name, clock=clock, time_partition="run", **settings)
    assert len(tell(table)) == 100
    assert table.counts.items == 100
    clock.now += 600
    tables.put(name, stored(105, 2), stored(3, 3))
    whole = {round(one.time - BEGIN) // 60: one.bitrate for one in take(table).experiments}
    assert len(whole) == 101
    assert (whole[3], whole[105]) == (3e6, 2e6)
    assert table.counts.items <= 100 + 2 * 17
    assert whole[3] == 3e6, "what was open is looked at again"
    before = table.counts.items
    take(table)
    assert table.counts.items - before <= 2 * 17, "nothing is open any more"
    table.close()


def test_what_is_deleted_or_changed_later_is_seen_with_everything(tables: Tables) -> None:
    name, clock = tables.make("id:S", "kind:S timestamp:S"), Clock()
    tables.put(name, *(stored(n) for n in range(30)))
    tables.put(name, stored(40, status="running", experiments=None))
    table = open_table(tables, name, clock=clock, time_index="by-time", time_partition="run")
    assert len(tell(table)) == 31
    for key in ("e1", "e40"):
        tables.client.delete_item(TableName=name, Key={"id": {"S": key}})
    tables.put(name, stored(2, 5), stored(41))
    known = tell(table)
    assert {"e1", "e41"} <= set(known), "a finished one is not looked for"
    assert "e40" not in known, "an open one is"
    clock.now += 7 * 3600
    known = tell(table)
    assert "e1" not in known
    assert known["e2"] == 5e6
    table.close()


def reads_everything(table: Table) -> bool:
    return table._everything is not None


def test_what_is_new_is_shown_while_everything_is_read_again(tables: Tables) -> None:
    name, clock = tables.make("id:S", "kind:S timestamp:S"), Clock()
    clock.now = BEGIN + 60.0 * 60
    tables.put(name, *(stored(n) for n in range(60)))
    tables.put(name, stored(59, status="running", experiments=None))
    table = open_table(
        tables, name, clock=clock, time_index="by-time", time_partition="run",
        capacity_units_per_minute=4.0,
    )  # fmt: skip
    assert len(tell(table)) == 60
    clock.now += 7 * 3600
    tables.client.delete_item(TableName=name, Key={"id": {"S": "e1"}})
    while not reads_everything(table):
        assert "e1" in {one.id for one in take(table).experiments}
        table.read(0.0)
        clock.now += 15
    newest = round(clock.now - BEGIN) // 60
    tables.put(name, stored(newest, 5), stored(59, 6))
    seen = 0
    while reads_everything(table):
        whole = table.read(5.0)
        clock.now += 15
        assert whole is not None
        known = {one.id: one.bitrate for one in whole.experiments}
        seen += known.get(f"e{newest}") == 5e6 and known["e59"] == 6e6 and "e1" in known
    assert seen > 2, "long before everything was read"
    known = tell(table)
    assert "e1" not in known
    assert (known["e59"], known[f"e{newest}"], len(known)) == (6e6, 5e6, 60)
    table.close()


def test_a_purge_is_seen_at_once(tables: Tables) -> None:
    name, clock = tables.make("id:S", "kind:S timestamp:S"), Clock()
    clock.now = BEGIN + 60.0 * 30
    tables.put(name, *(stored(n) for n in range(27)))
    table = open_table(tables, name, clock=clock, time_index="by-time", time_partition="run")
    assert len(tell(table)) == 27
    for number in range(27):  # the reading in the middle comes across what goes later
        tables.client.delete_item(TableName=name, Key={"id": {"S": f"e{26 - number}"}})
        if number == 12:
            assert len(tell(table)) == 14
    tables.put(name, stored(29, 9.0))
    assert tell(table) == {"e29": 9e6}
    tables.put(name, stored(30, 8.0, status="running"))
    take(table)
    for number in (29, 30):
        tables.client.delete_item(TableName=name, Key={"id": {"S": f"e{number}"}})
    assert tell(table) == {}
    before = table.counts.items
    assert tell(table) == {}
    assert table.counts.items == before
    table.close()


def test_one_that_runs_and_is_replaced_is_no_purge(tables: Tables) -> None:
    name, clock = tables.make("id:S", "kind:S timestamp:S"), Clock()
    clock.now = BEGIN + 60.0 * 100
    tables.put(name, *(stored(n) for n in range(40)))
    tables.put(name, stored(100, status="running", experiments=None))
    table = open_table(tables, name, clock=clock, time_index="by-time", time_partition="run")
    assert len(tell(table)) == 41
    before = table.counts.items
    tables.client.delete_item(TableName=name, Key={"id": {"S": "e100"}})
    tables.put(name, stored(99, 3))
    assert tell(table)["e99"] == 3e6
    assert table.counts.items - before < 5
    table.close()


def test_an_item_that_goes_bad_is_left_out_once(tables: Tables) -> None:
    name, clock = tables.make("id:S", "kind:S timestamp:S"), Clock()
    clock.now = BEGIN + 60 * 11.0
    tables.put(name, stored(9), stored(10, status="running"), stored(11, "none"))
    table = open_table(tables, name, clock=clock, time_index="by-time", time_partition="run")
    assert (set(tell(table)), take(table).skipped) == ({"e9", "e10"}, {"number": 1})
    tables.put(name, stored(10, experiments={"S": "{"}))
    for _ in range(3):
        assert set(tell(table)) == {"e9"}
        assert take(table).skipped == {"number": 1, "json": 1}
    tables.put(name, stored(10, 3), stored(11, 4))
    assert (set(tell(table)), take(table).skipped) == ({"e9", "e10", "e11"}, {})
    table.close()


def test_a_time_ahead_of_the_clock_hides_nothing(tables: Tables) -> None:
    name, clock = tables.make("id:S", "kind:S timestamp:S"), Clock()
    clock.now = BEGIN + 60.0 * 10
    tables.put(name, stored(1), stored(1000))
    table = open_table(tables, name, clock=clock, time_index="by-time", time_partition="run")
    assert set(tell(table)) == {"e1", "e1000"}
    tables.put(name, stored(11))
    assert set(tell(table)) == {"e1", "e11", "e1000"}
    table.close()


@pytest.mark.parametrize(
    ("settings", "reason", "words"),
    [
        ({"time_index": "other", "time_partition": "run"}, "absent", "index"),
        ({"time_partition": "run"}, "invalid", "sort key"),
    ],
)
def test_a_time_key_that_there_is_not_is_said(
    tables: Tables, settings: dict[str, Any], reason: str, words: str
) -> None:
    name = tables.make("id:S", "kind:S timestamp:S")
    table = open_table(tables, name, **settings)
    with pytest.raises(SourceError, match=words) as failed:
        table.read(10.0)
    assert failed.value.reason == reason
    table.close()


def test_a_table_that_is_missing_comes(tables: Tables) -> None:
    name, clock = tables.make(), Clock()
    tables.client.delete_table(TableName=name)
    table = open_table(tables, name, clock=clock)
    for _ in range(2):
        clock.now += 60
        with pytest.raises(SourceError, match="does not exist") as failed:
            table.read(10.0)
        assert failed.value.reason == "absent"
        assert name not in failed.value.detail
    tables._made.remove(name)
    other = tables.make()
    assert other == name
    tables.put(other, write_attributes(1))
    clock.now += 60
    assert list(tell(table)) == ["e1"]
    table.close()


def test_a_role_is_taken_on(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", tables.address)
    name, clock = tables.make(), Clock()
    clock.now = datetime.now(UTC).timestamp()
    tables.put(name, write_attributes(1))
    table = open_table(tables, name, clock=clock, role_arn="arn:aws:iam::123456789012:role/reader")
    assert list(tell(table)) == ["e1"]
    first = table._opened
    take(table)
    assert table._opened is first
    clock.now += 3600
    take(table)
    assert table._opened is not first, "it is taken on anew before it ends"
    table.close()


@pytest.fixture
def dynalite(aws: None) -> Iterator[Tables]:  # noqa: ARG001  # it sets the environment
    """Tables of another engine, which the variable DYNALITE names or PATH has."""
    program = os.environ.get("DYNALITE") or shutil.which("dynalite")
    if program is None:
        pytest.skip("dynalite is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--createTableMs", "0", "--deleteTableMs", "0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(lambda: _listens(port), what="dynalite")
        made = Tables(f"http://127.0.0.1:{port}")
        yield made
        made.close()
    finally:
        server.terminate()
        server.wait()


def _is_active(tables: Tables, name: str) -> bool:
    found: str = tables.client.describe_table(TableName=name)["Table"]["TableStatus"]
    return found == "ACTIVE"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_another_engine_reads_alike(dynalite: Tables) -> None:
    name, clock = dynalite.make("id:S", "kind:S timestamp:S"), Clock()
    wait_until(lambda: _is_active(dynalite, name), what="the table")
    dynalite.put(name, *(stored(n, 1 + n, notes={"S": "x" * 300_000}) for n in range(12)))
    dynalite.put(name, stored(20, "bad"), stored(21, experiments={"S": json.dumps([])}))
    whole = open_table(dynalite, name, clock=clock)
    assert tell(whole) == {f"e{n}": 1e6 * (1 + n) for n in range(12)}
    assert take(whole).skipped == {"number": 1, "missing": 1}
    assert whole.counts.capacity_units > 2 * 12 * 36
    newer = open_table(dynalite, name, clock=clock, time_index="by-time", time_partition="run")
    assert tell(newer) == tell(whole)
    dynalite.put(name, stored(30, 2))
    before = newer.counts.items
    assert tell(newer)["e30"] == 2e6
    assert newer.counts.items - before < 6
    whole.close()
    newer.close()
