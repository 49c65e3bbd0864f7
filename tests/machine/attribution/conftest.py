from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from machine.attribution.crew import Crew
from panes.private_tmux import PrivateTmux


@pytest.fixture
def crew() -> Iterator[Crew]:
    # A socket's path has to be short, shorter than pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="pw"))
    tmux = PrivateTmux(folder)
    crew = Crew(tmux)
    yield crew
    crew.end_all()
    tmux.kill()
    shutil.rmtree(folder, ignore_errors=True)
