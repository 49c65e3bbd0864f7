"""Every process, read again and again: what is not read again has not changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from panewatch.panes import census as shipped
from panewatch.panes.census import Census, Process, read_process
from panewatch.panes.proc import read_proc
from polling import wait_until

MIB = 2**20

PROGRAM = """
import sys
held = []
print(flush=True)
for line in sys.stdin:
    held.append(bytearray(b"x" * int(line)))
    print(flush=True)
"""


class Holder:
    """A program that holds as much memory as it is told, and else does nothing."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.pid = self._program.pid
        self._wait()

    def hold(self, size: int) -> None:
        assert self._program.stdin is not None
        print(size, file=self._program.stdin, flush=True)
        self._wait()

    def _wait(self) -> None:
        assert self._program.stdout is not None
        assert self._program.stdout.readline() == "\n"
        # Its answer comes a moment before it sleeps.
        wait_until(lambda: b") S " in (read_proc(f"/proc/{self.pid}/stat") or b""), what="sleep")

    def end(self) -> None:
        self._program.communicate()


@pytest.fixture
def holder() -> Iterator[Holder]:
    program = Holder()
    yield program
    program.end()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the files that are read, as they are."""
    paths: list[str] = []

    def read(path: str, size: int = 4096) -> bytes | None:
        paths.append(path)
        return read_proc(path, size)

    monkeypatch.setattr(shipped, "read_proc", read)
    return paths


def list_pids() -> set[int]:
    return {int(path.name) for path in Path("/proc").glob("[0-9]*")}


def test_every_process_is_there_at_every_look() -> None:
    census = Census()
    for _ in range(3):
        before = list_pids()
        table = census.read()
        assert before & list_pids() <= set(table.processes) <= before | list_pids()
        assert os.getpid() in table.children[os.getppid()]


def test_what_does_nothing_is_the_same_and_its_memory_is_not_read_again(
    holder: Holder, opened: list[str]
) -> None:
    census = Census()
    first = census.read().processes[holder.pid]
    resident = first.read_resident(holder.pid)
    assert resident > MIB
    for _ in range(3):
        again = census.read().processes[holder.pid]
        again.read_resident(holder.pid)
    assert again is first
    assert opened.count(f"/proc/{holder.pid}/statm") in {1, 2}, "once, or twice where it was due"
    assert opened.count(f"/proc/{holder.pid}/stat") == 4


def test_memory_is_told_as_it_grows(holder: Holder) -> None:
    census = Census()
    sizes = [census.read().processes[holder.pid].read_resident(holder.pid)]
    for grown in (MIB // 2, 4 * MIB, 64 * MIB):
        holder.hold(grown)
        sizes.append(census.read().processes[holder.pid].read_resident(holder.pid))
        assert sizes[-1] - sizes[-2] >= grown - MIB // 8


def test_memory_is_read_again_now_and_then_whatever_shows(
    holder: Holder, opened: list[str]
) -> None:
    """The kernel may take a little from a process that sleeps, and ``stat`` is coarse."""
    census = Census()
    for _ in range(36):
        census.read().processes[holder.pid].read_resident(holder.pid)
    assert opened.count(f"/proc/{holder.pid}/statm") in {3, 4}


@pytest.mark.skipif(not Path("/proc/2/stat").exists(), reason="threads of the kernel are unseen")
def test_a_thread_of_the_kernel_is_read_once(opened: list[str]) -> None:
    thread = read_process(2)
    if thread is None or not thread.kernel:
        pytest.skip("a process namespace of its own has none")
    opened.clear()
    census = Census()
    for _ in range(3):
        assert 2 in census.read().processes
    assert opened.count("/proc/2/stat") == 1
    assert opened.count(f"/proc/{os.getpid()}/stat") == 3


def test_what_has_the_number_of_a_thread_of_the_kernel_is_read(
    monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    """Its inode tells it from the thread, since it has no other one while it is there."""
    census = Census()
    monkeypatch.setattr(shipped, "_KERNEL_THREAD", ~0)
    own = f"/proc/{os.getpid()}/stat"
    assert census.read().processes[os.getpid()].kernel, "as if it were one"
    census.read()
    assert opened.count(own) == 1
    census._kernel[os.getpid()] += 1  # nobody can have a number given to a process again
    census.read()
    assert opened.count(own) == 2


def test_what_is_gone_is_forgotten(holder: Holder) -> None:
    census = Census()
    assert holder.pid in census.read().processes
    holder.end()
    assert holder.pid not in census.read().processes
    assert read_process(holder.pid) is None


@pytest.mark.parametrize("name", [b"sh", b") S 1 (", b"a b) R 7", b"tmux: server", b""])
def test_a_name_changes_nothing_of_what_is_told(name: bytes) -> None:
    process = Process(b"7 (%s) D 5 0 0 0 0 0 0 0 0 0 1 2 3 4 20 0 1 0 99 0 12" % name)
    assert (process.name, process.parent, process.start) == (name, 5, b"99")
    assert (process.ticks, process.blocked, process.ended, process.kernel) == (10, True, False, 0)


@pytest.mark.parametrize("raw", [b"", b"7", b"7 (sh) S 1 2 3", b"7 (sh"])
def test_what_is_no_stat_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no stat"):
        Process(raw)
