"""Files that shells append to, and files that somebody else put there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panewatch.panes.commands.journal import Journal, find_folder, name_journal
from panewatch.panes.commands.records import Began, Hello, Record, parse
from panewatch.panes.model import PaneKey


def hello(number: int) -> bytes:
    return b"H\t%d\n" % number


def shells(records: list[Record]) -> list[int]:
    return [record.shell for record in records]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "4711.3"


def append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, data)
    os.close(descriptor)


def test_a_file_is_read_on_from_where_it_ended(path: Path) -> None:
    journal = Journal(path)
    assert journal.read() == []
    assert not journal.written
    append(path, hello(1) + hello(2))
    assert shells(journal.read()) == [1, 2]
    assert journal.written == path.stat().st_mtime_ns / 1e9
    assert journal.read() == []
    append(path, hello(3))
    assert shells(journal.read()) == [3]


def test_a_line_that_is_half_written_comes_when_it_is_whole(path: Path) -> None:
    journal = Journal(path)
    append(path, hello(1) + b"S\t1\t5\tmake ")
    assert shells(journal.read()) == [1]
    append(path, b"-j8\nH\t")
    assert journal.read() == [Began(1, 5e-6, "make -j8")]
    append(path, b"9\n")
    assert journal.read() == [Hello(9)]


def test_a_file_that_was_emptied_is_read_from_its_beginning(path: Path) -> None:
    journal = Journal(path)
    append(path, hello(1) * 30)
    journal.read()
    path.write_bytes(hello(2))
    assert shells(journal.read()) == [2]


def test_a_file_that_was_emptied_and_grew_beyond_is_known_by_its_beginning(path: Path) -> None:
    journal = Journal(path)
    append(path, hello(1) * 3)
    journal.read()
    path.write_bytes(hello(2) + hello(1) * 20)
    assert shells(journal.read()) == [2, *[1] * 20]


def test_a_file_that_was_replaced_or_removed_is_begun_anew(path: Path) -> None:
    journal = Journal(path)
    append(path, hello(1) + hello(2))
    journal.read()
    path.unlink()
    assert journal.read() == []
    assert journal.written is None
    append(path, hello(3) + hello(4))
    assert shells(journal.read()) == [3, 4]
    other = path.with_name("new")
    other.write_bytes(hello(5) + hello(6))
    other.chmod(0o600)
    other.rename(path)
    assert shells(journal.read()) == [5, 6]


def test_garbage_between_records_does_no_harm(path: Path) -> None:
    journal = Journal(path)
    append(path, hello(1) + os.urandom(2000).replace(b"\n", b"") + b"\n\0\n\t\t\t\n" + hello(2))
    assert shells(journal.read()) == [1, 2]


def test_of_a_huge_file_only_the_end_is_read(path: Path) -> None:
    journal = Journal(path)
    append(path, hello(1))
    with path.open("r+b") as file:
        file.truncate(4 << 30)  # a hole: it takes no room
        file.seek(0, os.SEEK_END)
        file.write(b"half a line\n" + hello(7))
    assert shells(journal.read()) == [7]
    append(path, hello(8))
    assert shells(journal.read()) == [8]


def test_a_line_without_an_end_is_not_read_again_and_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    read: list[int] = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda *words: (read.append(words[1]), pread(*words))[1])
    for _ in range(20):
        append(path, b"x" * 8000)
        assert journal.read() == []
    append(path, b"\n" + hello(1))
    assert shells(journal.read()) == [1]
    append(path, hello(2))
    assert shells(journal.read()) == [2]
    assert journal._at == path.stat().st_size


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    append(path, hello(1))
    path.chmod(mode)
    assert Journal(path).read() == []


def test_a_file_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(path, hello(1))
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert Journal(path).read() == []


def test_a_link_is_not_followed(path: Path) -> None:
    target = path.with_name("target")
    append(target, hello(1))
    path.symlink_to(target)
    assert Journal(path).read() == []


def test_a_link_that_is_put_there_at_the_last_moment_is_not_followed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = path.with_name("target")
    append(target, hello(1))
    path.symlink_to(target)
    monkeypatch.setattr(os, "lstat", os.stat)
    assert Journal(path).read() == []


def test_a_pipe_a_folder_and_a_device_keep_nobody_waiting(path: Path) -> None:
    os.mkfifo(path)
    assert Journal(path).read() == []
    path.unlink()
    path.mkdir()
    assert Journal(path).read() == []
    assert Journal(Path("/dev/zero")).read() == []
    assert Journal(path / "below" / "nothing").read() == []


def test_a_file_that_may_not_be_read_tells_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(path, hello(1))

    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    assert Journal(path).read() == []


PIECES = st.lists(
    st.sampled_from([b"H\t1\n", b"H\t22", b"\n", b"S\t3\t4\tls -l\n", b"E\t5\t6\t7\t8\t", b"\\n",
                     b"\xff\0", b"junk\n", b"y" * 5000]),
    max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(PIECES, st.sets(st.integers(0, 12)))
def test_however_a_file_grows_its_records_are_those_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], looks: set[int]
) -> None:
    path = tmp_path_factory.mktemp("grow") / "1.0"
    journal = Journal(path)
    found: list[Record] = []
    for number, piece in enumerate(pieces):
        append(path, piece)
        if number in looks:
            found += journal.read()
    append(path, b"\n")
    found += journal.read()
    lines = [parse(line) for line in b"".join([*pieces, b"\n"]).split(b"\n")]
    whole = [record for record in lines if record is not None]
    # The rest of a line that was given up for its length may look like a record.
    assert found == whole or any(len(line) >= 4096 for line in b"".join(pieces).split(b"\n"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("aw-"), st.binary(max_size=300)), max_size=8))
def test_whatever_is_done_to_a_file_reading_goes_on(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "1.0"
    journal = Journal(path)
    for step, data in steps:
        if step == "a":
            append(path, data)
        elif step == "w":
            path.write_bytes(data)
            path.chmod(0o600)
        else:
            path.unlink(missing_ok=True)
        journal.read()
    path.unlink(missing_ok=True)
    journal.read()
    append(path, hello(77))
    assert shells(journal.read()) == [77]


def test_where_shells_write_depends_on_the_environment_as_it_does_for_them() -> None:
    assert find_folder("/given", {}) == Path("/given")
    assert find_folder(None, {"HOME": "/h"}) == Path("/h/.local/state/panewatch/commands")
    state = {"HOME": "/h", "XDG_STATE_HOME": "/s"}
    assert find_folder(None, state) == Path("/s/panewatch/commands")
    assert find_folder(None, {}) is None
    assert name_journal(PaneKey(4711, 1, "%12")) == "4711.12"
