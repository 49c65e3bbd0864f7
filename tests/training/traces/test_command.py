"""``panewatch trace``: what it prints, of whatever is given to it."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from panewatch.cli import main
from panewatch.training.traces.reading import TraceError, read_trace
from training.traces.forge import kernel, profile, span, step, wait, write

RECORDED = Path(__file__).parent / "recorded"


def test_text_has_steps_shares_tables_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--top", "3", str(RECORDED / "cnn_loader.json.gz")]) == 0
    out = capsys.readouterr().out
    assert "  2 steps: median " in out
    assert "    data_wait " in out
    assert out.count("\n      ") >= 4  # three rows and what they leave out
    assert "  other\n" in out
    assert "  data_bound: " in out
    assert "num_workers" in out


def test_json_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(RECORDED / "mlp.json.gz")
    assert main(["trace", "--output", "json", file]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["slowest"] is None
    assert told["traces"][0]["file"] == file
    assert len(told["traces"][0]["operators"]) == 11
    assert {share["part"] for share in told["traces"][0]["shares"]} == {
        "data_wait", "compute", "memcpy", "idle", "other"}  # fmt: skip


def make_rank(path: Path, rank: int, communicating: int) -> Path:
    return write(path, [
        step(1, 0, 1000), kernel("gemm", 0, 1000 - communicating),
        kernel("ncclDevKernel_AllReduce", 1000 - communicating, communicating),
    ], distributedInfo={"rank": rank, "world_size": 2},
       deviceProperties=[{"id": 0, "name": "NVIDIA H100"}])  # fmt: skip


def test_the_slowest_rank_is_the_one_that_waits_least_for_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [make_rank(tmp_path / "a.json", 0, 400), make_rank(tmp_path / "b.json", 1, 50)]
    assert main(["trace", *map(str, files)]) == 0
    out = capsys.readouterr().out
    assert "a.json (rank 0 of 2, NVIDIA H100)\n" in out
    assert f"slowest: rank 1 ({files[1]}), 950 µs per step without communication" in out


@pytest.mark.parametrize(
    ("name", "rank"),
    [("run-rank3.17.trace.json", 3), ("rank_12.json", 12), ("rank-7.json", 7),
     ("frank3.json", None),
     ("trace.json", None), ("rank1234567.json", None)],
)  # fmt: skip
def test_the_name_of_a_file_tells_its_rank(tmp_path: Path, name: str, rank: int | None) -> None:
    assert read_trace(write(tmp_path / name, [span("a", 0, 1)])).rank == rank


def test_what_a_trace_says_of_its_rank_goes_over_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "rank3.json", [span("a", 0, 1)], distributedInfo={"rank": 5})
    assert read_trace(path).rank == 5


def test_what_cannot_be_read_is_named_and_the_rest_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    (tmp_path / "empty").touch()
    (tmp_path / "text\x1b[31m").write_text("Traceback (most recent call last):")
    (tmp_path / "none").write_text('{"traceEvents": []}')
    bad = ["pipe", "socket", "empty", "text\x1b[31m", "none", "absent", ".", "nul\0"]
    good = write(tmp_path / "good", [span("aten::mm", 0, 1)])
    assert main(["trace", *(str(tmp_path / name) for name in bad), str(good)]) == 1
    out, err = capsys.readouterr()
    assert "aten::mm" in out
    assert [line.partition(": ")[2] for line in err.splitlines()] == [
        "is no plain file",
        "is no plain file",
        "is empty",
        "is no JSON: it begins with neither { nor [",
        "has no event of a profiler",
        "cannot be read: No such file or directory",
        "is no plain file",
        "cannot be read: no file can have such a name",
    ]
    assert "\x1b" not in err


def test_a_cut_trace_is_told_as_a_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (RECORDED / "cnn_workers.json.gz").read_bytes()
    (tmp_path / "cut.json.gz").write_bytes(whole[: len(whole) // 2])
    assert main(["trace", str(tmp_path / "cut.json.gz")]) == 0
    assert "the trace ends in the middle" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--top", "0", "x"], ["--output", "xml", "x"]])
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["trace", *arguments])
    assert ended.value.code == 2


def test_names_reach_no_terminal_with_what_would_drive_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a\x1b]0;title\x07\n\x9b31m\u202eb" + "x" * 10_000
    write(tmp_path / "trace.json", [step(1, 0, 10), span(name, 0, 10)])
    assert main(["trace", str(tmp_path / "trace.json")]) == 0
    out = capsys.readouterr().out
    assert all(line.isprintable() for line in out.splitlines())
    assert max(map(len, out.splitlines())) < 250


@pytest.mark.parametrize(
    "wrong",
    [{"dur": -1}, {"ts": 1e308}, {"ts": "now"}, {"dur": float("nan")}, {"dur": float("inf")},
     {"ts": None}, {"dur": 1e300}, {"dur": "nan"}],
)  # fmt: skip
def test_events_whose_times_make_no_sense_are_counted(
    tmp_path: Path, wrong: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    found = profile(tmp_path, span("good", 0, 10), span("bad", 0, 10) | wrong, wait(0, 5))
    assert (found.events, found.skipped) == (2, 1)
    assert {row.name for row in found.operators} == {"good", wait(0, 5)["name"]}
    main(["trace", str(tmp_path / "trace.json")])
    assert "1 events make no sense" in capsys.readouterr().out


def test_a_trace_of_nothing_but_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError) as refused:
        profile(tmp_path, span("bad", 0, -1))
    assert refused.value.reason == "no_events"


def test_a_file_that_goes_away_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    from panewatch.training.traces.source import Source

    path = tmp_path / "trace.json.gz"
    shutil.copy(RECORDED / "mlp.json.gz", path)
    with Source(path) as source:
        path.unlink()
        assert b"traceEvents" in b"".join(source.read())
