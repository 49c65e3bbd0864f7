"""What goes wrong with tables of experiments: faults 37 to 39, from the table to the series."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from experiments.canned import Exporter, find_verdict, read_values
from experiments.stub import Answer, Stub, refuse
from experiments.tables import BEGIN, Clock, write_attributes
from panewatch.collector import SourceUnavailable
from panewatch.experiments.collector import ExperimentsCollector
from panewatch.experiments.dynamodb.table import Table
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import FAILURES
from panewatch.exposition import render

ROOT = Path(__file__).resolve().parents[2]
SECRET = "arn:aws:iam::123456789012:role/canary AKIACANARYKEY0000001 canary-secret"  # noqa: S105 - it is looked for, and opens nothing


class Watched:
    """A collector of a table in a stub; time passes only where the test says so."""

    def __init__(self, address: str) -> None:
        self.clock = Clock()
        self.config = Exporter.make_config(
            source="dynamodb://secret-table",
            dynamodb={"endpoint": address, "capacity_units_per_minute": 1e6},
        )
        self.collector = ExperimentsCollector(self.config, self._open, self.clock, self.clock)
        self.text = ""
        self.failure: Exception | None = None

    def _open(self, settings: ExperimentsSettings) -> Table:
        return Table(
            "secret-table", settings.dynamodb, settings.item,
            clock=self.clock, monotonic=self.clock, sleep=self.clock.sleep,
        )  # fmt: skip

    def look(self) -> dict[str, float]:
        self.text, self.failure = "", None
        try:
            for family in self.collector.collect():
                self.text += "".join(render(family).text)
        except SourceUnavailable as error:
            self.failure = error
        told = self.text + repr(self.failure)
        assert not [w for w in ("arn:", "AKIA", "canary", "secret", "127.0.0.1") if w in told]
        return read_values(self.text)


@pytest.fixture
def watched(stub: Stub) -> Iterator[Watched]:
    made = Watched(stub.address)
    yield made
    made.collector.stop()


FAULTS = {
    "throttled": refuse("ProvisionedThroughputExceededException", 400, "Scan", SECRET),
    "server": refuse("InternalServerError", 500, "Scan", SECRET),
    "credentials": refuse("ExpiredTokenException", 400, "Scan", SECRET),
    "access": refuse("AccessDeniedException", 400, "Scan", SECRET),
    "absent": refuse("ResourceNotFoundException", 400, "Scan", SECRET),
    "invalid": Answer(SECRET.encode(), operation="Scan"),
}


@pytest.mark.parametrize("reason", FAULTS)
def test_fault_37_a_table_that_fails_is_told_kept_for_a_while_and_read_again(
    stub: Stub, watched: Watched, reason: str
) -> None:
    assert reason in FAILURES
    stub.items = [write_attributes(number, 9 - number) for number in range(3)]
    before = watched.look()
    watched.clock.now += 60
    stub.answers.extend([FAULTS[reason]] * 100)
    values = watched.look()
    failure = watched.failure
    assert failure is not None
    assert values["experiments_source_up"] == 0
    assert values[f'experiments_source_failures_total{{reason="{reason}"}}'] == 1
    last_read = "experiments_source_last_read_timestamp_seconds"
    assert values[last_read] == before[last_read] < watched.clock.now
    assert values["experiments_bitrate_best_bits_per_second"] == 7e6
    watched.clock.now += 900
    assert not [series for series in watched.look() if "bitrate_best" in series]
    stub.answers.clear()
    watched.clock.now += 60
    values = watched.look()
    assert watched.failure is None
    assert (values["experiments_source_up"], find_verdict(values)) == (1, "continue improving")


LARGE = """
import sys
from experiments.tables import Clock, write_attributes
from panewatch.experiments.dynamodb.client import Opened
from panewatch.experiments.dynamodb.table import Table
from panewatch.experiments.settings import DynamoDbSettings, ItemSettings

count, clock, starts = int(sys.argv[1]), Clock(), []

class Client:
    units = 0.0
    def describe_table(self, **_):
        return {"Table": {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}}
    def scan(self, Limit=100, ExclusiveStartKey=None, **_):
        # The last tenth of the table comes while it is read; of ten pages three are empty.
        begin = int(ExclusiveStartKey["id"]["S"]) if ExclusiveStartKey else 0
        starts.append(begin)
        end = min(begin + min(Limit, 100), count)
        empty = begin // 100 % 10 in (3, 6, 9)
        numbers = () if empty else range(begin, end)
        large = {"S": "x" * 400_000} if begin % 10_000 == 0 else {"S": "none"}
        answer = {"Items": [write_attributes(n, 5 + n % 7, error=large, timestamp=1_700_000_000 + n)
                            for n in numbers],
                  "ScannedCount": end - begin,
                  "ConsumedCapacity": {"CapacityUnits": 0.5 * (end - begin)}}
        self.units += 0.5 * (end - begin)
        if end < count:
            answer["LastEvaluatedKey"] = {"id": {"S": str(end)}}
        return answer
    def close(self):
        pass

