"""Files are backed up byte for byte, set aside whole, and filled again without a line twice."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panewatch.experiments.settings import ItemSettings
from panewatch.experiments.source import SourceError
from panewatch.experiments.stores import file_removal
from panewatch.experiments.stores.backup import Backup, BackupError
from panewatch.experiments.stores.backup_writing import write_backup
from panewatch.experiments.stores.file_store import FileStore
from panewatch.experiments.stores.purge import Purged, purge
from panewatch.experiments.stores.raw_lines import PIECE, Piece, parse_record, write_record
from panewatch.experiments.stores.restore import OccupiedError, restore
from panewatch.experiments.stores.store import Filling

LINES: Final = (
    b'{"id": "a", "n": 1}\n',
    b'{"id": "b", "n": 12345678901234567890123456789012345678}\r\n',
    b"\n",
    b"\xff\xfe no text\n",
    "{'id': 'é\u2028\x1b[31m'}\n".encode(),
    b'{"id": "c", "half',
)


def ignore(_count: int) -> None:
    """Take no note."""


class Place:
    """A store of files, and a folder of backups beside it."""

    def __init__(self, folder: Path, name: str = "runs.jsonl") -> None:
        self.path = folder / name
        self.backups = folder / "backups"
        self.backups.mkdir(exist_ok=True)
        self.store = FileStore(self.path, ItemSettings())

    def back_up(self) -> Backup:
        path = self.backups / f"{len(list(self.backups.glob('*.gz'))) + 1}.jsonl.gz"
        return write_backup(path, self.store.origin, self.store.read(), ignore)

    def purge(self, backup: Backup) -> Purged:
        return purge(self.store, backup, ignore)

    def restore(self, backup: Backup, *, merge: bool = False) -> Filling:
        return restore(self.store, backup, ignore, merge=merge)

    def find_aside(self, number: int = 1) -> Path:
        return self.backups / f"{number}.files" / self.path.name


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.path.write_bytes(b"".join(LINES))
    return made


@given(st.text(min_size=1).filter(lambda name: "/" not in name and "\0" not in name), st.binary())
def test_any_line_is_a_record(name: str, data: bytes) -> None:
    record = write_record(Piece(name, data))
    assert b"\n" not in record
    if name in {".", ".."}:
        with pytest.raises(BackupError):
            parse_record(record)
    else:
        assert parse_record(record) == Piece(name, data)


@pytest.mark.parametrize(
    "record",
    [
        {"file": "../runs.jsonl", "text": "x"},
        {"file": "/etc/passwd", "text": "x"},
        {"file": "..", "text": "x"},
        {"file": "", "text": "x"},
        {"file": "a\0", "text": "x"},
        {"file": "a", "base64": "*"},
        {"file": "a"},
        {"text": "x"},
        ["file"],
    ],
)
def test_no_record_names_a_file_elsewhere(record: object) -> None:
    with pytest.raises(BackupError):
        parse_record(json.dumps(record).encode())


def test_there_and_back_it_is_the_same(place: Place) -> None:
    place.path.chmod(0o640)
    backup = place.back_up()
    assert backup.count == len(LINES)
    purged = place.purge(backup)
    assert (purged.left, purged.removal.removed, purged.removal.absent) == (0, len(LINES), 0)
    assert purged.removal.places == {place.find_aside()}
    assert place.path.read_bytes() == b""
    assert place.path.stat().st_mode & 0o777 == 0o640
    assert place.find_aside().read_bytes() == b"".join(LINES)

    filling = place.restore(backup)
    assert (filling.written, filling.kept, filling.lost) == (len(LINES), 0, 0)
    assert place.path.read_bytes() == b"".join(LINES)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=3))
def test_any_files_come_back(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "runs").mkdir()
    files = {folder / "runs" / f"{n}.jsonl": data for n, data in enumerate(contents)}
    for path, data in files.items():
        path.write_bytes(data)
    place = Place(folder, "runs")
    backup = place.back_up()
    assert place.purge(backup).left == 0
    assert not any(path.stat().st_size for path in files)
    assert place.restore(backup).lost == 0
    assert {path: path.read_bytes() for path in files} == files


def test_a_long_line_comes_in_pieces(place: Place) -> None:
    content = b"x" * (3 * PIECE + 5) + b"\n" + b"y" * PIECE
    place.path.write_bytes(content)
    backup = place.back_up()
    assert backup.count == 5
    place.purge(backup)
    assert place.restore(backup).lost == 0
    assert place.path.read_bytes() == content
    assert place.restore(backup, merge=True) == Filling(kept=5)
    assert place.path.read_bytes() == content


def test_of_a_directory_only_its_files_are_taken(tmp_path: Path) -> None:
    place = Place(tmp_path, "runs")
    place.path.mkdir()
    for name in ("b.jsonl", "a.jsonl", "notes.txt", ".hidden.jsonl"):
        (place.path / name).write_text(f'{{"id": "{name}"}}\n')
    backup = place.back_up()
    assert [parse_record(record).file for record in backup.read()] == ["a.jsonl", "b.jsonl"]
    assert place.purge(backup).left == 0
    assert (place.path / "a.jsonl").read_bytes() == b""
    assert (place.path / "notes.txt").stat().st_size
    assert (place.path / ".hidden.jsonl").stat().st_size


def test_what_comes_after_the_backup_stays(place: Place) -> None:
    backup = place.back_up()
    with place.path.open("ab") as file:  # the rest of the half line, and another
        file.write(b'"}\n{"id": "d"}\n')
    purged = place.purge(backup)
    assert (purged.left, purged.removal.removed) == (2, len(LINES))
    assert place.path.read_bytes() == b'{"id": "c", "half"}\n{"id": "d"}\n'


def test_what_comes_while_it_is_moved_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = place.back_up()
    move = Path.rename

    def append_and_move(path: Path, target: Path) -> Path:
        with path.open("ab") as file:
            file.write(b'"}\n{"id": "late"}\n')
        moved = move(path, target)
        path.write_bytes(b'{"id": "new"}\n')  # somebody makes the file before panewatch does
        return moved

    monkeypatch.setattr(Path, "rename", append_and_move)
    assert place.purge(backup).left == 3
    late = b'{"id": "c", "half"}\n{"id": "late"}\n'
    assert place.path.read_bytes() == b'{"id": "new"}\n' + late


def test_a_program_that_has_it_open_loses_nothing(place: Place) -> None:
    with place.path.open("ab") as file:
        backup = place.back_up()
        place.purge(backup)
        file.write(b"later\n")
    assert place.find_aside().read_bytes() == b"".join(LINES) + b"later\n"


def test_a_file_that_is_another_by_now_stays(place: Place) -> None:
    backup = place.back_up()
    place.path.write_bytes(b'{"id": "new"}\n')
    purged = place.purge(backup)
    assert (purged.left, purged.removal.removed, purged.removal.changed) == (1, 0, len(LINES))
    assert place.path.read_bytes() == b'{"id": "new"}\n'


def test_a_purge_that_ended_in_between_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, "runs")
    place.path.mkdir()
    for name in "abc":
        (place.path / f"{name}.jsonl").write_text(f'{{"id": "{name}"}}\n')
    backup = place.back_up()
    with (place.path / "b.jsonl").open("a") as file:
        file.write('{"id": "late"}\n')

    replace = file_removal._replace

    def die(path: Path, *rest: object) -> None:
        if path.name == "b.jsonl":
            raise KeyboardInterrupt
        replace(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(file_removal, "_replace", die)
    with pytest.raises(KeyboardInterrupt):
        place.purge(backup)
    monkeypatch.setattr(file_removal, "_replace", replace)
    assert not (place.path / "b.jsonl").exists()
    assert (place.path / "c.jsonl").stat().st_size

    purged = place.purge(backup)
    assert (purged.left, purged.removal.removed, purged.removal.absent) == (1, 1, 2)
    assert (place.path / "b.jsonl").read_text() == '{"id": "late"}\n'
    assert (place.path / "c.jsonl").read_bytes() == b""
    again = place.purge(backup)
    assert (again.left, again.removal.removed) == (1, 0)


def test_nothing_that_was_set_aside_is_written_over(place: Place) -> None:
    backup = place.back_up()
    place.purge(backup)
    place.restore(backup)
    place.path.chmod(0o600)
    purged = place.purge(backup)
    assert purged.removal.places == {place.find_aside().with_name("runs.jsonl.2")}
    assert place.find_aside().read_bytes() == b"".join(LINES)


def test_on_another_filesystem_it_stays_beside(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = place.back_up()
    move = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if target.is_relative_to(place.backups):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return move(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    purged = place.purge(backup)
    beside = place.path.with_name(".runs.jsonl.1")
    assert (purged.left, purged.removal.places) == (0, {beside})
    assert beside.read_bytes() == b"".join(LINES)


def test_where_nothing_can_be_moved_it_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = place.back_up()

    def refuse(*_: object) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(BackupError, match="cannot be set aside: Permission denied"):
        place.purge(backup)
    assert place.path.read_bytes() == b"".join(LINES)


def test_the_file_of_another_user_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = place.back_up()
    monkeypatch.setattr(os, "geteuid", lambda: place.path.stat().st_uid + 1)
    with pytest.raises(BackupError, match="another user's"):
        place.purge(backup)
    assert place.path.read_bytes() == b"".join(LINES)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    place = Place(tmp_path)
    real = tmp_path / "real"
    real.write_bytes(b"".join(LINES))
    place.path.symlink_to("real")
    backup = place.back_up()
    assert place.purge(backup).left == 0
    assert place.path.is_symlink()
    assert real.read_bytes() == b""
    assert place.restore(backup).lost == 0
    assert real.read_bytes() == b"".join(LINES)


def test_what_is_no_plain_file_is_no_source(tmp_path: Path) -> None:
    place = Place(tmp_path, "runs")
    with pytest.raises(SourceError) as absent:
        place.back_up()
    assert absent.value.reason == "absent"
    place.path.mkdir()
    (place.path / "a.jsonl").symlink_to("/etc/hostname")
    with pytest.raises(SourceError):
        place.back_up()
    (place.path / "a.jsonl").unlink()
    os.mkfifo(place.path / "a.jsonl")
    with pytest.raises(SourceError) as pipe:
        place.back_up()
    assert pipe.value.reason == "invalid"
    assert list(place.backups.iterdir()) == []


def test_only_its_own_backup_empties_it(place: Place) -> None:
    other = place.path.with_name("other.jsonl")
    other.write_bytes(b"".join(LINES))
    backup = place.back_up()
    with pytest.raises(BackupError, match="no backup of"):
        purge(FileStore(other, ItemSettings()), backup, ignore)
    assert other.read_bytes() == b"".join(LINES)


def test_what_is_there_is_not_filled(place: Place) -> None:
    backup = place.back_up()
    with pytest.raises(OccupiedError):
        place.restore(backup)
    assert place.path.read_bytes() == b"".join(LINES)


def test_a_merge_leaves_what_is_there(place: Place) -> None:
    backup = place.back_up()
    there = b'{"id": "b", "n": 2}\n\xff\xfe no text\nhalf of a line'
    place.path.write_bytes(there)
    filling = place.restore(backup, merge=True)
    assert (filling.written, filling.kept, filling.lost) == (4, 2, 0)
    added = (LINES[0], LINES[2], LINES[4], LINES[5])
    assert place.path.read_bytes() == there + b"\n" + b"".join(added)


def test_a_restoring_that_was_interrupted_goes_on(place: Place) -> None:
    place.path.write_bytes(b"".join(b'{"id": %d}\n' % number for number in range(9)))
    whole = place.path.read_bytes()
    backup = place.back_up()
    place.path.write_bytes(whole[:28])  # two lines and a half
    filling = place.restore(backup, merge=True)
    assert (filling.written, filling.kept, filling.lost) == (7, 2, 0)
    lines = place.path.read_bytes().splitlines(keepends=True)
    assert sorted(lines) == sorted([*whole.splitlines(keepends=True), whole[20:28] + b"\n"])


def test_of_a_run_told_twice_the_result_comes_back_too(place: Place) -> None:
    told = [b'{"id": 1, "status": "running"}\n', b'{"id": 1, "status": "completed"}\n']
    place.path.write_bytes(b"".join(told))
    backup = place.back_up()
    place.path.write_bytes(told[0])  # a restoring was interrupted here
    filling = place.restore(backup, merge=True)
    assert (filling.written, filling.kept, filling.lost) == (1, 1, 0)
    assert place.path.read_bytes() == b"".join(told)


def test_lines_that_are_alike_come_back_as_often(place: Place) -> None:
    place.path.write_bytes(b'{"mbps": 15.04}\n' * 5)
    backup = place.back_up()
    place.path.write_bytes(b'{"mbps": 15.04}\n' * 2)
    filling = place.restore(backup, merge=True)
    assert (filling.written, filling.kept, filling.lost) == (3, 2, 0)
    assert place.path.read_bytes() == b'{"mbps": 15.04}\n' * 5


def test_what_a_restoring_makes_is_private(place: Place) -> None:
    backup = place.back_up()
    place.path.unlink()
    assert place.restore(backup).written == len(LINES)
    assert place.path.stat().st_mode & 0o777 == 0o600


def test_a_file_goes_into_a_directory_that_would_read_it(place: Place) -> None:
    backup = place.back_up()
    folder = Place(place.path.parent, "folder")
    folder.path.mkdir()
    assert folder.restore(backup).written == len(LINES)
    assert (folder.path / "runs.jsonl").read_bytes() == b"".join(LINES)
    named = Place(place.path.parent, "runs.log")
    named.path.write_bytes(b"{}\n")
    (folder.path / "runs.jsonl").unlink()
    with pytest.raises(BackupError, match="would not be read"):
        folder.restore(named.back_up())


def test_a_directory_goes_into_a_file(tmp_path: Path) -> None:
    folder = Place(tmp_path, "runs")
    folder.path.mkdir()
    (folder.path / "a.jsonl").write_bytes(b'{"id": 1}\n{"id": 2')
    (folder.path / "b.jsonl").write_bytes(b'{"id": 3}\n')
    backup = folder.back_up()
    one = Place(tmp_path)
    assert one.restore(backup).lost == 0
    assert one.path.read_bytes() == b'{"id": 1}\n{"id": 2\n{"id": 3}\n'


def test_lines_that_are_lost_again_are_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = place.back_up()
    place.path.write_bytes(b"")
    sync = os.fsync

    def cut(descriptor: int) -> None:
        sync(descriptor)
        os.truncate(place.path, len(LINES[0]))

    monkeypatch.setattr(os, "fsync", cut)
    assert place.restore(backup).lost == len(LINES) - 1
