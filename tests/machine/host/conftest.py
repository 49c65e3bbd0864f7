from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from machine.host.fake_host import FakeHost, compile_library
from machine.host.watching import HostExporter
from polling import wait_until

Launch = Callable[..., HostExporter]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("library"))


@pytest.fixture
def host(library: Path, tmp_path: Path) -> FakeHost:
    """A machine that is well."""
    return FakeHost(library, tmp_path / "host")


@pytest.fixture
def launch(tmp_path: Path, host: FakeHost) -> Iterator[Launch]:
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> HostExporter:
            exporter = HostExporter(host, tmp_path, *arguments)
            stack.callback(exporter.kill)
            return exporter

        yield start


@pytest.fixture(scope="module")
def running(
    library: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FakeHost, HostExporter]]:
    folder = tmp_path_factory.mktemp("running")
    host = FakeHost(library, folder / "host")
    exporter = HostExporter(host, folder)
    yield host, exporter
    exporter.kill()


@pytest.fixture
def watched(running: tuple[FakeHost, HostExporter]) -> tuple[FakeHost, HostExporter]:
    """A machine that is well, and an exporter that has watched it for a while."""
    host, exporter = running
    host.mend()
    wait_until(exporter.is_content, what="a sample of a machine that is well")
    return running
