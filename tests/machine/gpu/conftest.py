from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from machine.gpu.fake_nvml import FakeNvml
from machine.gpu.watching import GpuExporter

Launch = Callable[..., GpuExporter]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> FakeNvml:
    """The library with everything."""
    return FakeNvml(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    with contextlib.ExitStack() as stack:

        def start(library: FakeNvml | None, *arguments: str, **timeout: str) -> GpuExporter:
            exporter = GpuExporter(library, tmp_path, *arguments, **timeout)
            stack.callback(exporter.kill)
            return exporter

        yield start
