"""Drivers and GPUs that are missing, fail, hang, get lost and come back: faults 33 to 35."""

from __future__ import annotations

import signal
import time

import pytest

from machine.gpu.conftest import Launch
from machine.gpu.fake_nvml import UUIDS, FakeNvml, describe_all, describe_driver
from machine.gpu.watching import HANGS, GpuExporter, needs_compiler
from polling import wait_until
from runner.programs import get, panewatch

pytestmark = needs_compiler
HANG = "* ! * hang"
PROCESS_WELL = 'collector_success{collector="process"}'


def read_others(exporter: GpuExporter, uuid: str) -> dict[str, float]:
    """The series of all GPUs but one."""
    return {name: value for name, value in exporter.read_gpus().items() if uuid not in name}


def test_33_a_machine_without_the_library_is_well(launch: Launch) -> None:
    exporter = launch(None)
    exporter.wait_for_state("no_library")
    assert exporter.success
    assert exporter.read_gpus() == {}
    assert "collector failed" not in exporter.log


@pytest.mark.parametrize(
    ("code", "state", "well"),
    [
        (9, "no_driver", True),
        (18, "driver_mismatch", False),
        (4, "error", False),
        (999, "error", False),
    ],
)
def test_33_a_driver_that_refuses_and_then_works(
    launch: Launch, library: FakeNvml, code: int, state: str, well: bool
) -> None:
    library.tell([f"* ! nvmlInitWithFlags error {code}", *describe_all(2)])
    exporter = launch(library)
    exporter.wait_for_state(state)
    assert exporter.success is well
    assert exporter.read_gpus() == {}
    assert exporter.read()[PROCESS_WELL] == 1
    library.tell(describe_all(2))
    exporter.wait_for_state("up")
    assert exporter.success


def test_33_a_driver_without_gpus_is_well(launch: Launch, library: FakeNvml) -> None:
    library.tell(describe_driver())
    exporter = launch(library)
    exporter.wait_for_state("no_gpu")
    assert exporter.success
    assert exporter.read()["gpus_unreadable"] == 0


def test_33_a_library_that_lacks_what_all_depends_on(
    launch: Launch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old = FakeNvml(tmp_path_factory.mktemp("old"), without=["nvmlDeviceGetCount_v2"])
    old.tell(describe_all(1))
    exporter = launch(old)
    exporter.wait_for_state("missing_symbol")
    assert exporter.success is False
    assert exporter.read_gpus() == {}
    assert exporter.read()[PROCESS_WELL] == 1


@pytest.mark.parametrize(
    "fault",
    [
        "3 ! * error 15",
        "3 ! * error 16",
        "3 ! * error 999",
        "3 ! nvmlDeviceGetTemperature error 15",
    ],
)
def test_34_one_of_eight_is_lost_and_comes_back(
    launch: Launch, library: FakeNvml, fault: str
) -> None:
    library.tell(describe_all(8))
    exporter = launch(library)
    exporter.wait_for_state("up")
    before, others = exporter.read_gpus(), read_others(exporter, UUIDS[3])
    assert len(before) == len(others) // 7 * 8
    library.tell([fault, *describe_all(8)])
    lost = f'gpu_lost{{gpu="{UUIDS[3]}"}}'
    wait_until(lambda: exporter.read()[lost] == 1, what="it is lost")
    after = exporter.read_gpus()
    assert read_others(exporter, UUIDS[3]) == others
    left = {name for name in after if UUIDS[3] in name}
    assert left == {lost}
    assert exporter.state == "up"
    assert exporter.success
    assert exporter.read()["gpus_unreadable"] == 1
    library.tell(describe_all(8))
    wait_until(lambda: exporter.read_gpus() == before, what="it is back, as it was")


def test_one_that_was_never_read_is_counted(launch: Launch, library: FakeNvml) -> None:
    library.tell(["1 ! * error 15", *describe_all(2)])
    exporter = launch(library)
    exporter.wait_for_state("up")
    assert exporter.read()["gpus_unreadable"] == 1
    assert not any(UUIDS[1] in name for name in exporter.read_gpus())


def test_one_that_the_driver_counts_no_more_is_lost(launch: Launch, library: FakeNvml) -> None:
    library.tell(describe_all(2))
    exporter = launch(library)
    exporter.wait_for_state("up")
    library.tell(describe_all(1))
    wait_until(lambda: exporter.read()[f'gpu_lost{{gpu="{UUIDS[1]}"}}'] == 1, what="lost")
    assert exporter.read()["gpus_unreadable"] == 0
    library.tell(describe_driver())
    exporter.wait_for_state("lost")
    assert exporter.success is False


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(["0 ! * error 15", "1 ! * error 15"], id="each"),
        pytest.param(["* ! nvmlDeviceGetCount_v2 error 15"], id="they cannot be counted"),
        pytest.param(["* ! * error 15"], id="nothing can be asked"),
    ],
)
def test_all_are_lost(launch: Launch, library: FakeNvml, faults: list[str]) -> None:
    library.tell(describe_all(2))
    exporter = launch(library)
    exporter.wait_for_state("up")
    library.tell([*faults, *describe_all(2)])
    exporter.wait_for_state("lost")
    assert [exporter.read()[f'gpu_lost{{gpu="{uuid}"}}'] for uuid in UUIDS[:2]] == [1, 1]


