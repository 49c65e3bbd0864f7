"""A burst of what a server reads is seen without asking it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from panewatch.panes.proc import ProcFile
from panewatch.panes.wake import WakeWatch


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    """A file as the kernel keeps for each process."""
    path = tmp_path / "io"
    path.write_text("rchar: 1000\nwchar: 5\n")
    return path


@pytest.fixture
def wake(counter: Path) -> WakeWatch:
    watch = WakeWatch(os.getpid())
    watch._file = ProcFile(str(counter))
    watch.restart(0.0)
    return watch


def test_a_quiet_server_does_not_burst(wake: WakeWatch, counter: Path) -> None:
    counter.write_text("rchar: 5000\n")
    assert not wake.bursts(1.0)


def test_a_flood_bursts(wake: WakeWatch, counter: Path) -> None:
    counter.write_text("rchar: 9000\n")
    assert wake.bursts(1.0)


def test_what_is_usual_is_no_burst(wake: WakeWatch, counter: Path) -> None:
    count = 1000
    for second in range(1, 40):
        count += 100_000
        counter.write_text(f"rchar: {count}\n")
        wake.restart(float(second))
    counter.write_text(f"rchar: {count + 100_000}\n")
    assert not wake.bursts(40.0)
    counter.write_text(f"rchar: {count + 900_000}\n")
    assert wake.bursts(40.0)


@pytest.mark.parametrize("text", ["", "garbage", "rchar: x\n", "rchar:\n"])
def test_a_file_that_cannot_be_read_never_bursts(wake: WakeWatch, counter: Path, text: str) -> None:
    counter.write_text(text)
    assert not wake.bursts(1.0)
    wake.restart(1.0)
    assert not wake.bursts(2.0)


def test_a_server_elsewhere_is_not_watched() -> None:
    wake = WakeWatch(None)
    wake.restart(0.0)
    assert not wake.watches
    assert not wake.bursts(1.0)


def test_a_clock_that_falls_does_no_harm(wake: WakeWatch, counter: Path) -> None:
    counter.write_text("rchar: 2000\n")
    wake.restart(-50.0)
    assert not wake.bursts(-60.0)


def test_our_own_process_is_watched() -> None:
    wake = WakeWatch(os.getpid())
    wake.restart(0.0)
    with Path("/dev/zero").open("rb", buffering=0) as zero:
        zero.read(100_000)
    assert wake.bursts(0.1)


def test_a_file_that_goes_is_told_as_unknown_and_one_that_comes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "late"
    file = ProcFile(str(path))
    assert file.read(8) is None
    path.write_text("first")
    assert file.read(3) == b"fir"
    path.write_text("second")
    assert file.read(8) == b"second"


def test_a_process_that_ended_is_told_as_unknown() -> None:
    sleeper = subprocess.Popen(["sleep", "100"])
    file = ProcFile(f"/proc/{sleeper.pid}/io")
    assert file.read(64) is not None
    sleeper.kill()
    sleeper.wait()
    assert file.read(64) is None
    assert file.read(64) is None


def test_a_file_is_closed_with_its_last_user() -> None:
    held = len(list(Path("/proc/self/fd").iterdir()))
    file = ProcFile("/proc/self/io")
    assert file.read(8) is not None
    assert len(list(Path("/proc/self/fd").iterdir())) == held + 1
    del file
    assert len(list(Path("/proc/self/fd").iterdir())) == held
