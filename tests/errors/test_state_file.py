"""The file that outlasts a restart: private, whole, and of no harm when it is anything else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from panewatch.errors.state_file import StateFile, StateFileError, find_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/incidents.json"


@pytest.fixture
def file(path: Path) -> Iterator[StateFile]:
    one = StateFile(path)
    yield one
    one.close()


def refused(file: StateFile) -> str:
    with pytest.raises(StateFileError) as caught:
        file.read()
    return caught.value.reason


def test_what_is_written_is_read_again_and_private(file: StateFile, path: Path) -> None:
    assert file.read() is None
    file.write(b"one")
    file.write(b"two")
    assert file.read() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]


def test_what_a_crash_left_half_written_is_not_read_and_not_kept(
    file: StateFile, path: Path
) -> None:
    file.write(b"whole")
    left = path.with_name("incidents.json.new")
    left.write_bytes(b"ha")
    assert file.read() == b"whole"
    file.write(b"another")
    assert not left.exists()


def test_one_program_at_a_time(file: StateFile, path: Path) -> None:
    file.write(b"mine")
    other = StateFile(path)
    assert refused(other) == "busy"
    with pytest.raises(StateFileError, match="busy"):
        other.write(b"theirs")
    file.close()
    assert other.read() == b"mine"
    other.close()


def test_what_others_may_have_written_is_foreign(file: StateFile, path: Path) -> None:
    file.write(b"mine")
    path.chmod(0o620)
    assert refused(file) == "foreign"
    path.chmod(0o602)
    assert refused(file) == "foreign"


def test_a_file_of_another_user_is_foreign(
    file: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(b"theirs")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert refused(file) == "foreign"


def test_a_link_is_not_followed_and_not_written_through(
    file: StateFile, path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    path.parent.mkdir()
    path.symlink_to(target)
    assert refused(file) == "foreign"
    path.with_name("incidents.json.new").symlink_to(target)
    file.write(b"mine")
    assert target.read_bytes() == b"precious"
    assert not path.is_symlink()
    assert file.read() == b"mine"


def test_a_lock_that_is_a_link_is_not_opened(file: StateFile, path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.with_name("incidents.json.lock").symlink_to(tmp_path / "elsewhere")
    assert refused(file) == "unwritable"
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_no_file_is_foreign_and_holds_up_nobody(file: StateFile, path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    assert refused(file) == "foreign"
    path.unlink()
    path.mkdir()
    assert refused(file) == "foreign"
    with pytest.raises(StateFileError, match="unwritable"):
        file.write(b"mine")
    assert not path.with_name("incidents.json.new").exists()


def test_one_that_is_far_too_large_is_corrupt(file: StateFile, path: Path) -> None:
    file.write(b"")
    os.truncate(path, 1 << 40)
    assert refused(file) == "corrupt"


def test_what_is_moved_aside_takes_the_place_of_what_was(file: StateFile, path: Path) -> None:
    bad = path.with_name("incidents.json.bad")
    file.write(b"one")
    file.set_aside()
    assert bad.read_bytes() == b"one"
    path.symlink_to("nowhere")
    file.set_aside()
    assert bad.is_symlink()
    path.mkdir()
    file.set_aside()
    assert bad.is_dir()
    with pytest.raises(StateFileError, match="unwritable"):
        file.set_aside()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = StateFile(tmp_path / "file/below/incidents.json")
    assert refused(file) == "unwritable"
    with pytest.raises(StateFileError, match="unwritable"):
        file.write(b"mine")


def test_a_disk_that_is_full_leaves_what_was_there(
    file: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(b"before")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StateFileError, match="unwritable"):
            file.write(b"after")
    assert file.read() == b"before"
    file.write(b"after")
    assert file.read() == b"after"


@pytest.mark.parametrize(
    ("setting", "environment", "path"),
    [
        ("off", {"HOME": "/h"}, None),
        ("/a/b.json", {"HOME": "/h"}, "/a/b.json"),
        (None, {"HOME": "/h"}, "/h/.local/state/panewatch/incidents.json"),
        (None, {"HOME": "/h", "XDG_STATE_HOME": "/s"}, "/s/panewatch/incidents.json"),
        (None, {"HOME": "/h", "XDG_STATE_HOME": "s"}, "/h/.local/state/panewatch/incidents.json"),
        (None, {"HOME": "/h", "STATE_DIRECTORY": "/v/p:/v/q"}, "/v/p/incidents.json"),
        (None, {}, None),
        (None, {"HOME": "h"}, None),
    ],
)
def test_where_it_is(
    setting: str | None,
    environment: dict[str, str],
    path: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("panewatch.errors.state_file._SERVICE", tmp_path / "none")
    assert find_path(setting, environment) == (Path(path) if path else None)


def test_the_folder_of_a_service_is_taken_where_it_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = tmp_path / "panewatch"
    monkeypatch.setattr("panewatch.errors.state_file._SERVICE", service)
    home = {"HOME": "/h"}
    assert find_path(None, home) == Path("/h/.local/state/panewatch/incidents.json")
    service.mkdir()
    assert find_path(None, home) == service / "incidents.json"
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert find_path(None, home) == Path("/h/.local/state/panewatch/incidents.json")
