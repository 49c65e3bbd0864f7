"""A service that throttles, refuses, hangs or talks nonsense, and a table that changes."""

from __future__ import annotations

import io
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from experiments.stub import Answer, Stub, refuse
from experiments.tables import Clock, write_attributes
from panewatch.experiments.dynamodb import client as client_module
from panewatch.experiments.dynamodb.table import Table
from panewatch.experiments.settings import DynamoDbSettings, ItemSettings
from panewatch.experiments.source import FAILURES, SourceError, Whole

CANARIES = ("AKIACANARY", "canary", "arn:aws", "123456789012", "secret-table", "127.0.0.1")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(stub: Stub, clock: Clock) -> Iterator[Table]:
    made = open_table(stub.address, clock)
    yield made
    made.close()


def open_table(address: str, clock: Clock, **settings: Any) -> Table:
    given = {"endpoint": address, "capacity_units_per_minute": 1e6} | settings
    return Table(
        "secret-table", DynamoDbSettings(**given), ItemSettings(),
        clock=clock, monotonic=clock, sleep=clock.sleep,
    )  # fmt: skip


def fill(stub: Stub, count: int, page: int = 10) -> None:
    stub.items = [write_attributes(number) for number in range(count)]
    stub.page = page


def tell(whole: Whole | None) -> list[str]:
    assert whole is not None
    return [one.id for one in whole.experiments]


def fail(table: Table, seconds: float = 30.0) -> str:
    with pytest.raises(SourceError) as failed:
        table.read(seconds)
    text = "".join(traceback.format_exception(failed.value))
    assert not [word for word in CANARIES if word in str(failed.value) + failed.value.detail]
    assert "boto" not in text, "no error of another's making is carried along"
    assert failed.value.reason in FAILURES
    return failed.value.reason


def starts(stub: Stub) -> list[int]:
    """Where the pages began that were asked for."""
    return [
        int(body.get("ExclusiveStartKey", {"id": {"S": "0"}})["id"]["S"])
        for operation, body in stub.requests if operation == "Scan"
    ]  # fmt: skip


def test_each_page_once_also_empty_ones(stub: Stub, table: Table) -> None:
    fill(stub, 95)
    stub.items[20:40] = [{} for _ in range(20)]
    assert len(tell(table.read(100.0))) == 75
    assert starts(stub) == sorted(set(starts(stub)))
    assert table.counts.items == 75
    assert table.counts.capacity_units == 37.5


def test_only_what_is_needed_is_asked_for(stub: Stub, table: Table) -> None:
    fill(stub, 1)
    table.read(10.0)
    _, scan = stub.requests[-1]
    assert set(scan["ExpressionAttributeNames"].values()) == {
        "id", "status", "timestamp", "experiments", "validation_failures", "error",
        "human_interventions",
    }  # fmt: skip
    assert scan["ProjectionExpression"].split(", ") == list(scan["ExpressionAttributeNames"])
    assert scan["ReturnConsumedCapacity"] == "TOTAL"
    assert "ConsistentRead" not in scan


def test_throttling_is_waited_out_and_the_reading_goes_on(
    stub: Stub, table: Table, clock: Clock
) -> None:
    fill(stub, 30)
    for _ in range(2):
        stub.answers.append(refuse("ProvisionedThroughputExceededException", operation="Scan"))
    begin = clock.now
    assert len(tell(table.read(100.0))) == 30
    assert clock.now - begin > 0.5, "it waits before it asks again"
    assert starts(stub).count(0) == 3


def test_what_does_not_end_is_tried_seldom(stub: Stub, table: Table, clock: Clock) -> None:
    fill(stub, 30)
    stub.answers.extend(refuse("ThrottlingException", operation="Scan") for _ in range(1000))
    for _ in range(100):
        assert fail(table, 1.0) == "throttled"
        clock.now += 1.0
    assert len(starts(stub)) < 20
    stub.answers.clear()
    clock.now += 60
    assert len(tell(table.read(100.0))) == 30


def test_a_reading_goes_on_at_its_page_after_a_failure(
    stub: Stub, table: Table, clock: Clock
) -> None:
    fill(stub, 50)
    scans = iter(range(100))
    real = stub._scan

    def scan(body: dict[str, Any]) -> dict[str, Any]:
        if next(scans) == 2:
            stub.answers.extend(refuse("InternalServerError", 500) for _ in range(3))
        return real(body)

    stub._scan = scan  # type: ignore[method-assign]
    assert fail(table) == "server"
    clock.now += 60
    assert len(tell(table.read(100.0))) == 50
    found = starts(stub)
    assert found.count(0) == 1
    assert found[-1] == 40
    assert len(found) - len(set(found)) == 3, "only the page that failed was asked for again"
    assert table.counts.items == 50


