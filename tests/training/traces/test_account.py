"""Where the time of steps goes, and what is found wrong, on both sides of every threshold."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.training.traces.account import account
from panewatch.training.traces.event import Event
from panewatch.training.traces.findings import ADVICE
from panewatch.training.traces.profile import FINDINGS, Step
from panewatch.training.traces.timeline import Timeline
from training.traces.forge import (
    call,
    copy,
    findings,
    kernel,
    profile,
    shares,
    span,
    step,
    wait,
)  # fmt: skip


def test_without_a_device_waiting_comes_first_and_operators_compute(tmp_path: Path) -> None:
    found = profile(
        tmp_path, step(4, 0, 100), wait(0, 30), span("aten::stack", 10, 10),
        span("aten::mm", 40, 20), span("Optimizer.step#SGD.step", 55, 25, "user_annotation"),
    )  # fmt: skip
    assert shares(found) == {"data_wait": 0.3, "compute": 0.2, "other": 0.2, "idle": 0.3}
    assert found.steps == (Step(4, found.seconds),)
    assert found.seconds == pytest.approx(100e-6)
    assert found.device_name == ""


def test_with_a_device_its_work_comes_first(tmp_path: Path) -> None:
    found = profile(
        tmp_path, step(1, 0, 100), wait(0, 30), kernel("gemm", 10, 10), copy(15, 10),
        span("aten::mm", 40, 10), call("cudaLaunchKernel", 50, 5), kernel("gemm", 60, 20, stream=9),
        kernel("gemm", 70, 15), call("cudaDeviceSynchronize", 60, 35),
        deviceProperties=[{"id": 0, "name": "NVIDIA H100"}],
    )  # fmt: skip
    # gemm 10-20 and 60-85; the copy alone 20-25; waiting 0-10 and 25-30; mm, launch, sync.
    assert shares(found) == {
        "compute": 0.35, "memcpy": 0.05, "data_wait": 0.15, "other": 0.25, "idle": 0.2,
    }  # fmt: skip
    assert found.device_name == "NVIDIA H100"


def test_a_device_that_only_communicates_does_not_compute(tmp_path: Path) -> None:
    found = profile(
        tmp_path, step(1, 0, 100), kernel("gemm", 0, 40),
        kernel("ncclDevKernel_AllReduce_Sum_f32_RING_LL", 20, 50, stream=20),
    )  # fmt: skip
    assert shares(found) == {"compute": 0.4, "other": 0.3, "idle": 0.3}
    assert found.communication_ratio == pytest.approx(0.3)


def test_only_what_is_in_steps_has_a_share(tmp_path: Path) -> None:
    found = profile(
        tmp_path, span("warm up", 0, 50), step(3, 100, 10), span("aten::mm", 90, 15),
        span("save", 110, 40), step(4, 150, 30), span("aten::mm", 165, 100),
    )  # fmt: skip
    assert shares(found) == {"compute": 0.5, "idle": 0.5}
    assert [each.number for each in found.steps] == [3, 4]
    assert found.seconds == pytest.approx(40e-6)


def test_without_steps_the_whole_trace_is_one(tmp_path: Path) -> None:
    found = profile(tmp_path, span("aten::mm", 50, 10), span("aten::mm", 80, 20), kernel("k", 0, 1))
    assert found.steps == (Step(None, found.seconds),)
    assert found.seconds == pytest.approx(100e-6)


def test_a_trace_without_time_has_no_shares(tmp_path: Path) -> None:
    found = profile(tmp_path, span("aten::mm", 50, 0))
    assert shares(found) == {}
    assert (found.seconds, found.findings) == (0, ())


@pytest.mark.parametrize(
    "name",
    [
        "enumerate(DataLoader)#_MultiProcessingDataLoaderIter.__next__",
        "enumerate(IterDataPipe)#Shuffler",
        "[pl][profile][_TrainingEpochLoop].train_dataloader_next",
        "[pl][profile][_EvaluationLoop].val_next",
        "[_TrainingEpochLoop].train_dataloader_next",
        "get_train_batch",
        "data_wait",
    ],
)
def test_spellings_of_a_wait_for_data(tmp_path: Path, name: str) -> None:
    found = profile(tmp_path, step(1, 0, 10), span(name, 0, 4, "user_annotation"))
    assert shares(found) == {"data_wait": 0.4, "idle": 0.6}


@pytest.mark.parametrize("name", ["data_wait_less", "my data_wait", "DataLoader.__init__"])
def test_what_only_looks_like_one(tmp_path: Path, name: str) -> None:
    found = profile(tmp_path, step(1, 0, 10), span(name, 0, 4, "user_annotation"))
    assert shares(found) == {"other": 0.4, "idle": 0.6}


def busy(start: float, length: float) -> list[dict[str, object]]:
    return [kernel("gemm", start, length)]


# What makes a finding, and the same a little below what it takes.
CASES = {
    "data_bound": lambda x: [wait(0, 100 + x), span("aten::mm", 110, 890)],
    "copy_bound": lambda x: [copy(0, 100 + x), *busy(100 + x, 900 - x)],
    "communication_bound": lambda x: [
        kernel("ncclKernel_AllReduce", 0, 100 + x), *busy(100 + x, 900 - x)],
    "sync_bound": lambda x: [
        call("cudaStreamSynchronize", 0, 100 + x), *busy(90, 700)],
    "launch_bound": lambda x: [span("aten::mm", 0, 200 + x), *busy(200 + x, 800 - x)],
    "small_kernels": lambda x: [
        kernel("add", n * 10, 8) for n in range(100 if x > 0 else 99)],
    "python_bound": lambda x: [span("aten::mm", 0, 700 - x)],
    "device_idle": lambda x: [kernel("gemm", 0, 500 - x)],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_findings_on_both_sides_of_their_thresholds(tmp_path: Path, name: str) -> None:
    above = findings(profile(tmp_path, step(1, 0, 1000), *CASES[name](5)))
    below = findings(profile(tmp_path, step(1, 0, 1000), *CASES[name](-5)))
    assert name in above
    assert name not in below
    assert above[name].advice == ADVICE[name]
    assert 0 < above[name].share <= 1


def test_every_finding_has_a_case_and_advice() -> None:
    assert set(CASES) == set(FINDINGS) == set(ADVICE)


def test_kernels_of_ten_microseconds_are_not_small(tmp_path: Path) -> None:
    found = profile(tmp_path, step(1, 0, 2000), *(kernel("k", n * 15, 10) for n in range(130)))
    assert "small_kernels" not in findings(found)


def test_waiting_for_a_device_that_is_busy_all_the_time_costs_nothing(tmp_path: Path) -> None:
    found = profile(tmp_path, step(1, 0, 100), call("cudaDeviceSynchronize", 10, 85),
                    kernel("gemm", 0, 99))  # fmt: skip
    assert found.findings == ()


def test_a_wait_after_the_steps_is_the_profilers_own(tmp_path: Path) -> None:
    found = profile(
        tmp_path, step(1, 0, 1000), call("cudaStreamSynchronize", 0, 900), *busy(0, 500),
        *(step(n, n * 1000, 900) for n in range(2, 5)),
        call("cudaDeviceSynchronize", 5000, 900),
    )  # fmt: skip
    assert "sync_bound" not in findings(found)


def test_evidence_has_the_figures(tmp_path: Path) -> None:
    loop = [
        [step(n, n * 1000, 1000), call("cudaStreamSynchronize", n * 1000, 300),
         span("aten::_local_scalar_dense", n * 1000, 310), copy(n * 1000 + 300, 200),
         copy(n * 1000 + 600, 100, "DtoH (Device -> Pinned)")]
        for n in range(4)
    ]  # fmt: skip
    told = findings(profile(tmp_path, *chain(*loop)))
    assert told["sync_bound"].evidence == (
        "the host waits for the device 1 times per step and 30% of the time, and the device is "
        "free 70%, 4 numbers fetched from tensors in the trace"
    )
    assert told["copy_bound"].evidence == (
        "30% of the time only copies, 8 copies in the trace; 67% of that is pageable memory"
    )
    assert list(told) == [name for name in FINDINGS if name in told]


def test_a_device_is_not_asked_for_where_there_is_none(tmp_path: Path) -> None:
    found = profile(tmp_path, step(1, 0, 1000), span("aten::mm", 0, 100))
    assert set(findings(found)) == {"python_bound"}


kinds = st.sampled_from(["step", "wait", "named", "mm", "sync", "launch", "kernel", "nccl", "copy"])
moments = st.lists(
    st.tuples(kinds, st.integers(0, 80), st.integers(1, 40)), min_size=1, max_size=20
)
WRITTEN = {
    "step": ("user_annotation", "ProfilerStep#1"),
    "wait": ("user_annotation", "data_wait"),
    "named": ("user_annotation", "named"),
    "mm": ("cpu_op", "aten::mm"),
    "sync": ("cuda_runtime", "cudaDeviceSynchronize"),
    "launch": ("cuda_runtime", "cudaLaunchKernel"),
    "kernel": ("kernel", "gemm"),
    "nccl": ("kernel", "ncclDevKernel"),
    "copy": ("gpu_memcpy", "Memcpy HtoD"),
}
DEVICE = ("kernel", "nccl", "copy", "wait", "sync", "launch", "mm", "named")
HOST = ("wait", "mm", "launch", "named")
PART = {"kernel": "compute", "copy": "memcpy", "wait": "data_wait", None: "idle"}


@given(moments)
def test_each_instant_is_given_once_to_the_first_that_holds(
    found: list[tuple[str, int, int]],
) -> None:
    """Against the same said instant by instant."""
    timeline = Timeline()
    timeline.take([
        Event(ph="X", cat=WRITTEN[kind][0], name=WRITTEN[kind][1], pid=1, tid=1,
              ts=float(start), dur=float(length))
        for kind, start, length in found
    ])  # fmt: skip
    held: dict[int, set[str]] = {}
    for kind, start, length in found:
        for at in range(start, start + length):
            held.setdefault(at, set()).add(kind)
    marked = any(kind == "step" for kind, *_ in found)
    spans = [(at, kinds) for at, kinds in held.items() if "step" in kinds]
    if not marked:
        spans = (
            [(at, held.get(at, set())) for at in range(min(held), max(held) + 1)] if held else []
        )
    on_device = any(kind in {"kernel", "nccl", "copy"} and length for kind, _, length in found)
    expected = dict.fromkeys(("data_wait", "compute", "memcpy", "idle", "other"), 0)
    for _, kinds_there in spans:
        first = next(
            (kind for kind in (DEVICE if on_device else HOST) if kind in kinds_there), None
        )
        part = PART.get(first, "other")
        if not on_device and first in {"mm", "launch"}:
            part = "compute"
        expected[part] += 1
    told = account(timeline)
    assert told.seconds == pytest.approx(len(spans) / 1e6)
    if spans:
        for share in told.shares:
            assert share.ratio == pytest.approx(expected[share.part] / len(spans), abs=1e-9)
        assert sum(share.ratio for share in told.shares) == pytest.approx(1)
