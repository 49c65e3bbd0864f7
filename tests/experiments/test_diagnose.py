"""What `panewatch diagnose` says of experiments: what was read, or why not."""

from __future__ import annotations

import json
import threading
from functools import partial
from pathlib import Path

import pytest

from experiments.canned import CannedSource
from experiments.courses import BEGIN
from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.experiments import diagnose as module
from panewatch.experiments.diagnose import diagnose
from panewatch.experiments.reader import SourceReader
from panewatch.experiments.source import SourceError


def look(source: object = None) -> Finding:
    config = Config() if source is None else Config.model_validate(
        {"experiments": {"source": str(source)}}
    )  # fmt: skip
    (finding,) = diagnose(config)
    return finding


def write(file: Path, *bitrates: object) -> None:
    lines = [
        {
            "status": "completed", "timestamp": BEGIN + number,
            "experiments": [{"real_metrics": {"bitrate_mbps": bitrate}}],
        }
        for number, bitrate in enumerate(bitrates)
    ]  # fmt: skip
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_without_a_source_it_says_how_to_set_one() -> None:
    detail = "no source is set, so no experiments; experiments.source names one"
    assert look() == Finding("experiments", ok=True, detail=detail)


def test_a_file(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", 9, "much", 8, -1, 7)
    found = look(tmp_path / "a.jsonl")
    assert found.ok
    assert found.detail == (
        "5 items in the file, 2 left out (2 number), 3 completed, verdict continue (improving): "
        "3 results, the best 7 Mbps, and they get better. Go on."
    )


def test_a_directory(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", 9)
    write(tmp_path / "b.jsonl", 8)
    assert look(tmp_path).detail.startswith("2 items in the directory, 2 completed, ")


def test_a_path_that_hangs_is_only_asked_for_by_the_thread_that_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = []

    def hang(_: Path) -> bool:
        threads.append(threading.current_thread())
        raise SourceError("timeout", "a mount that does not answer")

    monkeypatch.setattr(Path, "is_dir", hang)
    monkeypatch.setattr(Path, "stat", hang)
    assert look("/dead/mount").detail == "timeout: a mount that does not answer"
    assert threading.main_thread() not in threads


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    found = look(tmp_path / "nothing.jsonl")
    assert (found.ok, found.detail) == (False, "absent: there is no such file or directory")


class TestOtherSources:
    @pytest.fixture
    def source(self, monkeypatch: pytest.MonkeyPatch) -> CannedSource:
        made = CannedSource()
        monkeypatch.setattr(module, "SourceReader", partial(SourceReader, open_it=lambda _: made))
        monkeypatch.setattr(module, "_SECONDS", 0.2)
        return made

    def test_one_that_is_long(self, source: CannedSource) -> None:
        found = look("dynamodb://experiments")
        items = source.counts.items
        assert items >= 10
        assert (found.ok, found.detail) == (
            True, f"{items} items of the table in 0 s, more to be read",
        )  # fmt: skip
        assert source.closed

    def test_one_that_hangs(self, source: CannedSource, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.1)
        source.open_gate.clear()
        found = look("dynamodb://experiments")
        assert (found.ok, found.detail) == (False, "timeout: the source does not answer")
        source.open_gate.set()
