"""What reading experiments takes: time, memory, and read capacity of DynamoDB.

Every reading has a process of its own. The table is one that `dynamo.py` serves, which charges as
DynamoDB does; capacity is counted over hours that pass as fast as the requests allow.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dynamo
from panewatch.config import Config
from panewatch.experiments.dynamodb.client import Client, open_client
from panewatch.experiments.dynamodb.table import Table
from panewatch.experiments.opening import open_source
from panewatch.experiments.settings import DynamoDbSettings, ExperimentsSettings, ItemSettings
from report import Figure, Report, build_parser, publish

BUDGET_MEGABYTES = 40.0
BUDGET_SHARE = 5.0
NEW = 100
UNLIMITED = 1e6
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1", "NO_PROXY": "127.0.0.1",
}  # fmt: skip


@contextmanager
def serve(count: int, size: int) -> Iterator[str]:
    """Give the address of a table in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, str(Path(dynamo.__file__)), str(count), str(size)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        assert server.stdin is not None
        server.stdin.close()


def write_line(number: int, size: int) -> str:
    """Return the line of a file that says what an item of the table does."""
    item = dynamo.write_item(number, size)
    plain = {name: next(iter(value.values())) for name, value in item.items()}
    return json.dumps(plain) + "\n"


def name_reach(address: str) -> dict[str, Any]:
    """Return the settings by which the table is read."""
    return {"endpoint": address, "time_index": "by-time", "time_partition": "run"}


