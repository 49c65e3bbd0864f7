"""What goes wrong with the progress of trainings: faults 24 to 27, from the line to the series."""

from __future__ import annotations

import math

import pytest

from panewatch.config import Config
from training.test_observer import Looks

BAR = "train: {percent:3d}%|█    | {n}/{total} [00:10<00:20, 9.50it/s, loss=0.5]"


def follow(*lines: str) -> dict[str, float]:
    """Look at one line a second; give the series in the end."""
    looks = Looks()
    for line in lines:
        looks.look(line)
    values = looks.values()
    assert all(math.isfinite(value) for value in values.values())
    return values


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("epoch 1 step 3 loss: nan", {"step": 3, "nonfinite_total": 1, "loss train": None}),
        ("epoch 1 step 3 loss: -inf", {"step": 3, "nonfinite_total": 1, "loss train": None}),
        ("epoch 1 step 3 loss: 1e309", {"step": 3, "nonfinite_total": 1, "loss train": None}),
        ("{'loss': 'nan', 'learning_rate': '1e-05', 'epoch': '0.1'}",
         {"nonfinite_total": 1, "metric learning_rate": 1e-5, "epoch": 0.1}),
        ("{'loss': '2.087', 'learning_rate': '3.875e-05', 'epoch': '0.5'}",
         {"nonfinite_total": 0, "loss train": 2.087, "metric learning_rate": 3.875e-5}),
        ("epoch 1 step 3 loss 0.5 lr nan", {"loss train": 0.5, "metric learning_rate": None}),
        ("step 1.2K loss 0.5 1.2K wps", {"step": 1200, "tokens_per_second": 1200}),
        ("step 3 loss 0.5 2.5M tok/s", {"tokens_per_second": 2.5e6}),
        ("step 1,234,567 loss 0.5 12,345.6 samples/s",
         {"step": 1234567, "samples_per_second": 12345.6}),
        ("epoch 1 step 3 loss 0.5, 4.0 s/it", {"steps_per_second": 0.25}),
        ("epoch 1 step 3 loss 0.5, 4.0 it/s", {"steps_per_second": 4}),
        ("epoch 1 step 3 loss 0.5 250 ms/step", {"steps_per_second": 4}),
        ("train:  50%|█   | 12.0k/24.0k [00:12<00:12, 1.00kit/s, loss=1]",
         {"step": 12000, "steps": 24000, "steps_per_second": 1000}),
        ("train:  50%|█   | 2/4 [00:12<00:12, 6.00s/it, loss=1]", {"steps_per_second": 1 / 6}),
    ],
)  # fmt: skip
def test_24_numbers_of_any_spelling_are_normal_or_counted(
    line: str, values: dict[str, float | None]
) -> None:
    told = follow(line)
    for name, value in values.items():
        assert told.get(name) == (value if value is None else pytest.approx(value)), name


def test_25_a_run_that_is_resumed_goes_back_and_on() -> None:
    looks = Looks()
    for step in (70, 80, 90):
        looks.look(f"epoch 1/2 step {step}/100 loss 0.{step}")
    for step in (40, 45, 50, 55, 60, 65, 70):  # from the checkpoint
        looks.look(f"epoch 1/2 step {step}/100 loss 0.{step}")
    values = looks.values()
    assert (values["step"], values["restarts_total"]) == (70, 1)
    assert values["progress_ratio"] == pytest.approx(0.35)


@pytest.mark.parametrize(
    ("n", "total", "progress"), [(101, 100, 1.0), (0, 0, None), (0, 100, 0.0), (100, 100, 1.0)]
)
def test_25_progress_stays_between_its_ends(n: int, total: int, progress: float | None) -> None:
    values = follow("epoch 1", *(BAR.format(percent=0, n=n, total=total) for _ in range(3)))
    assert values.get("progress_ratio") == progress
    assert values.get("eta_seconds", 0) >= 0


def test_25_a_total_or_a_rate_that_is_not_known_is_left_out() -> None:
    values = follow(
        "train:   0%|          | 0/100 [00:00<?, ?it/s]", "train: 7it [00:01, 6.50it/s, loss=0.5]"
    )
    assert values["step"] == 7
    values = follow("train: 1200it [00:10, 118.20it/s, loss=0.25]")
    assert (values["step"], values["steps_per_second"]) == (1200, 118.2)
    assert {"steps", "progress_ratio", "eta_seconds"}.isdisjoint(values)


