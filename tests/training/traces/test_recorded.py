"""Traces of real trainings, against what PyTorch itself made of them.

``recorded`` has traces of PyTorch 2.14 on a CPU, 2026-11-22, two steps each, and beside each what
``key_averages()`` said: calls, own and total microseconds by name.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from panewatch.training.traces.names import Kind, find_category, read_step
from panewatch.training.traces.profile import Profile
from panewatch.training.traces.reading import read_trace
from training.traces.forge import findings, shares

RECORDED = Path(__file__).parent / "recorded"
NAMES = sorted(path.name.removesuffix(".json.gz") for path in RECORDED.glob("*.json.gz"))
Averages = dict[str, tuple[int, float, float]]


def read(name: str) -> Profile:
    return read_trace(RECORDED / f"{name}.json.gz", top=10_000)


def is_annotation(name: str) -> bool:
    return "#" in name or name == "ProfilerStep*"


def compare(found: Profile, averages: Averages, *, stacks: bool) -> None:
    """Own times within 1 %; with stacks PyTorch takes Python's from annotations, and loses them."""
    told = {row.name: row for row in found.operators}
    assert set(told) == set(averages)
    for name, (calls, own, total) in averages.items():
        # PyTorch takes an operator and the only one that it calls for one, if they share a name.
        assert told[name].calls >= calls
        assert told[name].total_seconds * 1e6 >= total - 0.1
        if not (stacks and is_annotation(name)):
            assert told[name].self_seconds * 1e6 == pytest.approx(own, rel=0.01, abs=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_own_times_are_those_of_key_averages(name: str) -> None:
    averages = json.loads((RECORDED / f"{name}.averages.json").read_text())
    found = read(name)
    compare(found, averages, stacks=name == "mlp_stack")
    assert (len(found.steps), found.skipped, found.truncated) == (2, 0, False)
    assert sum(share.ratio for share in found.shares) == pytest.approx(1)


def test_operators_of_a_recording_are_many() -> None:
    """Or the comparison above says little."""
    assert len(NAMES) == 5
    assert all(len(read(name).operators) > 40 for name in NAMES)


def test_a_loader_that_is_slow_is_told_and_one_with_workers_waits_less() -> None:
    slow, quick = read("cnn_loader"), read("cnn_workers")
    assert "data_bound" in findings(slow)
    assert shares(slow)["data_wait"] > 0.3 > shares(quick)["data_wait"]
    assert "data_bound" not in findings(read("transformer"))


@pytest.mark.parametrize(
    ("name", "kind"), [("cpu_op", Kind.OPERATOR), ("Kernel", Kind.KERNEL), ("ac2g", Kind.IGNORED)]
)
def test_categories(name: str, kind: Kind) -> None:
    assert find_category(name) is kind


@pytest.mark.parametrize(
    ("name", "number"),
    [("ProfilerStep#12", 12), ("ProfilerStep#", None), ("ProfilerStep#1x", None),
     ("ProfilerStep#" + "9" * 5000, None)],
)  # fmt: skip
def test_numbers_of_steps(name: str, number: int | None) -> None:
    assert read_step(name) == number


@pytest.mark.parametrize("options", [{}, {"record_shapes": True, "with_stack": True}])
def test_a_training_of_now_agrees_with_key_averages(
    tmp_path: Path, options: dict[str, bool]
) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    averages: Averages = {}

    def export(profiler: object) -> None:
        profiler.export_chrome_trace(str(tmp_path / "trace.json"))  # type: ignore[attr-defined]
        for row in profiler.key_averages():  # type: ignore[attr-defined]
            averages[row.key] = (row.count, row.self_cpu_time_total, row.cpu_time_total)

    data = torch.utils.data.TensorDataset(torch.randn(256, 16))
    schedule = torch.profiler.schedule(wait=1, warmup=1, active=4, repeat=1)
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], schedule=schedule,
        on_trace_ready=export, **options,
    ) as profiler:  # fmt: skip
        for (batch,) in torch.utils.data.DataLoader(data, batch_size=32):
            optimizer.zero_grad()
            model(batch).square().mean().backward()
            optimizer.step()
            profiler.step()
    compare(read_trace(tmp_path / "trace.json", top=1000), averages, stacks="with_stack" in options)