def test_a_part_is_never_given_and_a_later_reading_hides_nothing(
    stub: Stub, table: Table, clock: Clock
) -> None:
    fill(stub, 30)
    parts = 0
    while (whole := table.read(0.0)) is None:
        parts += 1
    assert parts > 2
    assert len(tell(whole)) == 30
    stub.items = [write_attributes(number) for number in range(100, 125)]
    while (later := table.read(0.0)) is whole:
        assert len(tell(later)) == 30
    assert tell(later) == [f"e{number}" for number in range(100, 125)]
    stub.answers.extend(refuse("InternalServerError", 500) for _ in range(3))
    assert fail(table) == "server"
    assert fail(table, 0.0) == "server", "not before the service has answered again"
    clock.now += 60
    assert table.read(0.0) is later, "one that failed in the middle goes on, and loses nothing"
    stub.answers.append(refuse("ResourceNotFoundException"))
    assert fail(table) == "absent"
    clock.now += 60
    assert table.read(0.0) is None, "of another table nothing is given before all was read"


def test_items_that_change_while_the_table_is_read(stub: Stub, table: Table) -> None:
    fill(stub, 40)
    changes: Iterator[Callable[[], object]] = iter([
        lambda: stub.items.extend(write_attributes(n) for n in range(40, 60)),
        lambda: stub.items.__setitem__(35, write_attributes(35, 2)),
        lambda: stub.items.__setitem__(5, {}),
        lambda: stub.items.__setitem__(45, {}),
    ])  # fmt: skip
    whole = None
    while whole is None:
        whole = table.read(0.0)
        next(changes, dict)()
    found = {one.id: one.bitrate for one in whole.experiments}
    assert len(found) == 59
    assert found["e35"] == 2e6
    assert "e45" not in found
    assert "e5" not in tell(table.read(100.0)), "what was deleted behind is seen the next time"
    assert starts(stub) == [0, 10, 20, 30, 40, 50] * 2


REFUSALS = [
    ("ResourceNotFoundException", 400, "absent"),
    ("AccessDeniedException", 400, "access"),
    ("ExpiredTokenException", 400, "credentials"),
    ("UnrecognizedClientException", 400, "credentials"),
    ("InvalidSignatureException", 400, "credentials"),
    ("RequestLimitExceeded", 400, "throttled"),
    ("SomethingNew", 429, "throttled"),
    ("InternalServerError", 500, "server"),
    ("ServiceUnavailable", 503, "server"),
    ("ValidationException", 400, "invalid"),
    ("SomethingNew", 400, "invalid"),
]


@pytest.mark.parametrize(("code", "status", "reason"), REFUSALS)
def test_refusals(stub: Stub, table: Table, code: str, status: int, reason: str) -> None:
    message = " ".join(CANARIES)
    stub.answers.extend(refuse(code, status, "Scan", message) for _ in range(10))
    assert fail(table) == reason
    if reason in {"absent", "access", "invalid"}:
        assert starts(stub) == [0], "what does not heal by itself is not tried again at once"


NONSENSE = [
    b"<html>a proxy's login</html>", b"", b"{", b"null", b"[]", b"7", b'{"Items": 5}',
    b'{"Items": [5]}', b'{"Items": {"a": 1}}', b'{"Items": [{"id": 7}]}', b"\xff\xfe", b"{}",
    b'{"Items": [], "LastEvaluatedKey": 7}', b'{"Items": [], "LastEvaluatedKey": [1]}',
]  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_is_never_taken_for_an_empty_table(stub: Stub, table: Table, body: bytes) -> None:
    stub.answers.append(Answer(body, operation="Scan"))
    assert fail(table) == "invalid"
    fill(stub, 3)
    assert len(tell(table.read(30.0))) == 3


@pytest.mark.parametrize("body", [b"{}", b'{"Table": 5}', b'{"Table": {"KeySchema": [{}]}}', b"x"])
def test_a_description_that_makes_no_sense(stub: Stub, table: Table, body: bytes) -> None:
    stub.answers.append(Answer(body, operation="DescribeTable"))
    assert fail(table) == "invalid"
    assert tell(table.read(30.0)) == []


def test_a_page_that_follows_itself_ends(stub: Stub, table: Table) -> None:
    page = {"Items": [], "ScannedCount": 0, "LastEvaluatedKey": {"id": {"S": "3"}}}
    stub.answers.extend(Answer(page, operation="Scan") for _ in range(10))
    assert fail(table) == "invalid"
    assert len(starts(stub)) == 2


