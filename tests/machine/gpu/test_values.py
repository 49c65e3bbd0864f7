"""What the exporter tells of the GPUs of a driver that is well: word for word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from machine.gpu.conftest import Launch
from machine.gpu.fake_nvml import (
    UUIDS,
    FakeNvml,
    describe_all,
    describe_driver,
    describe_gpu,
    describe_mig,
)
from machine.gpu.watching import needs_compiler
from polling import wait_until
from runner.programs import get

pytestmark = needs_compiler
GOLDEN = Path(__file__).parents[2] / "golden" / "gpu.prom"


def describe_divided() -> list[str]:
    """A GPU with everything, one that MIG divides, and one that tells next to nothing."""
    hidden = ("utilization", "process", "pcie")
    divided = [line for line in describe_gpu(1) if line.split()[1].partition("_")[0] not in hidden]
    return [
        *describe_driver(),
        *describe_gpu(0),
        *divided, "1 mig 1", *describe_mig(1, 0), *describe_mig(1, 3),
        f"2 uuid {UUIDS[2]}", "2 name Tesla K80", "2 temperature 35",
    ]  # fmt: skip


def test_the_exposition_is_as_agreed(
    launch: Launch, library: FakeNvml, request: pytest.FixtureRequest
) -> None:
    library.tell(describe_divided())
    exporter = launch(library)
    exporter.wait_for_state("up")
    _, text = get(exporter.port)
    text = "".join(line for line in text.splitlines(keepends=True) if "panewatch_gpu" in line)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_values_are_exact_and_follow_the_driver(launch: Launch, library: FakeNvml) -> None:
    library.tell(describe_all(8))
    exporter = launch(library)
    exporter.wait_for_state("up")
    series = exporter.read()
    for index, uuid in enumerate(UUIDS):
        expected = {
            "utilization_ratio": (90 + index) / 100,
            "memory_used_bytes": (index + 1) << 30,
            "memory_total_bytes": 80 << 30,
            "temperature_celsius": 50 + index,
            "power_watts": 300 + index * 1.5,
            "power_limit_watts": 700,
            "energy_joules_total": 123456789 + index * 0.25,
            "lost": 0,
        }
        for name, value in expected.items():
            assert series[f'gpu_{name}{{gpu="{uuid}"}}'] == value
        assert series[f'gpu_clock_hertz{{clock="sm",gpu="{uuid}"}}'] == (1980 - index) * 1e6
        assert series[f'gpu_throttle{{gpu="{uuid}",reason="sw_power_cap"}}'] == (index > 0)
        assert series[f'gpu_throttle{{gpu="{uuid}",reason="hw_thermal_slowdown"}}'] == (index == 0)
        assert series[f'gpu_ecc_errors_total{{gpu="{uuid}",kind="corrected"}}'] == index
        assert series[f'gpu_pcie_bytes_per_second{{direction="receive",gpu="{uuid}"}}'] == (
            (2000 + index) * 1000
        )
    assert series["gpus_unreadable"] == 0
    library.tell([line.replace("3 utilization 93", "3 utilization 4") for line in describe_all(8)])
    changed = f'gpu_utilization_ratio{{gpu="{UUIDS[3]}"}}'
    wait_until(lambda: exporter.read()[changed] == 0.04, what="the new value")


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        ("nvmlDeviceGetTotalEnergyConsumption", "gpu_energy_joules_total"),
        ("nvmlDeviceGetPcieThroughput", "gpu_pcie_bytes_per_second"),
        ("nvmlEventSetCreate", "gpu_xid_errors_total"),
        ("nvmlDeviceGetMemoryInfo_v2", ""),
        ("nvmlDeviceGetCurrentClocksEventReasons", ""),
    ],
)
def test_a_driver_that_lacks_a_function_lacks_its_metric(
    launch: Launch, library: FakeNvml, tmp_path: Path, missing: str, gone: str
) -> None:
    """An empty ``gone``: an older function tells the same."""
    library.tell(describe_all(1))
    whole = launch(library)
    whole.wait_for_state("up")
    folder = tmp_path / "old"
    folder.mkdir()
    old = FakeNvml(folder, without=[missing])
    old.tell(describe_all(1))
    exporter = launch(old)
    exporter.wait_for_state("up")
    assert exporter.success
    expected = {
        name: value
        for name, value in whole.read().items()
        if 'gpu="' in name and not (gone and name.startswith(gone))
    }
    told = {name: value for name, value in exporter.read().items() if 'gpu="' in name}
    assert told == expected


def test_processes_are_on_the_board_and_nowhere_else(launch: Launch, library: FakeNvml) -> None:
    """No metric names a process; other collectors find them."""
    library.tell(describe_all(2))
    exporter = launch(library)
    exporter.wait_for_state("up")
    assert "4001" not in get(exporter.port)[1]
    program = """
from panewatch.config import Config
from panewatch.machine.gpu.board import GpuBoard
from panewatch.machine.gpu.collector import GpuCollector

board = GpuBoard()
assert board.read().gpus == ()
collector = GpuCollector(Config(), board)
list(collector.collect())
for gpu in board.read().gpus:
    for process in gpu.processes:
        print(gpu.index, process.pid, process.memory, process.utilization)
collector.stop()
assert board.read().gpus == ()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, timeout=30,
        env={**os.environ, **exporter.environment(), **library.environment},
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        f"0 4000 {1 << 29} 0.4", "0 5000 None None", f"1 4001 {1 << 30} 0.41", "1 5000 None None",
    ]  # fmt: skip
