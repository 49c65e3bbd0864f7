"""Without GPUs that can be read all the rest goes on: fault 33, and beside a hung driver 35."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from machine.attribution.crew import Crew
from machine.attribution.watching import AttributionExporter
from machine.gpu.fake_nvml import FakeNvml, describe_all, describe_driver
from machine.gpu.watching import needs_compiler
from polling import wait_until

pytestmark = needs_compiler

OTHERS = ("panes", "host", "attribution", "process")
FAMILIES = ("host_cpu_seconds_total", "host_memory_bytes", "host_filesystem_avail_bytes",
            "pane_cpu_seconds_total", "pane_memory_bytes", "tmux_server_up")  # fmt: skip


class WholeExporter(AttributionExporter):
    """A running exporter that watches a tmux server, the machine and its GPUs."""

    timeout = "1s"
    collectors = """\
  host: {interval: 100ms}
  gpu: {interval: 100ms}
"""

    def list_others(self) -> set[str]:
        """Give the series of panes and of the machine."""
        return {name for name in self.read() if name.partition("{")[0] in FAMILIES}


@pytest.fixture
def watch(tmp_path: Path, crew: Crew) -> Iterator[Callable[[FakeNvml | None], WholeExporter]]:
    crew.open(":", first=True)
    with contextlib.ExitStack() as stack:

        def start(library: FakeNvml | None) -> WholeExporter:
            exporter = WholeExporter(library, tmp_path, crew.tmux.socket)
            stack.callback(exporter.kill)
            wait_until(
                lambda: (
                    {name.partition("{")[0] for name in exporter.list_others()} == set(FAMILIES)
                ),
                what="panes and the machine",
            )
            return exporter

        yield start


def check_others(exporter: WholeExporter, before: set[str]) -> None:
    told = exporter.read()
    assert told["gpu_up"] == 0
    assert [told[f'collector_success{{collector="{name}"}}'] for name in OTHERS] == [1.0] * 4
    assert exporter.list_others() == before
    assert exporter.read_gpus() == {}


def test_33_panes_and_machine_go_on_whatever_becomes_of_the_driver(
    watch: Callable[[FakeNvml | None], WholeExporter],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    library = FakeNvml(tmp_path_factory.mktemp("nvml"))
    library.tell(describe_all(1))
    exporter = watch(library)
    exporter.wait_for_state("up")
    before = exporter.list_others()
    faults = {
        "no_driver": ["* ! * error 9"],
        "driver_mismatch": ["* ! * error 18"],
        "error": ["* ! * error 999"],
        "timeout": ["* ! * hang", *describe_all(1)],
    }
    for state, lines in faults.items():
        library.tell(lines)
        exporter.wait_for_state(state)
        check_others(exporter, before)
    library.tell(describe_all(1))
    exporter.wait_for_state("up")
    assert exporter.list_others() == before


@pytest.mark.parametrize("state", ["no_library", "no_gpu", "missing_symbol"])
def test_33_panes_and_machine_are_told_where_there_never_was_a_gpu(
    watch: Callable[[FakeNvml | None], WholeExporter],
    tmp_path_factory: pytest.TempPathFactory,
    state: str,
) -> None:
    library = None
    if state != "no_library":
        without = ["nvmlDeviceGetCount_v2"] if state == "missing_symbol" else []
        library = FakeNvml(tmp_path_factory.mktemp("nvml"), without)
        library.tell(describe_driver())
    exporter = watch(library)
    exporter.wait_for_state(state)
    check_others(exporter, exporter.list_others())