client = Client()
table = Table("t", DynamoDbSettings(capacity_units_per_minute=count / 10), ItemSettings(),
              opens=lambda _: Opened(client), clock=clock, monotonic=clock, sleep=clock.sleep)
begin, parts = clock.now, 0
while (whole := table.read(1.0)) is None:
    parts += 1
    clock.now += 0.5
assert parts > 1, parts
assert len(starts) == len(set(starts)), "a page was read twice"
minutes = (clock.now - begin) / 60
assert client.units <= count / 10 * (minutes + 1), (client.units, minutes)
with open("/proc/self/status") as file:
    (peak,) = [line.split()[1] for line in file if line.startswith("VmHWM")]
print(sum(1 for _ in whole.experiments), peak)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_fault_38_a_large_table_that_changes_is_read_once_and_in_little_memory() -> None:
    # By hand it was run with 1,000,000; the argument is the number of items.
    paths = f"{ROOT / 'exporter'}:{ROOT / 'tests'}"
    ran = subprocess.run(
        [sys.executable, "-c", LARGE, "20000"], env={"PYTHONPATH": paths},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    read, kilobytes = map(int, ran.stdout.split())
    assert read == 14_000
    assert kilobytes < 200 * 1024


def test_fault_39_malformed_items_are_counted_and_the_others_exact(
    stub: Stub, watched: Watched
) -> None:
    odd: list[tuple[str, dict[str, Any]]] = [
        ("missing", {"experiments": None}),
        ("missing", {"experiments": {"NULL": True}}),
        ("missing", {"status": None}),
        ("time", {"timestamp": {"S": "yesterday"}}),
        ("type", {"experiments": {"M": {"x": {"M": {}}}}}),
        ("type", {"experiments": {"B": "AAAA"}}),
        ("type", {"status": {"SS": ["completed"]}}),
        *(("number", {"experiments": _hold(number)})
          for number in ({"S": "NaN"}, {"N": "1E+130"}, {"N": "9" * 45}, {"N": "abc"})),
    ]  # fmt: skip
    plain = [write_attributes(n, 5 + n % 90 / 10, timestamp=BEGIN + n) for n in range(100, 10_100)]
    named = [
        write_attributes(n, 20 + n, id={"S": name}, timestamp=BEGIN + 20_000)
        for n, name in enumerate(('a"}\nup 0\n', "line\nbreak", "quo'te\\", "canary {{ . }}"))
    ]
    again = [write_attributes(101, 6.1, timestamp=BEGIN + 101)]
    stub.items = [
        *(write_attributes(n, **facts) for n, (_, facts) in enumerate(odd)), *plain, *named, *again
    ]  # fmt: skip
    values = watched.look()
    assert watched.failure is None
    skipped = Counter(reason for reason, _ in odd)
    for reason, count in skipped.items():
        assert values[f'experiments_source_items_skipped{{reason="{reason}"}}'] == count
    assert values['experiments{status="completed"}'] == 10_004
    assert values["experiments_bitrate_best_bits_per_second"] == 5e6
    series = [line.rpartition(" ")[0] for line in watched.text.splitlines() if line[0] != "#"]
    assert len(series) == len(set(series))
    labels = [one for one in series if one.startswith("panewatch_experiment_bitrate_bits")]
    assert len(labels) == 50
    assert sum('"x-' in label for label in labels) == 4
    assert list(text_string_to_metric_families(watched.text))
    assert "up 0" not in watched.text.splitlines()


def _hold(bitrate: dict[str, str]) -> dict[str, Any]:
    return {"L": [{"M": {"real_metrics": {"M": {"bitrate_mbps": bitrate}}}}]}


def test_fault_39_text_of_json_may_hold_what_json_cannot(stub: Stub, watched: Watched) -> None:
    texts = [json.dumps([{"real_metrics": {"bitrate_mbps": float(word)}}]) for word in (
        "nan", "inf", "-inf")]  # fmt: skip
    stub.items = [write_attributes(n, experiments=text) for n, text in enumerate(texts)]
    values = watched.look()
    assert values['experiments_source_items_skipped{reason="number"}'] == 3
    assert find_verdict(values) == "fix left_out"
