"""Processes in panes, processes elsewhere, and a driver that says what they have of its GPUs."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from machine.attribution.crew import WAYS, WORKER, Crew
from machine.attribution.watching import AttributionExporter
from machine.gpu.fake_nvml import UUIDS, FakeNvml, describe_driver
from machine.gpu.watching import needs_compiler
from polling import wait_until

pytestmark = needs_compiler

GIB = 2**30
MEMORY, PROCESSES = "pane_gpu_memory_bytes", "pane_gpu_processes"
UTILIZATION = "pane_gpu_utilization_ratio"
OUTSIDE, OUTSIDE_MEMORY = "gpu_outside_panes_processes", "gpu_outside_panes_memory_bytes"


def describe(*gpus: list[str]) -> list[str]:
    """GPUs on which these processes are."""
    lines = describe_driver()
    for index, processes in enumerate(gpus):
        lines += [f"{index} uuid {UUIDS[index]}", f"{index} utilization 50"]
        lines += [f"{index} process {process}" for process in processes]
    return lines


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FakeNvml:
    return FakeNvml(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def launch(
    library: FakeNvml, tmp_path: Path, crew: Crew
) -> Iterator[Callable[[], AttributionExporter]]:
    with contextlib.ExitStack() as stack:

        def start() -> AttributionExporter:
            exporter = AttributionExporter(library, tmp_path, crew.tmux.socket)
            stack.callback(exporter.kill)
            return exporter

        yield start


@pytest.fixture
def stranger(crew: Crew) -> Iterator[int]:
    """A process of this user that is in no pane."""
    words = [sys.executable, str(WORKER), str(crew.tmux.folder), "stranger", "0", "0", "0"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TMUX")}
    process = subprocess.Popen(words, env=environment)
    yield crew.find("stranger")["pid"]
    process.kill()
    process.wait()


def wait_for(read: Callable[[], object], expected: object) -> None:
    wait_until(lambda: read() == expected, what=f"{expected}, not {read()}")


def test_what_processes_have_of_gpus_is_their_panes(
    crew: Crew, library: FakeNvml, launch: Callable[[], AttributionExporter], stranger: int
) -> None:
    """A pane with two processes below a shell, one that left its pane, one that is in none."""
    crew.open(f"{crew.call('a')} & {crew.call('b')} & wait", first=True)
    leaver = shlex.join(["sh", "-c", f"{WAYS['setsid'].format(worker=crew.call('c'))}; sleep 1000"])
    crew.tmux.run("new-session", "-d", "-s", "gone", leaver)
    a, b, c = (crew.find(name)["pid"] for name in "abc")
    library.tell(
        describe(
            [f"{a} {GIB} 30", f"{b} {2 * GIB} 20", f"{stranger} {4 * GIB} 7"],
            [f"{b} {3 * GIB} 0", f"{c} {5 * GIB} 90", f"{2**22 + 5} {6 * GIB} 1"],
        )
    )
    exporter = launch()
    first, second = UUIDS[:2]
    wait_for(
        lambda: exporter.read_family(MEMORY),
        {("main", first): 3 * GIB, ("main", second): 3 * GIB, ("gone", second): 5 * GIB},
    )
    assert exporter.read_family(PROCESSES) == {
        ("main", first): 2, ("main", second): 1, ("gone", second): 1,
    }  # fmt: skip
    assert exporter.read_family(UTILIZATION) == {
        ("main", first): 0.5, ("main", second): 0.0, ("gone", second): 0.9,
    }  # fmt: skip
    assert exporter.read_family(OUTSIDE) == {
        (first, "other"): 1, (first, "container"): 0, (first, "unseen"): 0,
        (second, "other"): 0, (second, "container"): 0, (second, "unseen"): 1,
    }  # fmt: skip
    memory = exporter.read_family(OUTSIDE_MEMORY)
    assert memory[first, "other"] == 4 * GIB
    assert memory[second, "unseen"] == 6 * GIB
    assert str(c) not in exporter.log


def test_what_the_driver_does_not_tell_is_absent(
    crew: Crew, library: FakeNvml, launch: Callable[[], AttributionExporter], stranger: int
) -> None:
    crew.open(crew.call("a"), first=True)
    a = crew.find("a")["pid"]
    library.tell(describe([f"{a} -", f"{stranger} -"], []))
    exporter = launch()
    wait_for(lambda: exporter.read_family(PROCESSES), {("main", UUIDS[0]): 1})
    assert exporter.read_family(MEMORY) == {}
    assert exporter.read_family(UTILIZATION) == {}
    assert exporter.read_family(OUTSIDE)[UUIDS[0], "other"] == 1
    memory = exporter.read_family(OUTSIDE_MEMORY)
    assert (UUIDS[0], "other") not in memory
    assert memory[UUIDS[1], "other"] == 0


def test_a_share_that_cannot_be_read_leaves_what_processes_hold(
    crew: Crew, library: FakeNvml, launch: Callable[[], AttributionExporter]
) -> None:
    crew.open(crew.call("a"), first=True)
    a = crew.find("a")["pid"]
    library.tell(["0 ! nvmlDeviceGetProcessUtilization error 999", *describe([f"{a} {GIB} 30"])])
    exporter = launch()
    wait_for(lambda: exporter.read_family(MEMORY), {("main", UUIDS[0]): GIB})
    assert exporter.read_family(UTILIZATION) == {}
    assert exporter.read()['gpu_read_failures_total{reason="unknown"}'] > 0


def test_series_end_with_the_process_and_with_the_pane(
    crew: Crew, library: FakeNvml, launch: Callable[[], AttributionExporter]
) -> None:
    crew.open("sleep 1000", first=True)
    panes = [crew.open(crew.call(name)) for name in ("a", "b")]
    leaver = crew.open(WAYS["nohup"].format(worker=crew.call("c")))
    pids = [crew.find(name)["pid"] for name in "abc"]
    library.tell(describe([f"{pid} {GIB} 1" for pid in pids]))
    exporter = launch()

    def count() -> float:
        # All three panes are of one session.
        return sum(value for name, value in exporter.read().items() if name.startswith(PROCESSES))

    wait_for(count, 3.0)
    library.tell(describe([f"{pid} {GIB} 1" for pid in pids[1:]]))
    wait_for(count, 2.0)
    crew.tmux.run("kill-pane", "-t", panes[1])
    wait_for(count, 1.0)
    crew.tmux.run("kill-pane", "-t", leaver)
    wait_for(count, 0.0)
    wait_for(lambda: exporter.read_family(OUTSIDE)[UUIDS[0], "other"], 1.0)
    crew.tmux.kill()
    wait_for(lambda: exporter.read()['tmux_server_up{server="tmux.sock"}'], 0.0)
    assert exporter.read_family(PROCESSES) == {}


def test_nothing_stays_while_the_driver_hangs_or_a_gpu_is_lost(
    crew: Crew, library: FakeNvml, launch: Callable[[], AttributionExporter]
) -> None:
    crew.open(crew.call("a"), first=True)
    a = crew.find("a")["pid"]
    well = describe([f"{a} {GIB} 10"], [f"{a} {GIB} 10"])
    library.tell(well)
    exporter = launch()
    both = {("main", UUIDS[0]): 1.0, ("main", UUIDS[1]): 1.0}
    wait_for(lambda: exporter.read_family(PROCESSES), both)
    library.tell([*well, "1 ! * error 15"])
    wait_for(lambda: exporter.read_family(PROCESSES), {("main", UUIDS[0]): 1.0})
    assert (UUIDS[1], "other") not in exporter.read_family(OUTSIDE)
    library.tell([*well, "* ! * hang"])
    wait_for(lambda: exporter.read_family(PROCESSES), {})
    assert exporter.read_family(OUTSIDE) == {}
    assert exporter.read()['collector_success{collector="attribution"}'] == 1
    library.tell(well)
    wait_for(lambda: exporter.read_family(PROCESSES), both)
