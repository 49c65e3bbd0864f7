"""What the processes of a pane use together, measured on real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from panewatch.panes.processes import measure_trees
from polling import wait_until

PROGRAM = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
for line in sys.stdin:
    if line == "spin\\n":
        subprocess.run([sys.executable, "-c", "sum(i * i for i in range(10**6))"])
        print("spun", flush=True)
"""


@pytest.fixture
def root() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.communicate()


def test_a_tree_is_measured_whole(root: subprocess.Popen[str]) -> None:
    assert root.stdout is not None
    child = int(root.stdout.readline())
    usages = measure_trees([root.pid, child])
    assert usages[root.pid].processes == 2
    assert usages[child].processes == 1
    assert usages[root.pid].memory_bytes > usages[child].memory_bytes > 0
    assert usages[root.pid].read_bytes is not None


def test_a_child_that_ended_still_counts(root: subprocess.Popen[str]) -> None:
    assert root.stdout is not None
    assert root.stdin is not None
    root.stdout.readline()
    before = measure_trees([root.pid])[root.pid].cpu_seconds
    root.stdin.write("spin\n")
    root.stdin.flush()
    assert root.stdout.readline() == "spun\n"
    after = measure_trees([root.pid])[root.pid]
    assert after.cpu_seconds > before
    assert after.processes == 2


def test_a_process_that_is_gone_is_left_out() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert measure_trees([ended.pid]) == {}


def test_a_dead_process_that_nobody_waited_for_is_none() -> None:
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(
        lambda: os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None,
        what="the end of the process",
    )
    usage = measure_trees([zombie.pid]).get(zombie.pid)
    assert usage is None or usage.processes == 0
    zombie.wait()
