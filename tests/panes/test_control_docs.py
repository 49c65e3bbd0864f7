"""The examples of docs/control.md, run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from markdown import ROOT
from panes.driving import command, read
from panes.private_tmux import PrivateTmux

BLOCKS = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs/control.md").read_text(), re.MULTILINE | re.DOTALL
)
PROGRAMS = {
    "docker": 'test "$1 $2 $3" = "exec -i sandbox" || exit 2; shift 3; '
    'exec env -i PATH="$PATH" TMUX_TMPDIR="$PLACE" "$@"',
    "ssh": 'test "$1" = gpu1 || exit 2; shift; exec env TMUX_TMPDIR="$PLACE" sh -c "$*"',
    "make": "echo tested",
}
"""What the examples start: stand-ins that reach the same private server."""


@pytest.fixture
def log(tmux: PrivateTmux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The server that is the default one here, with a shell, an agent and other sessions."""
    for name, text in PROGRAMS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PLACE", str(tmux.folder))
    monkeypatch.setenv("TMUX_TMPDIR", str(tmux.folder))
    folder = tmux.folder / f"tmux-{os.getuid()}"
    folder.mkdir(mode=0o700)
    tmux.socket = str(folder / "default")
    tmux.start(session="work")
    log = tmux.folder / "messages"
    tmux.open(command(log), name="work")
    for session in ("main", "train"):
        tmux.run("new-session", "-d", "-s", session)
    return log


def test_they_do_what_the_page_says(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    printed = []
    for block in BLOCKS:
        exec(compile(block, "docs/control.md", "exec"), names)  # noqa: S102  # the project's page
        printed.append(capsys.readouterr().out)
    assert len(printed) == 5
    assert "'tested'" in printed[0]
    assert "timeout" in printed[3]
    assert read(log) == [("Fix the failing test.\nRun it before you say so.", True)]
    nproc = subprocess.run(["nproc"], check=True, capture_output=True, text=True).stdout.strip()
    assert nproc in names["inside"].capture()
    assert "bash" in printed[4]
