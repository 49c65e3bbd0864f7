"""`panewatch screen`: what a recorded screen says."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from panes.screens.recordings import load_book, load_recordings
from panewatch.cli import main

CORPORA = Path(__file__).parents[4] / "shared" / "corpora"

WORKING = """\
\x1b[1m✶ Foo…\x1b[0m (3s · ↓ 1k tokens)\r
  ⎿  ☐ one\r
     ☒ two\r
────────────
❯
────────────
  ? for shortcuts
"""


def read(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["screen", "--output", "jsonl", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_objects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "screen.txt"
    file.write_text(WORKING, encoding="utf8")
    assert read(capsys, str(file)) == [
        {
            "file": str(file),
            "state": "working",
            "agent": "claude",
            "program": "claude",
            "wait_kind": "",
            "tasks": {"pending": 1, "in_progress": 0, "done": 1},
        }
    ]


def test_text_of_the_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"x\n[sudo] password for dev: "))
    monkeypatch.setattr("sys.stdin", stream)
    assert main(["screen", "-"]) == 0
    assert capsys.readouterr().out == "-: waiting_input for password (prompts)\n"


def test_the_process_may_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "screen.txt"
    file.write_text("just some text\n")
    assert [read(capsys, str(file))[0]["state"]] == ["unknown"]
    assert [read(capsys, "--process", "less", str(file))[0]["state"]] == ["waiting_input"]


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["screen", f"{tmp_path}/none"]) == 1
    assert "No such file" in capsys.readouterr().err


@pytest.mark.skipif(not CORPORA.exists(), reason=f"no corpora at {CORPORA.name}")
def test_screens_with_known_answers(capsys: pytest.CaptureFixture[str]) -> None:
    lines = (CORPORA / "labels" / "screens.jsonl").read_text().splitlines()
    labels = [json.loads(line) for line in lines]
    labels = [label for label in labels if (CORPORA / label["file"]).exists()]
    told = read(capsys, *(os.fspath(CORPORA / label["file"]) for label in labels))
    right = [
        (one["state"], one["agent"]) == (label["state"], label["agent"])
        for label, one in zip(labels, told, strict=True)
    ]
    assert sum(right) >= 0.97 * len(labels)


def test_recordings_are_enough() -> None:
    assert len(load_recordings()) > 100
    assert len(load_book().packs) > 15
