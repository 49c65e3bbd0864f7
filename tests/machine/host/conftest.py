from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from machine.host.fake_host import FakeHost, compile_library
from machine.host.machines import SPACES
from machine.host.watching import HostExporter

Launch = Callable[..., HostExporter]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("library"))


@pytest.fixture
def host(library: Path, tmp_path: Path) -> FakeHost:
    """A machine that is well."""
    host = FakeHost(library, tmp_path / "host")
    host.answer(SPACES)
    return host


@pytest.fixture
def launch(tmp_path: Path, host: FakeHost) -> Iterator[Launch]:
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> HostExporter:
            exporter = HostExporter(host, tmp_path, *arguments)
            stack.callback(exporter.kill)
            return exporter

        yield start
