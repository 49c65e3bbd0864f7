"""What the exporter tells of a machine that is well: word for word."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from machine.host.conftest import Launch
from machine.host.fake_host import FakeHost
from machine.host.machines import GIB, describe_disk
from machine.host.watching import needs_compiler
from polling import wait_until
from runner.programs import get, panewatch

pytestmark = needs_compiler
GOLDEN = Path(__file__).parents[2] / "golden" / "host.prom"
REAL = re.compile(r"^panewatch_host_(load1|cpus) .*", re.MULTILINE)
"""What comes from the system without a file: the real machine's."""


def test_the_exposition_is_as_agreed(launch: Launch, request: pytest.FixtureRequest) -> None:
    exporter = launch()
    exporter.wait_for('filesystem_device_error{mountpoint="/data"}', 0)
    assert exporter.success
    _, text = get(exporter.port)
    text = "".join(line for line in text.splitlines(keepends=True) if "panewatch_host" in line)
    text = REAL.sub(r"panewatch_host_\1 2.0", text)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_values_are_exact_and_follow_the_machine(launch: Launch, host: FakeHost) -> None:
    exporter = launch()
    exporter.wait_for('filesystem_avail_bytes{mountpoint="/"}', 40 * GIB)
    told = exporter.read_host()
    assert told['filesystem_size_bytes{mountpoint="/"}'] == 100 * GIB
    assert told['filesystem_readonly{mountpoint="/media/old"}'] == 1
    assert told['cpu_seconds_total{mode="idle"}'] == 90000
    assert told['memory_bytes{kind="available"}'] == 9000000 * 1024
    assert told['memory_bytes{kind="swap_free"}'] == 3000000 * 1024
    assert told['pressure_seconds_total{kind="full",resource="memory"}'] == 1.25
    assert told['disk_read_bytes_total{device="sda"}'] == 2000 * 512
    assert told['disk_io_seconds_total{device="sda"}'] == 60
    assert told["load1"] >= 0
    assert told["cpus"] >= 1
    host.write(
        "proc/diskstats",
        describe_disk("sda", reads=100, read=2008, writes=51, written=4016, busy=61500),
    )
    exporter.wait_for('disk_io_seconds_total{device="sda"}', 61.5)
    told = exporter.read_host()
    assert told['disk_read_bytes_total{device="sda"}'] == 2008 * 512
    assert told['disk_written_bytes_total{device="sda"}'] == 4016 * 512
    assert told['disk_operations_total{device="sda",operation="write"}'] == 51
    assert not any("nvme0n1" in name for name in told)


def test_it_is_left_to_others_where_it_is_switched_off(launch: Launch) -> None:
    exporter = launch("--no-collector.host")
    wait_until(lambda: 'collector_success{collector="process"}' in exporter.read(), what="a sample")
    assert exporter.read_host() == {}
    assert not any("host" in name for name in exporter.read())


def test_diagnose_tells_what_is_there(host: FakeHost) -> None:
    off = [f"--no-collector.{name}" for name in ("panes", "errors", "training", "repositories")]
    done = panewatch("diagnose", *off, env=host.environment)
    assert done.returncode == 0
    assert "host: " in done.stdout
    assert "memory, pressure, disks: 3, filesystems: 4" in done.stdout
    host.answer({"/data": "error 5"})
    done = panewatch("diagnose", *off, env=host.environment)
    assert done.returncode == 1
    assert "host: /data does not answer, or with an error" in done.stdout
