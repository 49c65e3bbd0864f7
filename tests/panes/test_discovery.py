"""Which servers there are, found on real sockets."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from panes.private_tmux import PrivateTmux
from panewatch.panes.discovery import find_folder, find_running, find_sockets, name_servers, probe


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which tmux keeps its sockets, for this test alone."""
    top = Path(tempfile.mkdtemp(prefix="pw"))
    monkeypatch.setenv("TMUX_TMPDIR", str(top))
    folder = find_folder()
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(top)


def listen(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen(1)
    return server


def test_only_sockets_are_found(folder: Path) -> None:
    (folder / "file").write_text("")
    (folder / "folder").mkdir()
    with listen(folder / "work"), listen(folder / "default"):
        assert list(find_sockets()) == [folder / "default", folder / "work"]


def test_no_folder_means_no_sockets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path / "absent"))
    assert list(find_sockets()) == []


def test_each_state_of_a_socket_is_told(folder: Path) -> None:
    path = folder / "s"
    assert probe(path) == "missing"
    server = listen(path)
    assert probe(path) == "up"
    server.close()
    assert probe(path) == "no_server"
    (folder / "file").write_text("")
    assert probe(folder / "file" / "below") == "missing"


def test_a_server_whose_queue_is_full_is_up(folder: Path) -> None:
    path, waiting = folder / "s", []
    with listen(path):
        for _ in range(8):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.setblocking(False)
            client.connect_ex(str(path))
            waiting.append(client)
        assert probe(path) == "up"
        for client in waiting:
            client.close()


def test_a_path_that_is_too_long_is_an_error(folder: Path) -> None:
    assert probe(folder / ("x" * 200)) == "error"


def test_a_server_outside_the_folder_is_found(folder: Path, tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    assert Path(tmux.socket) in list(find_running())
    assert Path(tmux.socket) not in list(find_sockets())
    assert folder.is_dir()


def test_names_are_file_names_where_they_are_free(folder: Path) -> None:
    elsewhere = [Path("/a/default"), Path("/b/default"), Path("/c/other")]
    names = name_servers([*elsewhere, folder / "default", folder / "default"])
    assert names["default"] == folder / "default"
    assert names["other"] == Path("/c/other")
    assert len(names) == 4
    assert sorted(names.values()) == sorted([*elsewhere, folder / "default"])
    assert name_servers(elsewhere).keys() == name_servers(elsewhere[::-1]).keys()


def test_a_hostile_name_is_cleaned(folder: Path) -> None:
    names = list(name_servers([folder / 'x\x1b]0;"} 1\n\u202e', folder / ("y" * 90)]))
    assert len(names) == 2
    assert all(name.isprintable() and len(name) <= 64 for name in names)