def test_25_a_validation_moves_no_step_and_no_speed() -> None:
    looks = Looks()
    train = "Epoch 0:  {0}%|█| {0}/80 [00:00<00:01, 40.22it/s, train_loss=0.25]"
    for step in (10, 20, 30):
        looks.look(train.format(step))
    for step in (10, 20, 30):
        looks.look(f"Validation DataLoader 0:  41%|█| {step}/33 [00:00<00:00, 455.75it/s]")
    looks.look("{'eval_loss': '0.5', 'eval_samples_per_second': '686.8', 'epoch': '9'}")
    values = looks.values()
    assert (values["step"], values["steps"], values["epoch"]) == (30, 80, 0)
    assert values["steps_per_second"] == pytest.approx(10)
    assert values["loss val"] == 0.5
    assert "samples_per_second" not in values


def test_25_nested_bars_are_an_epoch_and_its_steps() -> None:
    looks = Looks()
    for step in range(5):
        looks.look(
            screen=[
                "epochs:  50%|█     | 1/2 [00:10<00:10, 10.00s/it]",
                f"train:  {step}%|     | {step}/100 [00:0{step}<01:40,  1.00it/s, loss=0.5]",
            ]
        )
    values = looks.values()
    assert (values["epoch"], values["epochs"], values["step"]) == (1, 2, 4)
    assert values["restarts_total"] == 0


NO_TRAINING = [
    'print(f"epoch {epoch} step {step} loss {loss:.3f}")',
    "for epoch in range(10): loss = 0.5",
    "+    loss = criterion(out, y); step += 1  # epoch 3",
    "Downloading model.safetensors:  55%|█████     | 1.20G/2.20G [00:12<00:10, 100MB/s]",
    "   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 12.3/780.0 MB 12.3 MB/s eta 0:01:03",
    "Receiving objects:  55% (55/100), 1.20 MiB | 2.00 MiB/s",
    "/dev/sda1       100G   55G   45G  55% /",
    "tests/test_loss.py ..........                                   [ 55%]",
    "Map:  55%|█████     | 550/1000 [00:01<00:01, 500.00 examples/s]",
    "Loading checkpoint shards:  50%|█████     | 1/2 [00:01<00:01,  1.20s/it]",
    "[ 55%] Building CXX object src/loss.cc.o",
    "#12 [ 5/12] RUN pip install torch",
]


def test_26_what_is_no_training_makes_no_series() -> None:
    assert not follow(*NO_TRAINING)


def test_26_nor_does_it_change_those_of_a_training() -> None:
    looks = Looks()
    looks.look("epoch 1/4 step 10/100 loss=0.5 lr=0.01")
    before = looks.values()
    for line in NO_TRAINING:
        looks.look(screen=["", line], wait=0.1)
        looks.look(line, wait=0.1)
    after = looks.values()
    assert after == before


def test_27_a_run_that_hangs_loses_its_speed_stalls_and_ends() -> None:
    looks = Looks(Config.model_validate({"training": {"stalled_after": "10m"}}))
    for step in range(30):
        looks.look(screen=["", BAR.format(percent=step, n=step, total=100)])
    frozen = ["", BAR.format(percent=29, n=29, total=100)]
    speeds = {"steps_per_second", "eta_seconds"}
    assert speeds <= looks.values().keys()
    stalled = []
    for _ in range(30):
        looks.look(screen=frozen, wait=60, state="stalled")
        values = looks.values()
        assert speeds.isdisjoint(values)
        assert values["step"] == 29
        stalled.append(values["stalled"])
    assert stalled == sorted(stalled)  # once, for good
    assert stalled.index(1) == 10
    watchdog = (
        "[rank3]:[E1016 03:33:45.317536384 ProcessGroupNCCL.cpp:568] [Rank 3] Watchdog caught "
        "collective operation timeout: WorkNCCL(SeqNum=50, OpType=ALLREDUCE, Timeout(ms)=600000) "
        "ran for 600011 milliseconds before timing out."
    )
    looks.look(watchdog)
    assert looks.values()["stalled"] == 1
    looks.look(state="finished", command="bash")
    values = looks.values()
    assert {"stalled", "last_progress_timestamp_seconds"}.isdisjoint(values)
    assert values["step"] == 29
