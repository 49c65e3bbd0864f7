"""Files of JSON lines: read on as they grow, and anew where they are others."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.tables import BEGIN, write_item
from panewatch.experiments.files import line_file
from panewatch.experiments.files.jsonl import JsonLines
from panewatch.experiments.opening import open_source
from panewatch.experiments.settings import ExperimentsSettings, ItemSettings
from panewatch.experiments.source import SourceError, Whole

NOW = BEGIN + 86_400.0 * 30


def line(number: int, bitrate: Any = 15.04, **others: Any) -> str:
    return json.dumps(write_item(number, bitrate, **others)) + "\n"


def append(path: Path, *texts: str) -> None:
    with path.open("a") as file:
        file.write("".join(texts))


def open_lines(path: Path) -> JsonLines:
    return JsonLines(path, ItemSettings(), clock=lambda: NOW)


def take(source: JsonLines) -> Whole:
    whole = source.read(10.0)
    assert whole is not None
    return whole


def tell(source: JsonLines) -> dict[str, float | None]:
    return {one.id: one.bitrate for one in take(source).experiments}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.jsonl"


def test_a_file_is_read_on(path: Path) -> None:
    path.write_text(line(1) + line(2, 9))
    source = open_lines(path)
    assert tell(source) == {"e1": 15.04e6, "e2": 9e6}
    assert (source.counts.items, source.counts.capacity_units) == (2, 0.0)
    append(path, line(3, 8), line(1, 7))
    assert tell(source) == {"e1": 7e6, "e2": 9e6, "e3": 8e6}
    assert source.counts.items == 4
    assert [one.time for one in take(source).experiments] == [BEGIN + 60 * n for n in (1, 2, 3)]


def test_a_file_that_stays_is_not_read_again(path: Path) -> None:
    path.write_text(line(1))
    source = open_lines(path)
    first, second = take(source), take(source)
    assert (first.version, source.counts.items) == (second.version, 1)
    assert second.time == NOW


def test_the_settings_name_the_file(path: Path) -> None:
    path.write_text(line(1))
    source = open_source(ExperimentsSettings(source=str(path)))
    whole = source.read(10.0)
    assert whole is not None
    assert len(list(whole.experiments)) == 1
    source.close()
    with pytest.raises(ValueError, match="no source"):
        open_source(ExperimentsSettings())


def test_a_line_that_is_half_written_waits(path: Path) -> None:
    text = line(2, 9)
    path.write_text(line(1) + text[:-9])
    source = open_lines(path)
    assert list(tell(source)) == ["e1"]
    append(path, text[-9:-1])
    assert list(tell(source)) == ["e1", "e2"], "an object that is whole needs no end of the line"
    append(path, "\n", line(3, id=None))
    assert list(tell(source)) == ["e1", "e2", "runs-3"]
    assert (take(source).skipped, source.counts.items) == (Counter(), 3)


def test_objects_without_an_end_between_them(path: Path) -> None:
    path.write_text(line(1).strip())
    source = open_lines(path)
    tell(source)
    append(path, line(2).strip())
    assert list(tell(source)) == ["e1", "e2"]


def test_bad_lines_are_counted_and_the_others_read(path: Path) -> None:
    path.write_bytes(
        b"\xef\xbb\xbf" + line(0).encode() + b"nonsense\n\n[1]\n" + b"\xff\xfe\n" + b"\0\0\n"
        + b"[" * 5000 + b"\n" + (line(1, "NaN") + line(2, status=None) + line(3)).encode()
        + b'{"x": ' + b"9" * 5000 + b"}\n" + line(4, timestamp=1).encode() + b"\r\n"
    )  # fmt: skip
    source = open_lines(path)
    assert list(tell(source)) == ["e0", "e3"]
    assert take(source).skipped == {"json": 5, "type": 1, "number": 1, "missing": 1, "time": 1}


def test_a_line_that_is_too_long_is_left_out(path: Path) -> None:
    long = "x" * (5 << 19)
    path.write_text(line(1) + long)
    source = open_lines(path)
    assert list(tell(source)) == ["e1"]
    append(path, long, "\n", line(2))
    assert list(tell(source)) == ["e1", "e2"]
    assert take(source).skipped == {"size": 1}
    largest = line(3, error="x" * 2**20)
    append(path, largest[: 2**19], largest[2**19 :], line(4, error="y" * (2**20 - 300)))
    assert list(tell(source)) == ["e1", "e2", "e4"]
    assert take(source).skipped == {"size": 2}


def test_a_value_that_is_changed_in_place_is_seen(path: Path) -> None:
    path.write_text("".join(line(number) for number in range(9)))
    source = open_lines(path)
    tell(source)
    text = path.read_text()
    with path.open("r+") as file:
        file.write(text.replace(line(5), line(5, 12.34)))
    os.utime(path, ns=(1, 1))
    assert tell(source)["e5"] == 12.34e6


@pytest.mark.parametrize("way", ["cut", "written", "renamed", "same size"])
def test_another_file_is_read_anew(path: Path, way: str) -> None:
    path.write_text(line(1) + line(2))
    source = open_lines(path)
    tell(source)
    if way == "renamed":
        other = path.with_suffix(".new")
        other.write_text(line(1) + line(2) + line(8))
        other.replace(path)
    else:
        texts = {"cut": line(1), "written": line(7) + line(8) + line(9), "same size": line(5) * 2}
        path.write_text(texts[way])
        os.utime(path, ns=(1, 1))
    expected = {"cut": "1", "written": "789", "same size": "5", "renamed": "128"}[way]
    assert list(tell(source)) == [f"e{number}" for number in expected]


def test_a_directory_is_its_files_together(path: Path) -> None:
    first, second = path, path.with_name("more.jsonl")
    first.write_text(line(1) + line(2, id=None))
    second.write_text(line(3) + line(4, id=None))
    path.with_name("notes.txt").write_text(line(5))
    path.with_name(".hidden.jsonl").write_text(line(6))
    source = open_lines(path.parent)
    assert list(tell(source)) == ["e1", "runs-2", "e3", "more-2"]
    append(second, line(1, 2))
    assert tell(source)["e1"] == 2e6
    assert source.counts.items == 5
    second.unlink()
    assert tell(source) == {"e1": 15.04e6, "runs-2": 15.04e6}
    first.unlink()
    assert tell(source) == {}


def test_of_files_the_one_written_last_counts(path: Path) -> None:
    for name, bitrate, at in (("a", 2, 300), ("b", 3, 200), ("c", 4, 100)):
        file = path.with_name(f"{name}.jsonl")
        file.write_text(line(1, bitrate))
        os.utime(file, (at, at))
    assert tell(open_lines(path.parent)) == {"e1": 2e6}


def test_nothing_is_given_before_all_was_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_file, "LONGEST", 1 << 14)
    path.write_text("".join(line(number) for number in range(500)))
    source = JsonLines(path, ItemSettings(), clock=lambda: NOW)
    parts = 0
    while (whole := source.read(0.0)) is None:
        parts += 1
    assert parts > 2
    assert len(list(whole.experiments)) == source.counts.items == 500
    append(path, "".join(line(number) for number in range(500, 1000)))
    assert source.read(0.0) == whole, "the one before, while a later reading is under way"
    while (later := source.read(0.0)) == whole:
        pass
    assert later is not None
    assert len(list(later.experiments)) == source.counts.items == 1000


def test_a_file_replaced_while_it_is_read_is_read_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_file, "LONGEST", 1 << 14)
    path.write_text("".join(line(number) for number in range(500)))
    source = open_lines(path)
    assert source.read(0.0) is None
    path.write_text(line(7))
    assert list(tell(source)) == ["e7"]


def fail(source: JsonLines) -> str:
    with pytest.raises(SourceError) as failed:
        source.read(10.0)
    assert "runs" not in failed.value.detail
    return failed.value.reason


def test_a_file_that_is_absent_comes_goes_and_comes(path: Path) -> None:
    source = open_lines(path)
    assert fail(source) == "absent"
    path.write_text(line(1))
    assert list(tell(source)) == ["e1"]
    path.unlink()
    assert fail(source) == "absent"
    path.write_text(line(1) + line(2))
    assert list(tell(source)) == ["e1", "e2"]


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("kind", ["fifo", "device", "loop", "directory"])
def test_what_is_no_file_is_not_opened(path: Path, kind: str, *, below: bool) -> None:
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        (path if below else path / "x.jsonl").mkdir(parents=True)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    assert fail(open_lines(path.parent if below else path)) == "invalid"


def test_a_link_is_followed_where_it_is_named(path: Path) -> None:
    real = path.with_name("real.txt")
    real.write_text(line(1))
    path.symlink_to(real)
    assert list(tell(open_lines(path))) == ["e1"]
    assert fail(open_lines(path.parent)) == "invalid"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(path: Path) -> None:
    path.write_text(line(1))
    path.chmod(0)
    assert fail(open_lines(path)) == "access"
    assert fail(open_lines(path.parent)) == "access", "a directory without one is not whole"


@pytest.fixture
def descriptors() -> Iterator[None]:
    folder = Path("/proc/self/fd")
    before = len(list(folder.iterdir()))
    yield
    assert len(list(folder.iterdir())) == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
@pytest.mark.usefixtures("descriptors")
def test_no_file_stays_open(path: Path) -> None:
    path.write_text("".join(line(number) for number in range(5000)))
    source = open_lines(path.parent)
    while source.read(0.0) is None:
        pass
    path.write_text(line(1))
    tell(source)
    path.unlink()
    os.mkfifo(path)
    fail(source)
