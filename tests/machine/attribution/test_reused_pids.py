"""Numbers of processes are used again; nothing of the one before is the next one's."""

from __future__ import annotations

import os
import subprocess

from panewatch.machine.attribution.ownership import Ownership
from panewatch.machine.gpu.board import read_clock
from panewatch.panes.census import Process, Table, read_process
from panewatch.panes.marks import Mark, PerProcess
from panewatch.panes.model import PaneKey
from panewatch.panes.trees import Trees

BASE = 2**22
"""Above every pid that there can be: nothing of such a process is found in ``/proc``."""

SERVER, ROOT, STRAY = BASE + 1, BASE + 2, BASE + 3
KEY = PaneKey(SERVER, 1000, "%1")
TICKS = 100


def write_stat(parent: int, start: int, ticks: int) -> bytes:
    """Write what ``/proc`` tells of a process, up to when it began."""
    return b"1 (sh) S %d 0 0 0 0 0 0 0 0 0 %d 0 0 0 20 0 1 0 %d 0" % (parent, ticks, start)


def build(*rows: tuple[int, int, int, int]) -> Table:
    """Make a table of processes: pid, parent, start, ticks of CPU time."""
    processes: dict[int, Process] = {}
    children: dict[int, list[int]] = {}
    for pid, parent, start, ticks in rows:
        processes[pid] = Process(write_stat(parent, start, ticks))
        children.setdefault(parent, []).append(pid)
    return Table(processes, children)


class Machine:
    """Trees over processes that are made up."""

    def __init__(self, *rows: tuple[int, int, int, int], mark: Mark | None) -> None:
        self.table = build(*rows)
        self.mark = mark
        self.asked: list[int] = []
        self.trees = Trees(lambda: self.table, self.find)

    def find(self, pid: int) -> Mark | None:
        self.asked.append(pid)
        return self.mark if pid == STRAY else None

    def look(self) -> tuple[int, float]:
        """Give how many processes the pane has, and their CPU seconds."""
        usage = self.trees.measure({KEY: ROOT})[KEY]
        return usage.processes, usage.cpu_seconds


PANE = ((SERVER, 1, 10, 0), (ROOT, SERVER, 20, 100))


def test_a_process_is_asked_once() -> None:
    machine = Machine(*PANE, (STRAY, 1, 30, 500), mark=Mark(SERVER, "%1"))
    assert machine.look() == machine.look() == (2, 6.0)
    assert sorted(machine.asked) == [SERVER, STRAY], "those of the tree are never asked"


def test_the_next_with_the_same_pid_is_asked_anew() -> None:
    machine = Machine(*PANE, (STRAY, 1, 30, 500), mark=Mark(SERVER, "%1"))
    assert machine.look() == (2, 6.0)
    machine.mark = None
    machine.table = build(*PANE, (STRAY, 1, 40, 7000))
    assert machine.look() == (1, 6.0), "what the first one used stays, the second one's is not its"
    machine.mark = Mark(SERVER, "%1")
    machine.table = build(*PANE, (STRAY, 1, 50, 200))
    assert machine.look() == (2, 8.0)


def test_a_process_that_is_older_than_the_server_had_another_one() -> None:
    mark = Mark(SERVER, "%1")
    assert Machine(*PANE, (STRAY, 1, 9, 500), mark=mark).look() == (1, 1.0)
    assert Machine(*PANE, (STRAY, 1, 10, 500), mark=mark).look() == (2, 6.0)


def test_marks_of_other_servers_and_panes_are_not_ours() -> None:
    for mark in (Mark(SERVER + 9, "%1"), Mark(SERVER, "%2")):
        assert Machine(*PANE, (STRAY, 1, 30, 500), mark=mark).look() == (1, 1.0)


def test_what_is_in_the_tree_counts_there_whatever_it_names() -> None:
    machine = Machine(*PANE, (STRAY, ROOT, 30, 500), mark=Mark(SERVER, "%2"))
    assert machine.look() == (2, 6.0)


def test_a_tree_that_bites_its_tail_ends() -> None:
    """Pids may be used again while they are read."""
    machine = Machine(
        *PANE, (STRAY, STRAY + 1, 30, 500), (STRAY + 1, STRAY, 30, 100), mark=Mark(SERVER, "%1")
    )
    assert machine.look() == (3, 7.0)


def test_what_ends_while_processes_are_read_counts_once() -> None:
    """Its parent was read before it had waited for it, and it was to be read after that."""
    machine = Machine(*PANE, (STRAY, ROOT, 30, 5000), mark=None)
    assert machine.look() == (2, 51.0)
    machine.table = build(*PANE)
    assert machine.look() == (1, 51.0)
    machine.table = build(PANE[0], (ROOT, SERVER, 20, 5120))
    assert machine.look() == (1, 51.2)


def test_what_nobody_waits_for_takes_nothing_away_and_hides_nothing() -> None:
    machine = Machine(*PANE, (STRAY, ROOT, 30, 5000), mark=None)
    assert machine.look() == (2, 51.0)
    told = []
    for ticks in (110, 130, 160):
        machine.table = build(PANE[0], (ROOT, SERVER, 20, ticks))
        told.append(machine.look()[1])
    assert told == [51.0, 51.2, 51.5]


def test_what_has_the_number_of_a_panes_first_process_is_not_the_panes() -> None:
    """Nobody has told yet that the pane is gone."""
    machine = Machine(*PANE, mark=None)
    assert machine.look() == (1, 1.0)
    other = (ROOT, 1, 90, 7000)
    for _ in range(2):
        machine.table = build(PANE[0], other)
        assert machine.trees.measure({KEY: ROOT}) == {}
    # Another command in the same pane has another number.
    machine.table = build(PANE[0], other, (STRAY, SERVER, 95, 200))
    assert machine.trees.measure({KEY: STRAY})[KEY].cpu_seconds == 2.0


def test_what_began_after_the_driver_told_of_a_process_is_another_one() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    try:
        process = read_process(child.pid)
        assert process is not None
        began = int(process.start) / os.sysconf("SC_CLK_TCK")
        assert Ownership([], first=True, known_at=began).find(child.pid) != "unseen"
        assert Ownership([], first=True, known_at=began - 1).find(child.pid) == "unseen"
        assert began <= read_clock()
    finally:
        child.kill()
        child.wait()


def test_nothing_is_kept_of_processes_that_are_gone() -> None:
    known: PerProcess[int | None] = PerProcess(lambda pid: pid * 2)
    assert [known.get(pid, b"1") for pid in (1, 2, 3)] == [2, 4, 6]
    known.keep({2})
    assert list(known._known) == [2]  # memory is not seen from outside


def test_what_settles_late_is_asked_at_the_second_look() -> None:
    answers = iter(["settled"])
    known: PerProcess[str] = PerProcess(lambda _: next(answers), "early")
    assert [known.get(1, b"1") for _ in range(3)] == ["early", "settled", "settled"]
