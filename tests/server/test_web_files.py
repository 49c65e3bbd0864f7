from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from panewatch import web_config, web_files
from panewatch.web_config import WebConfigError
from panewatch.web_files import WebFiles

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "http_server_config:\n  headers:\n    X-XSS-Protection: 'NNN'\n"


def xss(files: WebFiles) -> str:
    return files.current().config.headers["X-XSS-Protection"]


def test_without_a_file_everybody_is_served_in_plain_http() -> None:
    live = WebFiles(None).current()
    assert (live.context, live.config.users) == (None, {})


def test_a_change_that_no_file_time_shows_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As two changes within a tick of the kernel's clock leave them.
    now = time.time_ns()
    monkeypatch.setattr(web_files, "_stamp", lambda _: (now, now, 1, 1))
    path = tmp_path / "web.config.yml"
    path.write_text(HEADER)
    files = WebFiles(str(path))
    path.write_text(HEADER.replace("NNN", "222"))
    assert xss(files) == "222"


def test_many_changes_in_a_row_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "web.config.yml"
    path.write_text(HEADER)
    files = WebFiles(str(path))
    for number in range(100, 200):
        path.write_text(HEADER.replace("NNN", str(number)))
        assert xss(files) == str(number)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were read, in order."""
    paths: list[str] = []
    load = web_config.load

    def note(path: str) -> web_config.WebConfig:
        paths.append(path)
        return load(path)

    monkeypatch.setattr(web_config, "load", note)
    return paths


def test_files_that_did_not_change_are_not_read_again(
    tmp_path: Path, loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_files, "_UNSETTLED", 0.0)
    path = tmp_path / "web.config.yml"
    path.write_text(HEADER)
    files = WebFiles(str(path))
    for _ in range(10):
        files.current()
    assert len(loads) == 1


def test_a_broken_file_is_not_tried_at_every_request(
    tmp_path: Path, loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_files, "_RETRY", 3600.0)
    path = tmp_path / "web.config.yml"
    path.write_text(HEADER)
    files = WebFiles(str(path))
    path.write_text("oops: 1")
    for _ in range(10):
        assert xss(files) == "NNN"
    assert len(loads) == 2


def test_a_file_that_a_broken_configuration_waits_for_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_files, "_RETRY", 0.0)
    path = folder / "web.config.yml"
    path.write_text("")
    files = WebFiles(str(path))
    path.write_text("tls_server_config: {cert_file: late.crt, key_file: late.key}")
    assert files.current().context is None
    assert not files.well
    for kind in ("crt", "key"):
        (folder / f"server.{kind}").rename(folder / f"late.{kind}")
    assert files.current().context is not None
    assert files.well


def test_a_reload_moves_to_another_file_or_stays_where_it_was(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yml", tmp_path / "second.yml"
    first.write_text(HEADER)
    files = WebFiles(str(first))
    with pytest.raises(WebConfigError):
        files.reload(str(second))
    assert xss(files) == "NNN"
    second.write_text(HEADER.replace("NNN", "222"))
    first.write_text("oops: 1")
    assert (xss(files), files.well) == ("NNN", False)
    files.reload(str(second))
    assert (xss(files), files.well) == ("222", True), "what the file before it said is over"
    files.reload(None)
    assert files.current().config.headers == {}