def read_in_own_process(source: str, address: str, count: int, size: int) -> dict[str, float]:
    """Return what a first reading took, and one after `NEW` more items came."""
    done = subprocess.run(
        [sys.executable, __file__, "--read", source, address, str(count), str(size)],
        stdout=subprocess.PIPE, text=True, check=True, env=os.environ | ENVIRONMENT,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def read_both(source: str, address: str, count: int, size: int) -> dict[str, float]:
    """Read a source, add to it, and read it again; in this process."""
    reach = name_reach(address) if address else {}
    reach["capacity_units_per_minute"] = UNLIMITED
    opened = open_source(ExperimentsSettings(source=source, dynamodb=reach))
    if address:
        open_client(
            DynamoDbSettings(**reach)
        ).client.close()  # what boto3 takes is not the reading's
    base = measure_peak()
    begin, cpu = time.perf_counter(), time.process_time()
    whole = opened.read(3600.0)
    full, full_cpu = time.perf_counter() - begin, time.process_time() - cpu
    assert whole is not None
    assert sum(1 for _ in whole.experiments) == count
    read, peak = opened.counts.items, measure_peak()
    more = range(count, count + NEW)
    if address:
        client: Any = open_client(DynamoDbSettings(**reach)).client
        for number in more:
            client.put_item(TableName="table", Item=dynamo.write_item(number, size))
    else:
        with Path(source).open("a") as file:
            file.writelines(write_line(number, size) for number in more)
    begin, cpu = time.perf_counter(), time.process_time()
    whole = opened.read(3600.0)
    newer, newer_cpu = time.perf_counter() - begin, time.process_time() - cpu
    assert whole is not None
    assert sum(1 for _ in whole.experiments) == count + NEW
    return {
        "full": full, "full_cpu": full_cpu, "newer": newer, "newer_cpu": newer_cpu,
        "items": opened.counts.items - read, "peak": peak - base, "base": base,
    }  # fmt: skip


def measure_peak() -> float:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


class Clock:
    """Hours that pass at once."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def count_units(arguments: argparse.Namespace, *, newer: bool) -> tuple[float, float]:
    """Return the units of an hour while a table grows, and those of one full scan at the end."""
    interval = Config().collectors.experiments.interval
    with serve(arguments.table, arguments.size) as address:
        client: Any = open_client(DynamoDbSettings(endpoint=address)).client
        begin = dynamo.BEGIN + dynamo.MINUTE * float(arguments.table)
        clock, number = Clock(begin), arguments.table
        reach = name_reach(address) if newer else {"endpoint": address}
        table = Table("table", DynamoDbSettings(**reach), ItemSettings(), clock=clock,
                      monotonic=clock, sleep=clock.sleep)  # fmt: skip
        end = begin + 3600.0 * arguments.hours
        first = 0.0
        while clock.now < end:
            started = clock.now
            # Each begins one interval of growth before it is completed.
            if clock.now >= begin + 3600.0 * (number - arguments.table) / arguments.growth:
                put_next(client, number, clock.now, arguments.size)
                number += 1
            whole = table.read(interval)
            first = first or (table.counts.capacity_units if whole else 0.0)
            clock.now = max(clock.now, started + interval)
        assert whole is None or sum(1 for _ in whole.experiments) <= number
        used = table.counts.capacity_units
        table.close()
        client.close()
    return used / arguments.hours, measure_scan(number, arguments.size)


def put_next(client: Client, number: int, now: float, size: int) -> None:
    """Store an experiment that runs, and the result of the one before."""
    for back, status in ((0, "running"), (1, "completed")):
        item = dynamo.write_item(number - back, size, status)
        item["timestamp"]["N"] = str(int(now) - back)
        client.put_item(TableName="table", Item=item)  # type: ignore[attr-defined]  # boto3's has it


def measure_scan(count: int, size: int) -> float:
    """Return what a scan of all items costs in pages of 1 MB."""
    table = dynamo.Table(count, size)
    return dynamo.charge(map(len, table.items))


def run(arguments: argparse.Namespace) -> Report:
    """Read all sizes of both sources, and count the capacity of a growing table."""
    report = Report("experiments")
    for count in arguments.items:
        for source in ("JSON lines", "DynamoDB"):
            found = read_one(source, count, arguments.size)
            report.rows.append({
                "source": source, "items": count,
                "all: items/s of CPU": round(count / found["full_cpu"]),
                "all: ms": round(1000 * found["full"]),
                f"{NEW} more: ms of CPU": round(1000 * found["newer_cpu"], 1),
                f"{NEW} more: ms": round(1000 * found["newer"], 1),
                "items read then": int(found["items"]),
                "peak MB above base": round(found["peak"], 1),
                "base MB": round(found["base"]),
            })  # fmt: skip
    for row in report.rows[-2:]:
        what = f"{row['source']}, {row['items']} items"
        report.figures += [
            Figure(f"{what}: all", float(str(row["all: items/s of CPU"])), "items/s of CPU"),
            Figure(f"{what}: peak memory", float(str(row["peak MB above base"])), "MB",
                   BUDGET_MEGABYTES),
            Figure(f"{what}: {NEW} more", float(str(row[f"{NEW} more: ms of CPU"])), "ms of CPU"),
        ]  # fmt: skip
    interval = Config().collectors.experiments.interval
    for newer, name in ((True, "with a time key"), (False, "without")):
        units, scan = count_units(arguments, newer=newer)
        peer = scan * 3600.0 / interval
        share = 100.0 * units / peer
        report.figures.append(
            Figure(f"{name}: read capacity", units, "units/h", peer="a full scan at every interval",
                   peer_value=peer))  # fmt: skip
        if newer:
            report.figures.append(Figure(f"{name}: share of that scan's", share, "%", BUDGET_SHARE))
    report.notes.append(
        f"Items of {arguments.size} bytes. Capacity: {arguments.table} items at first and "
        f"{arguments.growth} more an hour, one of them running, over {arguments.hours:g} hours at "
        f"default settings, a sample every {interval:g} s."
    )
    return report


def read_one(source: str, count: int, size: int) -> dict[str, float]:
    """Make a source of one kind and have it read."""
    if source == "DynamoDB":
        with serve(count, size) as address:
            return read_in_own_process("dynamodb://table", address, count, size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "experiments.jsonl"
        with path.open("w") as file:
            file.writelines(write_line(number, size) for number in range(count))
        return read_in_own_process(str(path), "", count, size)


def main() -> None:
    """Run it as the command line says."""
    if sys.argv[1:2] == ["--read"]:
        source, address, count, size = sys.argv[2:6]
        print(json.dumps(read_both(source, address, int(count), int(size))))
        return
    parser = build_parser(__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[1000, 10_000, 100_000],
                        help="items of the sources that are read")  # fmt: skip
    parser.add_argument("--size", type=int, default=1000, help="bytes of an item")
    parser.add_argument("--table", type=int, default=1000, help="items of the growing table")
    parser.add_argument("--growth", type=int, default=12, help="more of them in an hour")
    parser.add_argument("--hours", type=float, default=6.5, help="for which it grows")
    arguments = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    publish(run(arguments), as_json=arguments.json)


if __name__ == "__main__":
    main()
