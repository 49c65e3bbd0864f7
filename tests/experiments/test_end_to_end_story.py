"""The story that experiments are watched for, through a real exporter of a file, and of a table.

Every run gave 15.04 Mbps, as the generated code was never executed; after a purge the search goes
on and reaches its goal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.canned import find_verdict, read_values
from experiments.tables import Tables, write_attributes
from panewatch.config import Config
from panewatch.experiments.collector import ExperimentsCollector
from panewatch.exposition import render
from polling import wait_until
from runner.programs import PANEWATCH, Exporter, get, panewatch

FALLING = (13.1, 11.9, 12.4, 9.8, 9.1, 9.6, 7.4, 6.9, 4.8, 3.1, 1.7, 0.94)
SECRET = "AKIAIOSFODNN7EXAMPLE"  # noqa: S105 - of nobody
OTHERS = (
    "panes", "errors", "training", "profiles", "repositories", "gpu", "attribution", "host",
    "process",
)  # fmt: skip


class Search:
    """A search loop that appends what it finds to a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._number = 0
        self._begin = time.time() - 6 * 3600
        file.touch()

    def store(self, bitrate: float) -> None:
        self._number += 1
        real = {"real_metrics": {"bitrate_mbps": bitrate, "psnr_db": 38.5}}
        item = {
            "id": f"run {self._number} of {SECRET}",
            "status": "completed",
            "timestamp": self._begin + 300 * self._number,
            "experiments": json.dumps([real, {"real_metrics": {"bitrate_mbps": 0.1}}]),
            "prompt": SECRET,
        }
        with self.file.open("a") as file:
            file.write(json.dumps(item) + "\n")

    def purge(self) -> None:
        self.file.write_text("")


class Watch:
    """An exporter of one file."""

    def __init__(self, folder: Path) -> None:
        self.search = Search(folder / "runs.jsonl")
        self.settings = folder / "panewatch.yml"
        collectors: dict[str, object] = {name: {"enabled": False} for name in OTHERS}
        collectors["experiments"] = {"interval": 0.1}
        self.settings.write_text(
            json.dumps(
                {
                    "web": {"listen_address": "127.0.0.1:0"},
                    "collectors": collectors,
                    "experiments": {"source": str(self.search.file)},
                }
            )
        )
        self.exporter = Exporter((*PANEWATCH, "--config.file", str(self.settings)), folder)
        self.port = self.exporter.find_port()

    def read(self) -> dict[str, float]:
        return read_values(get(self.port)[1])

    def wait_for(self, completed: int) -> dict[str, float]:
        """Wait until so many experiments are shown; give all series."""

        def look() -> dict[str, float]:
            values = self.read()
            return values if values.get('experiments{status="completed"}') == completed else {}

        return wait_until(look, 20, f"{completed} completed")


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    watching = Watch(tmp_path)
    yield watching
    watching.exporter.kill()


def test_yesterday_and_today(watch: Watch) -> None:
    for _ in range(26):
        watch.search.store(15.04)
    values = watch.wait_for(26)
    assert find_verdict(values) == "restart identical"
    assert values["experiments_bitrate_best_bits_per_second"] == 15.04e6
    assert values["experiments_bitrate_unique"] == 1
    told = panewatch("diagnose", "--config.file", str(watch.settings))
    assert (
        "ok     experiments: 26 items in the file, 26 completed, verdict restart (identical): "
        "26 results, all 15.04 Mbps: the generated code is probably not executed."
    ) in told.stdout

    watch.search.purge()
    assert find_verdict(watch.wait_for(0)) == "continue waiting"

    verdicts = []
    for number, bitrate in enumerate(FALLING, 1):
        watch.search.store(bitrate)
        values = watch.wait_for(number)
        verdicts.append(find_verdict(values))
        assert values["experiments_completed_total"] == 26 + number
    assert verdicts == [
        *["continue early"] * 2, *["continue improving"] * 9, "reached goal",
    ]  # fmt: skip
    assert values["experiments_bitrate_best_bits_per_second"] == 0.94e6
    assert values["experiments_bitrate_unique"] == 12
    assert values["experiments_bitrate_trend_bits_per_second"] < -0.5e6

    watch.search.file.unlink()
    wait_until(lambda: watch.read()["experiments_source_up"] == 0)
    values = watch.read()
    assert find_verdict(values) == "reached goal"
    assert values['experiments_source_failures_total{reason="absent"}'] >= 1
    assert values['collector_success{collector="experiments"}'] == 0

    text = get(watch.port)[1] + watch.exporter.log + told.stdout + told.stderr
    assert SECRET not in text
    assert watch.exporter.end() == 0


def test_the_same_in_a_table(tables: Tables) -> None:
    table = tables.make()
    settings = {"source": f"dynamodb://{table}", "dynamodb": {"endpoint": tables.address}}
    collector = ExperimentsCollector(Config.model_validate({"experiments": settings}))

    def look(completed: int) -> str:
        """Wait until so many have completed; give the verdict."""

        def find() -> dict[str, float]:
            parts = (part for family in collector.collect() for part in render(family).text)
            values = read_values("".join(parts))
            return values if values.get('experiments{status="completed"}') == completed else {}

        return find_verdict(wait_until(find, 20, f"{completed} completed"))

    tables.put(table, *(write_attributes(number) for number in range(26)))
    assert look(26) == "restart identical"
    for number in range(26):
        tables.client.delete_item(TableName=table, Key={"id": {"S": f"e{number}"}})
    assert look(0) == "continue waiting"
    tables.put(table, *(write_attributes(100 + n, rate) for n, rate in enumerate(FALLING[:8])))
    assert look(8) == "continue improving"
    tables.put(table, *(write_attributes(200 + n, rate) for n, rate in enumerate(FALLING[8:])))
    assert look(12) == "reached goal"
    collector.stop()