@pytest.mark.parametrize(
    ("code", "reason"), [(3, ""), (4, "permission"), (10, "timeout"), (999, "unknown")]
)
def test_34_one_value_that_fails_leaves_the_others(
    launch: Launch, library: FakeNvml, code: int, reason: str
) -> None:
    library.tell(describe_all(2))
    exporter = launch(library)
    exporter.wait_for_state("up")
    before = exporter.read_gpus()
    gone = f'gpu_power_watts{{gpu="{UUIDS[1]}"}}'
    library.tell([f"1 ! nvmlDeviceGetPowerUsage error {code}", *describe_all(2)])
    wait_until(lambda: gone not in exporter.read(), what="the value is gone")
    after = exporter.read()
    assert exporter.read_gpus() == {name: v for name, v in before.items() if name != gone}
    failed = {
        name: value
        for name, value in after.items()
        if name.startswith("gpu_read_failures_total") and value
    }
    assert list(failed) == ([f'gpu_read_failures_total{{reason="{reason}"}}'] if reason else [])


def test_the_driver_is_restarted(launch: Launch, library: FakeNvml) -> None:
    """The library forgets that it was opened; the exporter opens it again."""
    library.tell(describe_all(2))
    exporter = launch(library)
    exporter.wait_for_state("up")
    before = exporter.read_gpus()
    library.tell(["* ! * error 9", *describe_all(2)])
    exporter.wait_for_state("no_driver")
    assert exporter.read_gpus() == {}
    library.tell(["* ! nvmlDeviceGetCount_v2 error 1", *describe_all(2)])
    exporter.wait_for_state("error")
    library.tell(describe_all(2))
    exporter.wait_for_state("up")
    assert exporter.read_gpus() == before


def test_35_a_hang_holds_one_thread_and_nothing_else(launch: Launch, library: FakeNvml) -> None:
    library.tell(describe_all(8))
    exporter = launch(library, timeout=HANGS)
    exporter.wait_for_state("up")
    wait_until(lambda: len(exporter.read_gpus()) > 8 * 10, what="all GPUs")
    before, threads = exporter.read_gpus(), exporter.count_threads()
    library.tell([HANG, *describe_all(8)])
    exporter.wait_for_state("timeout")
    assert exporter.read_gpus() == {}
    slowest = 0.0
    for _ in range(500):
        begun = time.monotonic()
        status, text = get(exporter.port)
        slowest = max(slowest, time.monotonic() - begun)
        assert status == 200
        assert 'panewatch_gpu_state{state="timeout"} 1.0' in text
        assert "panewatch_gpu_info" not in text
        assert 'panewatch_collector_success{collector="gpu"} 0.0' in text
        assert 'panewatch_collector_success{collector="process"} 1.0' in text
    assert slowest < 5, "the limit of a scrape"
    exporter.wait_for_threads(threads)
    library.tell(describe_all(8))
    exporter.wait_for_state("up")
    wait_until(lambda: exporter.read_gpus() == before, what="all is as it was")
    exporter.wait_for_threads(threads)
    assert exporter.log.count("reason=unavailable") == 1
    assert "Traceback" not in exporter.log


@pytest.mark.parametrize("call", ["*", "nvmlInitWithFlags", "nvmlEventSetWait_v2"])
def test_35_it_ends_while_the_driver_hangs(launch: Launch, library: FakeNvml, call: str) -> None:
    waits_only = call == "nvmlEventSetWait_v2"
    library.tell([f"* ! {call} hang", *describe_all(1)])
    exporter = launch(library, timeout=HANGS)
    exporter.wait_for_state("up" if waits_only else "timeout")
    exporter.signal(signal.SIGTERM)
    assert exporter.process.wait(30) == 0
    library.tell(describe_all(1))


def test_a_slow_driver_is_waited_for(launch: Launch, library: FakeNvml) -> None:
    library.tell(["0 ! nvmlDeviceGetPowerUsage delay 200", *describe_all(1)])
    exporter = launch(library)
    exporter.wait_for_state("up")
    assert exporter.success
    assert exporter.read()[f'gpu_power_watts{{gpu="{UUIDS[0]}"}}'] == 300


def test_diagnose_tells_what_is_there_and_why_not(library: FakeNvml) -> None:
    def diagnose() -> tuple[int, str]:
        off = [f"--no-collector.{name}" for name in ("panes", "errors", "training", "repositories")]
        done = panewatch("diagnose", *off, env=library.environment)
        return done.returncode, done.stdout

    library.tell(["1 ! * error 15", *describe_all(3)])
    code, text = diagnose()
    assert code == 1
    assert f"gpu 0: NVIDIA H100 80GB HBM3, {UUIDS[0]}" in text
    assert f"gpu 2: NVIDIA H100 80GB HBM3, {UUIDS[2]}" in text
    assert "gpu: 1 of the GPUs cannot be read" in text
    library.tell(["* ! nvmlInitWithFlags error 18"])
    code, text = diagnose()
    assert code == 1
    assert "gpu: driver_mismatch: the driver and its library are of different versions" in text
    library.tell(describe_driver())
    code, text = diagnose()
    assert code == 0
    assert "gpu: no_gpu" in text


def test_two_gpus_of_one_uuid_are_told_once(launch: Launch, library: FakeNvml) -> None:
    """A series that is there twice would cost the whole scrape."""
    library.tell([line.replace(UUIDS[1], UUIDS[0]) for line in describe_all(2)])
    exporter = launch(library)
    exporter.wait_for_state("up")
    _, text = get(exporter.port)
    series = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(set(series)) == len(series)
    assert exporter.read()[f'gpu_info{{driver="570.86.15",gpu="{UUIDS[0]}",index="0",'
                           'name="NVIDIA H100 80GB HBM3"}'] == 1  # fmt: skip
    assert exporter.read()["gpus_unreadable"] == 1
