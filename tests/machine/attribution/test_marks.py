"""What the environment of a process tells, and what of it is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.panes.marks import Mark, find_mark, read_mark
from polling import wait_until


@pytest.mark.parametrize(
    ("environment", "mark"),
    [
        (b"TMUX=/tmp/tmux-0/default,4711,0\0TMUX_PANE=%3\0", Mark(4711, "%3")),
        (b"A=1\0TMUX_PANE=%12\0B=2\0TMUX=/tmp/a,b,4711,7", Mark(4711, "%12")),
        (b"", None),
        (b"TMUX=/tmp/tmux-0/default,4711,0\0", None),
        (b"TMUX_PANE=%3\0", None),
        (b"MY_TMUX=/tmp/x,4711,0\0MY_TMUX_PANE=%3\0", None),
        (b"TMUX=/tmp/x,4711\0TMUX_PANE=%3\0", None),
        (b"TMUX=/tmp/x,one,0\0TMUX_PANE=%3\0", None),
        (b"TMUX=/tmp/x,-1,0\0TMUX_PANE=%3\0", None),
        (b"TMUX=/tmp/x,4711,0\0TMUX_PANE=3\0", None),
        (b"TMUX=/tmp/x,4711,0\0TMUX_PANE=%\0", None),
        (b"TMUX=/tmp/x,4711,0\0TMUX_PANE=%three\0", None),
        (b"TMUX=/tmp/x," + b"9" * 5000 + b",0\0TMUX_PANE=%3\0", None),
        (b"X=TMUX=/tmp/x,4711,0\0TMUX_PANE=%3\0", None),
    ],
)
def test_a_mark_is_read_whole_or_not_at_all(environment: bytes, mark: Mark | None) -> None:
    assert read_mark(environment) == mark


@given(st.binary())
def test_any_environment_can_be_read(environment: bytes) -> None:
    assert read_mark(environment) is None or b"TMUX_PANE=%" in environment


def test_a_process_is_read_and_one_that_is_gone_is_not() -> None:
    environment = {**os.environ, "TMUX": "/tmp/x,17,0", "TMUX_PANE": "%5"}
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment
    )
    wait_until(lambda: find_mark(child.pid) == Mark(17, "%5"), what="its environment")
    child.communicate(b"\n")
    assert find_mark(child.pid) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_another_users_process_is_not_read() -> None:
    environment = {**os.environ, "TMUX": "/tmp/x,17,0", "TMUX_PANE": "%5"}
    child = subprocess.Popen(
        ["sleep", "1000"], env=environment, user=65534, group=65534, extra_groups=[]
    )
    folder = Path(f"/proc/{child.pid}")
    try:
        wait_until(lambda: folder.stat().st_uid == 65534, what="the other user")
        assert b"TMUX_PANE=%5" in (folder / "environ").read_bytes(), "we could"
        assert find_mark(child.pid) is None
    finally:
        child.kill()
        child.wait()
