"""Processes that have left their pane's tree still count in it: real ones, in a real tmux."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from machine.attribution.crew import WAYS, Crew
from panewatch.machine.attribution.ownership import Ownership
from panewatch.panes.accounts import PaneView
from panewatch.panes.processes import Usage, measure_trees
from panewatch.panes.trees import Trees
from polling import wait_until


def measure(crew: Crew, trees: Trees) -> dict[str, Usage]:
    return {key.pane_id: usage for key, usage in trees.measure(crew.list_panes()).items()}


def wait_for_init(pid: int) -> None:
    """Wait until a process is no longer below its pane."""
    stat = Path(f"/proc/{pid}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[1] == "1", what="a new parent")


@pytest.mark.parametrize("way", WAYS)
def test_what_left_the_tree_counts_in_its_pane_and_no_other(crew: Crew, way: str) -> None:
    pane = crew.open(WAYS[way].format(worker=crew.call("w", cpu=0.3, memory=40)), first=True)
    other = crew.open(":")
    report = crew.find("w")
    wait_for_init(report["pid"])
    tree = measure_trees(crew.list_panes().values())
    assert [usage.processes for usage in tree.values()] == [1, 1], "it is in no tree"
    usages = measure(crew, Trees())
    assert [pid for pid, _ in usages[pane].strays] == [report["pid"]]
    assert usages[pane].processes == 2
    assert usages[pane].cpu_seconds >= report["cpu"]
    assert usages[pane].memory_bytes >= report["resident"]
    assert usages[other].processes == 1
    assert usages[other].strays == ()


def test_what_it_used_stays_when_it_ends(crew: Crew) -> None:
    first, second = crew.call("a", cpu=0.4, write=3), crew.call("b", cpu=0.2)
    pane = crew.open(f"(setsid {first} &); (setsid {second} &)", first=True)
    crew.find("a")
    crew.find("b")
    trees = Trees()
    before = measure(crew, trees)[pane]
    assert before.processes == 3
    crew.end("a")
    after = measure(crew, trees)[pane]
    assert after.processes == 2
    # Less than the two used to their own clocks: the kernel counts ticks.
    assert after.cpu_seconds >= before.cpu_seconds >= 0.5
    assert after.memory_bytes < before.memory_bytes
    assert after.written_bytes == before.written_bytes
    crew.end("b")
    last = measure(crew, trees)[pane]
    assert (last.processes, last.strays) == (1, ())
    assert last.cpu_seconds >= after.cpu_seconds


def test_what_a_stray_has_waited_for_counts_once(crew: Crew) -> None:
    """The parent counts it from then on; to keep it besides would count it twice."""
    shell = f"(setsid sh -c '{crew.call('child', cpu=0.5)}; {crew.call('next')}' &)"
    pane = crew.open(shell, first=True)
    crew.find("child")
    trees = Trees()
    before = measure(crew, trees)[pane]
    assert before.processes == 3
    crew.end("child")
    used = crew.find("next")["cpu"]
    after = measure(crew, trees)[pane]
    assert after.processes == 3
    assert before.cpu_seconds <= after.cpu_seconds <= before.cpu_seconds + used + 0.2


def test_an_environment_that_names_nothing_is_known_from_before(crew: Crew) -> None:
    worker = crew.call("w", cpu=0.2)
    crew.open("sleep 1000", first=True)
    pane = crew.open(f"sh -c 'env -i {worker} & wait'")
    pid = crew.find("w")["pid"]
    trees = Trees()
    before = measure(crew, trees)[pane]
    assert before.processes == 3
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    wait_for_init(pid)
    after = measure(crew, trees)[pane]
    assert [stray for stray, _ in after.strays] == [pid]
    assert measure(crew, Trees())[pane].strays == (), "who comes later cannot know"


def test_what_a_stray_begins_without_an_environment_is_its_panes(crew: Crew) -> None:
    pane = crew.open(f"(setsid sh -c 'env -i {crew.call('w')}; :' &)", first=True)
    pid = crew.find("w")["pid"]
    usage = measure(crew, Trees())[pane]
    assert pid in [stray for stray, _ in usage.strays]
    assert len(usage.strays) == 2


_FORK_AND_BEGIN = """
import os, sys
child = os.fork()
if not child:
    sys.stdin.readline()
    os.execve(sys.argv[3], sys.argv[3:], {"TMUX": sys.argv[1], "TMUX_PANE": sys.argv[2]})
