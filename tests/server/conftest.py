from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from panewatch.config import WebSettings
from panewatch.server import Server
from server.certificates import Authority
from server.serving import TESTDATA, Exposition, Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def exposition() -> Exposition:
    return Exposition()


@pytest.fixture
def serve(exposition: Exposition) -> Iterator[Callable[..., Running]]:
    """Start servers on free ports; they are stopped at the end."""
    servers: list[Server] = []

    def start(ready: Callable[[], bool] = lambda: True, **settings: Any) -> Running:
        web = WebSettings(**{"listen_address": "127.0.0.1:0", **settings})
        server = Server(web, exposition=exposition, ready=ready, version="1.2.3")
        server.start()
        servers.append(server)
        return Running(server, web)

    yield start
    for server in servers:
        server.stop(1.0)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def issued(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates and every web.config.yml of the test data."""
    folder = tmp_path_factory.mktemp("issued")
    authority.write(folder / "ca.crt")
    authority.issue(folder, "server")
    authority.issue(folder, "client", client=True)
    authority.issue(folder, "encrypted", password=b"secret")
    (folder / "junk.pem").write_text("words\n")
    for file in TESTDATA.iterdir():
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def folder(issued: Path, tmp_path: Path) -> Path:
    """A private copy of the certificates, which a test may change."""
    return Path(shutil.copytree(issued, tmp_path / "web"))
