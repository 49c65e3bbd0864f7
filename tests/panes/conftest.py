from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from panes.private_tmux import PrivateTmux


@pytest.fixture
def tmux() -> Iterator[PrivateTmux]:
    # A socket's path has to be short, shorter than pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="pw"))
    server = PrivateTmux(folder)
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)
