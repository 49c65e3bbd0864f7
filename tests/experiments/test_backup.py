"""A backup is whole, or it is none."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panewatch.experiments.stores.backup import Backup, BackupError, Origin, check_backup
from panewatch.experiments.stores.backup_writing import make_folder, name_backup, write_backup

TABLE = Origin("table", "dynamodb://runs", {"id": "S"})
RECORDS = [b'{"id": {"S": "a"}}', b'{"id": {"S": "b"}}', b'{"count": {"N": "1"}}']


def ignore(_count: int) -> None:
    """Take no note."""


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, records: list[bytes] | None = None) -> Backup:
    return write_backup(path, TABLE, RECORDS if records is None else records, ignore)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    counts: list[int] = []
    path = tmp_path / "backup.jsonl.gz"
    written = write_backup(path, TABLE, RECORDS, counts.append)
    assert counts == [1, 2, 3]
    assert check_backup(path) == written
    assert (written.count, written.origin) == (3, TABLE)
    assert list(written.read()) == RECORDS
    assert path.stat().st_mode & 0o777 == 0o600
    assert list_names(tmp_path) == ["backup.jsonl.gz"]


def test_nothing_is_a_backup_too(tmp_path: Path) -> None:
    empty = write(tmp_path / "backup", [])
    assert (empty.count, list(empty.read())) == (0, [])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b""))))
def test_records_are_any_lines(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes]
) -> None:
    assert list(write(tmp_path_factory.mktemp("any") / "backup", records).read()) == records


def test_cut_anywhere_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "backup"
    write(path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BackupError):
            check_backup(path)


def test_no_changed_byte_changes_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "backup"
    written = write(path)
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        for flip in (1, 0x80):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            try:
                assert check_backup(path) == written
                assert list(written.read()) == RECORDS
            except BackupError:
                refused += 1
    # Gzip's own header says when and where it was packed, which nobody needs.
    assert refused > 2 * (len(whole) - 10)


def pack(path: Path, *lines: bytes) -> None:
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))


def test_what_is_not_consistent_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "backup"
    write(path)
    header, *records, last = gzip.decompress(path.read_bytes()).splitlines()
    for lines, told in {
        (header, *records[:-1], last): "last line",
        (header, *records, records[0], last): "last line",
        (header, *records): "last line",
        (header, *records, last, last): "last line",
        (header, *records, json.dumps({"count": 3}).encode()): "last line",
        (*records, last): "first line",
        (): "first line",
        (b"[" * 100_000,): "first line",
        (header.replace(b": 1,", b": 2,"), *records, last): "version 2",
        (header.replace(b'"table"', b'"cellar"'), *records, last): "first line",
        (header.replace(b'"S"', b"1"), *records, last): "first line",
    }.items():
        pack(path, *lines)
        with pytest.raises(BackupError, match=told):
            check_backup(path)
    pack(path, header, *records, last)
    assert check_backup(path).count == 3
    path.write_bytes(path.read_bytes() + gzip.compress(b"more\n"))
    with pytest.raises(BackupError, match="last line"):
        check_backup(path)


def test_what_is_no_file_of_gzip_is_refused(tmp_path: Path) -> None:
    for name, told in {"absent": "No such file", "text": "damaged", "folder": "directory"}.items():
        path = tmp_path / name
        if name == "text":
            path.write_text("hello")
        elif name == "folder":
            path.mkdir()
        with pytest.raises(BackupError, match=told):
            check_backup(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BackupError):  # and does not wait for a writer
        check_backup(tmp_path / "pipe")


def test_what_is_unpacked_has_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    with gzip.open(path, "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(BackupError):
            check_backup(path)
        assert tracemalloc.get_traced_memory()[1] < 48 << 20
    finally:
        tracemalloc.stop()


def test_memory_is_flat(tmp_path: Path) -> None:
    def make() -> Iterator[bytes]:
        for number in range(8000):
            yield b"%d" % number + bytes(1000).replace(b"\0", b"x")

    tracemalloc.start()
    try:
        backup = write_backup(tmp_path / "backup", TABLE, make(), ignore)
        assert sum(1 for _ in backup.read()) == 8000
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_it_is_never_written_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "backup"
    path.write_text("mine")
    with pytest.raises(BackupError, match="already"):
        write(path)
    assert path.read_text() == "mine"
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    with pytest.raises(BackupError, match="already"):
        write(link)
    assert list_names(tmp_path) == ["backup", "link"]


def test_a_file_that_comes_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "backup"

    def make() -> Iterator[bytes]:
        yield b"{}"
        path.write_text("theirs")

    with pytest.raises(BackupError):
        write_backup(path, TABLE, make(), ignore)
    assert path.read_text() == "theirs"
    assert list_names(tmp_path) == ["backup"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, MemoryError])
def test_what_is_interrupted_leaves_nothing(tmp_path: Path, end: type[BaseException]) -> None:
    def make() -> Iterator[bytes]:
        yield b"{}"
        raise end

    with pytest.raises(end):
        write_backup(tmp_path / "backup", TABLE, make(), ignore)
    assert list_names(tmp_path) == []


def test_without_hard_links_it_is_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert write(tmp_path / "backup").count == 3
    assert list_names(tmp_path) == ["backup"]
    with pytest.raises(BackupError, match="already"):
        write(tmp_path / "backup")


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "runs.jsonl"
    source.write_bytes(b"".join(os.urandom(500).hex().encode() + b"\n" for _ in range(200)))
    target = tmp_path / "target"
    target.mkdir()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    command = ("experiments", "backup", "--source", str(source), str(target / "backup"))
    ended = subprocess.run(
        (sys.executable, "-m", "panewatch", *command), capture_output=True, text=True, timeout=30,
        check=False, preexec_fn=limit, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert ended.returncode == 1
    assert "File too large" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list_names(target) == []


def test_the_file_has_a_plain_name(tmp_path: Path) -> None:
    assert name_backup("runs", tmp_path).match("runs-20*T*Z.jsonl.gz")
    assert name_backup("../a b\x1b\n", tmp_path).parent == tmp_path
    assert name_backup("../a b\x1b\n", tmp_path).name.startswith("_a_b__-")
    assert name_backup("...", tmp_path).name.startswith("experiments-")


def test_the_folder_is_nobody_elses(tmp_path: Path) -> None:
    folder = make_folder({"XDG_STATE_HOME": str(tmp_path)})
    assert folder == tmp_path / "panewatch/backups"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert make_folder({"HOME": str(tmp_path)}) == tmp_path / ".local/state/panewatch/backups"
    with pytest.raises(BackupError, match="name a FILE"):
        make_folder({})
    (tmp_path / "file").touch()
    with pytest.raises(BackupError, match="Not a directory"):
        make_folder({"XDG_STATE_HOME": str(tmp_path / "file")})