def test_without_the_right_to_describe_the_key_is_found_and_all_is_read(
    stub: Stub, clock: Clock
) -> None:
    fill(stub, 25)
    for item in stub.items:
        item["id"], item["experiment_id"] = {"S": "k" + item["id"]["S"]}, {"S": "same"}
    stub.answers.append(refuse("AccessDeniedException"))
    table = open_table(stub.address, clock, time_index="by-time", time_partition="run")
    assert tell(table.read(100.0)) == [f"ke{number}" for number in range(25)]
    assert len(tell(table.read(100.0))) == 25
    assert set(stub.operations()) == {"DescribeTable", "Scan"}
    table.close()


def test_expired_credentials_are_read_anew(
    stub: Stub, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(stub, 30)
    renew = lambda: monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACANARYKEY0000002")  # noqa: E731  # a callback
    stub.answers.append(Answer({"__type": "x#ExpiredTokenException"}, 400, "Scan", renew))
    assert len(tell(table.read(100.0))) == 30
    assert list(dict.fromkeys(stub.keys)) == ["AKIACANARYKEY0000001", "AKIACANARYKEY0000002"]


def test_without_credentials_it_says_so_until_there_are_some(
    stub: Stub, table: Table, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert fail(table) == "credentials"
    assert stub.requests == []
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACANARYKEY0000003")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    clock.now += 60
    assert tell(table.read(10.0)) == []


@pytest.mark.parametrize("settings", [{"profile": "canary"}, {}])
def test_a_profile_or_region_that_there_is_not(
    stub: Stub, clock: Clock, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert fail(open_table(stub.address, clock, **settings)) == "credentials"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://canary.invalid:8000"])
def test_nobody_answers(address: str, clock: Clock, aws: None) -> None:  # noqa: ARG001  # it sets the environment
    table = open_table(address, clock)
    assert fail(table) == "unreachable"
    table.close()


def test_an_answer_that_does_not_come_is_not_waited_for(
    stub: Stub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "READ_SECONDS", 0.2)
    ended = threading.Event()
    stub.answers.extend(Answer({}, act=ended.wait) for _ in range(5))
    table = open_table(stub.address, clock)
    assert fail(table, 0.1) == "timeout"
    assert stub.operations() == ["DescribeTable"], "nothing is asked again once the time is up"
    ended.set()
    stub.answers.clear()
    clock.now += 60
    assert tell(table.read(10.0)) == []
    table.close()


def test_nothing_that_boto3_logs_gets_into_the_log(stub: Stub, table: Table) -> None:
    fill(stub, 1)
    table.read(10.0)
    log = io.StringIO()
    heard = logging.StreamHandler(log)  # pytest's own listens to what is kept from the root too
    logging.getLogger().addHandler(heard)
    try:
        for name in ("boto3", "botocore.credentials", "urllib3.connectionpool", "another"):
            logging.getLogger(name).error("said by %s", name)
    finally:
        logging.getLogger().removeHandler(heard)
    assert log.getvalue() == "said by another\n"


def test_costs_that_are_not_told_are_assumed(stub: Stub, clock: Clock) -> None:
    fill(stub, 200, page=1000)
    stub.units = None
    table = open_table(stub.address, clock, capacity_units_per_minute=20.0)
    begin = clock.now
    assert len(tell(table.read(10_000.0))) == 200
    assert table.counts.capacity_units == 0.0
    assert clock.now - begin > 200
    table.close()


def test_hostile_items_are_left_out_and_the_others_are_exact(stub: Stub, table: Table) -> None:
    odd: list[Any] = [
        {"N": "NaN"}, {"N": "9" * 45}, {"N": "1E+130"}, {"NULL": True}, {"B": "AAAA"},
        {"M": {"x": {"NULL": True}}}, {"NS": ["1"]}, {"S": "[" * 9000}, {"BOOL": True},
    ]  # fmt: skip
    stub.items = [
        *(write_attributes(n, experiments=value) for n, value in enumerate(odd)),
        write_attributes(20, 3, id={"S": 'a"}\nup 0\n'}),
        write_attributes(21, 4, id={"S": "ü" * 900}),
        *(write_attributes(n, n, error={"S": f"canary {n}"}) for n in range(30, 530)),
    ]  # fmt: skip
    whole = table.read(100.0)
    assert whole is not None
    assert sum(whole.skipped.values()) == len(odd)
    assert [one.bitrate for one in whole.experiments] == [
        3e6, 4e6, *(n * 1e6 for n in range(30, 530))]  # fmt: skip
    assert len({one.error for one in whole.experiments}) == 2
    assert "canary" not in "".join(map(repr, whole.experiments))