print(child, flush=True)
os.wait()
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param([shutil.which("sleep"), "1001"], id="another name"),
        pytest.param([sys.executable, "-c", "input()"], id="the same name"),
    ],
)
def test_what_is_given_a_pane_only_as_it_begins_its_program_is_the_panes(
    crew: Crew, program: list[str]
) -> None:
    """As a service forks, and the fork goes on as what it was asked for."""
    pane = crew.open(":", first=True)
    (key,) = crew.list_panes()
    server = f"{crew.tmux.socket},{key.server_pid},0"
    service = subprocess.Popen(
        [sys.executable, "-c", _FORK_AND_BEGIN, server, pane, *program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("TMUX")},
    )  # fmt: skip
    assert service.stdin is not None
    assert service.stdout is not None
    child = int(service.stdout.readline())
    trees = Trees()

    def list_strays() -> list[int]:
        return [stray for stray, _ in measure(crew, trees)[pane].strays]

    try:
        assert list_strays() == []
        service.stdin.write("\n")
        service.stdin.flush()
        wait_until(lambda: list_strays() == [child], what="it is the pane's")
    finally:
        os.kill(child, signal.SIGKILL)
        service.communicate()


def test_strays_go_with_their_pane(crew: Crew) -> None:
    crew.open("sleep 1000", first=True)
    pane = crew.open(f"(setsid {crew.call('w')} &)")
    pid = crew.find("w")["pid"]
    trees = Trees()
    assert measure(crew, trees)[pane].processes == 2
    crew.tmux.run("kill-pane", "-t", pane)
    usages = measure(crew, trees)
    assert pane not in usages
    assert [usage.strays for usage in usages.values()] == [()]
    assert Path(f"/proc/{pid}").exists()


_ADOPT = """
import ctypes, subprocess, sys
SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
subprocess.run(sys.argv[2:], check=True)
open(sys.argv[1], "w").close()
input()
"""


def test_a_tmux_server_that_the_pane_adopts_has_panes_of_its_own_too(crew: Crew) -> None:
    begun, inner = crew.tmux.folder / "begun", f"{crew.tmux.folder}/inner"
    begin = ["tmux", "-S", inner, "-f", "/dev/null", "new-session", "-d", "sleep 1001"]
    pane = crew.tmux.start(shlex.join([sys.executable, "-c", _ADOPT, str(begun), *begin]))
    wait_until(begun.exists, what="the inner server")
    try:
        usage = measure(crew, Trees())[pane]
        assert (usage.processes, usage.strays) == (1, ())
        root = next(iter(crew.list_panes().values()))
        view = cast("PaneView", SimpleNamespace(pid=root, identity="outer", strays=()))
        owners = Ownership([view], first=True, known_at=math.inf)
        asked = ["tmux", "-S", inner, "list-panes", "-F", "#{pane_pid}"]
        inside = int(subprocess.check_output(asked, text=True))
        assert (owners.find(root), owners.find(inside)) == ("outer", "other")
    finally:
        crew.tmux.run("run-shell", f"tmux -S {inner} kill-server || true")


def test_a_tmux_server_begun_in_a_pane_has_panes_of_its_own(crew: Crew) -> None:
    inner = f"tmux -S {crew.tmux.folder}/inner -f /dev/null new-session -d sleep 1001"
    pane = crew.open(f"env -u TMUX {inner}; touch {crew.tmux.folder}/begun", first=True)
    wait_until((crew.tmux.folder / "begun").exists, what="the inner server")
    try:
        usage = measure(crew, Trees())[pane]
        assert (usage.processes, usage.strays) == (1, ())
        plain = crew.open(f"{inner.replace('inner', 'other')}; touch {crew.tmux.folder}/second")
        wait_until((crew.tmux.folder / "second").exists, what="the second one")
        usage = measure(crew, Trees())[plain]
        assert (usage.processes, usage.strays) == (1, ())
    finally:
        for name in ("inner", "other"):
            socket = f"{crew.tmux.folder}/{name}"
            crew.tmux.run("run-shell", f"tmux -S {socket} kill-server || true")
