"""Lines of trainings in common spellings, bars, and what is none of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.training.reading import ProgressReader
from panewatch.training.run import Run
from panewatch.training.spelling import load_spellings
from panewatch.training.values import NAMES

READER = ProgressReader()
KNOWN = {*NAMES, *(f"{val}{name}" for name in load_spellings().metrics for val in ("", "val_"))}

TOLD = [
    ("epoch 3 step 20/100 loss=0.3", {"epoch": 3, "step": 20, "steps": 100, "loss": 0.3}),
    ("Epoch: 3, Step: 1,200, Loss: 0.30", {"epoch": 3, "step": 1200, "loss": 0.3}),
    ("[Epoch 5/10] Train Loss: 0.5 Val Loss: 0.6",
     {"epoch": 5, "epochs": 10, "loss": 0.5, "val_loss": 0.6}),
    ("step 5 of 100 loss nan", {"step": 5, "steps": 100, "loss": math.nan}),
    ("[step 12] train_loss=1e309", {"step": 12, "loss": math.inf}),
    ("iter 100: loss 2.5, time 120.5ms, mfu 12.3%", {"step": 100, "loss": 2.5}),
    ("Iteration 12: loss = 0,345", {"step": 12, "loss": 0.345}),
    ("Node[0] Epoch[2] Batch [40-60]\tSpeed: 1035.6 samples/sec\taccuracy=0.11",
     {"epoch": 2, "step": 60, "samples_per_second": 1035.6}),
    ("step=1000, loss=2.3, steps/sec=3.2", {"step": 1000, "loss": 2.3, "steps_per_second": 3.2}),
    ("step 7 | loss 1.0 | 122.0K tokens/s", {"step": 7, "loss": 1, "tokens_per_second": 122000}),
    ("Epoch 3, Step 20, Loss 0.30, 1.2K wps",
     {"epoch": 3, "step": 20, "loss": 0.3, "tokens_per_second": 1200}),
    (" iteration  10/ 1000 | elapsed time per iteration (ms): 500.0 | lm loss: 7.5E+00 | x: 9 |",
     {"step": 10, "steps": 1000, "steps_per_second": 2, "loss": 7.5}),
    ("mmengine - INFO - Epoch(train)  [1][ 50/1200]  lr: 1.0e-03  eta: 1:02:03  loss: 2.5",
     {"epoch": 1, "step": 50, "steps": 1200, "learning_rate": 0.001, "eta_seconds": 3723,
      "loss": 2.5}),
    ("d2.utils.events: eta: 1 day, 0:16:10  iter: 19  total_loss: 1.9  loss_cls: 0.6",
     {"step": 19, "loss": 1.9, "eta_seconds": 87370}),
    ("step 9 loss=0.3 lr=3e-4 tok/s=12000",
     {"step": 9, "loss": 0.3, "learning_rate": 0.0003, "tokens_per_second": 12000}),
    ("step 9 loss=0.3 tok/s=12000 lr=3e-4",
     {"step": 9, "loss": 0.3, "learning_rate": 0.0003, "tokens_per_second": 12000}),
    ("step 9 lr=3e-4 samples/s: 40", {"step": 9, "learning_rate": 0.0003,
                                      "samples_per_second": 40}),
    ("{'loss': 0.5, 'learning_rate': 2e-05, 'epoch': 0.32}",
     {"loss": 0.5, "learning_rate": 2e-05, "epoch": 0.32}),
    ("epoch 7: mlm_loss=2.5 nsp_loss=0.6", {"epoch": 7, "loss": 2.5}),
]  # fmt: skip

BARS = [
    ("Epoch 1/3:  55%|█████▌    | 55/100 [00:01<00:00, 46.71batch/s, loss=0.0169, lr=0.0003]",
     {"epoch": 1, "epochs": 3, "step": 55, "steps": 100, "steps_per_second": 46.71,
      "loss": 0.0169, "learning_rate": 0.0003, "eta_seconds": 0}),
    ("Epoch 1/3:  55%|▌| 55/100 [00:01<00:00,", {"epoch": 1, "step": 55, "steps": 100}),
    ("train:  2%|▏         | 11/500 [00:12<08:51,  2.00s/it]",
     {"step": 11, "steps": 500, "steps_per_second": 0.5, "eta_seconds": 531}),
    ("Epoch 1/2  ━━━━━━━━━━━━━━━━━━━━━━━━ 80/90 0:00:01 • 0:00:02 42.87it/s train_loss: 0.001",
     {"epoch": 1, "epochs": 3, "step": 80, "steps": 90, "steps_per_second": 42.87,
      "eta_seconds": 2, "loss": 0.001}),
    ("Epoch 0/1 ━━━━╸ 55/60 0:00… 9.04… trai…", {"epoch": 0, "step": 55, "steps": 60}),
    ("Epoch 0/1  ━━━━━━━╸━━ 46/60 0:00:05 •  9.21it/s train_loss:",
     {"epoch": 0, "step": 46, "steps": 60, "steps_per_second": 9.21}),
    ("Epoch 0:  75%|▊| 45/60 [00:05<00:01,  8.Epoch 0:  88%|▉| 53/60 [00:05<00:00,  8",
     {"epoch": 0, "step": 53, "steps": 60}),
    ("Epoch 0/1  ╸━━━━ 18/1… 0:00… 8.8… train…", {"epoch": 0, "step": 18}),
    ("40/50 ━━━━━━━━━━━━━━━━━━━━ 1s 20ms/step - loss: 1.2409 - mae: 0.88 - val_loss: 1.3464",
     {"step": 40, "steps": 50, "steps_per_second": 50, "loss": 1.2409, "val_loss": 1.3464}),
    (" 912/1875 [=============>................] - ETA: 2s - loss: 0.3514 - accuracy: 0.8990",
     {"step": 912, "steps": 1875, "loss": 0.3514, "eta_seconds": 2}),
    ("50/50 - 0s - 4ms/step - loss: 1.0519", {"step": 50, "steps_per_second": 250}),
    ("train: 1200it [00:10, 118.20it/s, loss=0.25]",
     {"step": 1200, "loss": 0.25, "steps_per_second": 118.2}),
    (("01/05 10:00:00 - mmengine - INFO - Iter(train) [  100/80000]  lr: 1e-02  eta: 5:30:00  "
     "time: 0.25  loss: 2.1"),
     {"step": 100, "steps": 80000, "learning_rate": 0.01, "eta_seconds": 19800, "loss": 2.1}),
    ("steps: 100 loss: 2.3456 iter time (s): 0.5 samples/sec: 31.250",
     {"step": 100, "loss": 2.3456, "steps_per_second": 2, "samples_per_second": 31.25}),
    ((" iteration       10/    1000 | consumed samples:          160 | elapsed time per iteration "
     "(ms): 1000.0 | throughput per GPU (TFLOP/s/GPU): 123.4 | learning rate: 1.0E-04 | "
     "lm loss: 1.04E+01 | number of nan iterations:   0 |"),
     {"step": 10, "steps": 1000, "steps_per_second": 1, "learning_rate": 1e-4, "loss": 10.4}),
]  # fmt: skip

METRICS = [
    ("epoch 3 step 20 loss=0.3 acc=93.1% f1: 70 %", {"accuracy": 0.931, "f1": 0.7}),
    ("epoch 3 step 20 loss=0.3,acc=93.1,bleu=27.5", {"accuracy": 93.1, "bleu": 27.5}),
    ("epoch 5 acc 45/60 loss 0.2", {"accuracy": 0.75}),
    ("Epoch 3: train loss 0.5 train acc 0.8 val loss 0.6 val acc 0.9",
     {"accuracy": 0.8, "val_accuracy": 0.9}),
    ("Epoch 3 | Train: loss 0.5 acc 0.8 f1 0.7 | Val: loss 0.6 acc 0.9 f1 0.75",
     {"accuracy": 0.8, "f1": 0.7, "val_accuracy": 0.9, "val_f1": 0.75}),
    ("Epoch 7 val_loss 0.5 acc 0.9", {"val_accuracy": 0.9}),
    ("Epoch 7 val_loss 0.5 acc 0.8 val_acc 0.9", {"accuracy": 0.8, "val_accuracy": 0.9}),
    ("epoch 7 loss 0.5 best acc 0.9 best_val_acc 0.9 masked_lm_acc 0.3 clip_grad_norm 1.0", {}),
    ("epoch 7 loss 0.5 acc nan f1 inf auc 0.5", {"auc": 0.5}),
    ("epoch 7 loss 0.5 mAP@0.5:0.95: 0.45 mAP50: 0.6 mAP50-95 0.4",
     {"map50": 0.6, "map50_95": 0.4}),
    ("[Epoch 0] validation: acc-top1=46.44 acc-top5=76.76",
     {"val_top1_accuracy": 46.44, "val_top5_accuracy": 76.76}),
    ("Epoch 0 validation pixAcc: 0.668, mIoU: 0.100", {"val_accuracy": 0.668, "val_miou": 0.1}),
    ("Epoch: [4][ 310/5005]\tLoss 2.5e+00 (2.6e+00)\tAcc@1  44.53 (43.1)\tAcc@5  70.3 (68.8)",
     {"top1_accuracy": 44.53, "top5_accuracy": 70.3}),
    ((" iteration       10/    1000 | throughput per GPU (TFLOP/s/GPU): 123.4 | "
     "lm loss: 1.04E+01 | loss scale: 1024.0 | grad norm: 2.345 |"),
     {"tflops": 123.4, "loss_scale": 1024, "gradient_norm": 2.345}),
    ("step 7 | loss 1.0 | 450.2 TFLOP/s | mfu 40%", {"tflops": 450.2, "mfu": 0.4}),
    ("| epoch 001:    100 / 1234 loss=8.5, nll_loss=7.9, ppl=239.1, gnorm=1.5, loss_scale=8",
     {"perplexity": 239.1, "gradient_norm": 1.5, "loss_scale": 8}),
    ("{'loss': '2.087', 'grad_norm': '2.222', 'learning_rate': '3.875e-05', 'epoch': '0.5'}",
     {"gradient_norm": 2.222}),
    ("40/50 ━━━━━━━━━ 1s 20ms/step - accuracy: 0.9 - loss: 1.2 - val_accuracy: 0.8 - val_loss: 1.3",
     {"accuracy": 0.9, "val_accuracy": 0.8}),
    ("Epoch 1/3:  55%|█████▌    | 55/100 [00:01<00:00, 46.71batch/s, loss=0.01, acc=93.1%]",
     {"accuracy": 0.931}),
    ("Validation:  55%|█████▌    | 55/100 [00:01<00:00, 46.71batch/s, acc=0.93]",
     {"val_accuracy": 0.93}),
    (("Epoch 2: 100%|██████████| 9/9 [00:12<00:00, 8.1it/s, v_num=3, train_loss_step=0.123, "
     "val_acc_epoch=0.91, train_acc_step=0.5]"), {"accuracy": 0.5, "val_accuracy": 0.91}),
]  # fmt: skip

NONE = [
    "epoch 3 step 5 precision 16",
    "Downloading model.safetensors:  43%|████▎     | 1.10G/2.55G [00:10<00:13, 105MB/s]",
    "Loading checkpoint shards:  50%|█████     | 1/2 [00:01<00:01,  1.10s/it]",
    "Map: 100%|██████████| 1000/1000 [00:01<00:00, 812.31 examples/s]",
    "     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 12.3/45.6 MB 5.1 MB/s eta 0:00:07",
    "stream: 2.47MB [00:01, 2.46MB/s]",
    "Receiving objects:  43% (430/1000), 1.2 MiB | 2.4 MiB/s",
    "tests/test_loss.py ....                                          [ 43%]",
    "/dev/sda1        50G   20G   30G  40% /",
    "5 packets transmitted, 5 received, 0% packet loss, time 4005ms",
    "Step 3/12 : RUN pip install torch",
    "for epoch in range(10): loss = 0.0; step = 1",
    '    print(f"epoch {epoch} step {step} loss {loss:.3f}")',
    "+    loss = model(batch); step += 1",
    "python train.py --epochs 30 --batch 4 --lr 0.1",
    "Namespace(lr=0.0001, start_epoch=0, loss='l1')",
    "Config(max_steps=100, lr=0.1, step=0)",
    "warmup_steps=100 max epoch 30 lr=0.1",
    "#10 [ 3/12] RUN make",
    "100% tests passed, 0 tests failed out of 12",
    "",
]


def same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize(("line", "values"), TOLD + BARS)
def test_a_line_tells_its_values(line: str, values: dict[str, float]) -> None:
    progress = READER.read(line)
    assert progress is not None
    assert progress.certain
    assert values.keys() <= progress.values.keys()
    for name, value in values.items():
        assert same(progress.values[name], value), name


@pytest.mark.parametrize(("line", "metrics"), METRICS)
def test_a_line_tells_its_metrics(line: str, metrics: dict[str, float]) -> None:
    progress = READER.read(line)
    assert progress is not None
    told = {name: value for name, value in progress.values.items() if name not in NAMES}
    assert told == pytest.approx(metrics)


@pytest.mark.parametrize("line", NONE)
def test_what_is_no_training_tells_nothing(line: str) -> None:
    assert READER.read(line) is None


def test_a_bar_of_a_validation_is_kept_apart() -> None:
    line = "Validation DataLoader 0:  41%|████      | 33/80 [00:00<00:00, 455.75it/s]"
    progress = READER.read(line)
    assert progress is not None
    assert (progress.split, progress.certain) == ("val", False)


def test_a_bare_bar_is_not_certain() -> None:
    progress = READER.read("  2%|▏         | 11/500 [00:12<08:51,  1.09s/it]")
    assert progress is not None
    assert not progress.certain


def test_a_rate_that_is_not_known_yet_is_left_out() -> None:
    progress = READER.read("Epoch 1:   0%|          | 0/80 [00:00<?, ?it/s]")
    assert progress is not None
    assert progress.values == {"epoch": 1, "step": 0, "steps": 80}


def test_the_outer_of_nested_bars_counts_epochs() -> None:
    progress = READER.read("epochs:  30%|███       | 3/10 [01:10<02:40, 22.8s/it]")
    assert progress is not None
    assert progress.values == {"epoch": 3, "epochs": 10}


PREFIXED = ("val_", "acc ", "best ")
LINES = st.lists(
    st.sampled_from(
        [
            *"0123456789 .,:/|[]()%=<>-eE\t━█'\"",
            "epoch ",
            "loss",
            "step ",
            "it/s",
            "nan",
            "0,",
            *PREFIXED,
        ]
    ),
    max_size=200,
).map("".join)


@given(LINES)
def test_any_line_is_read(line: str) -> None:
    progress = READER.read(line)
    if progress is not None:
        assert progress.values.keys() <= KNOWN
        rates = [v for name, v in progress.values.items() if name.endswith("_per_second")]
        assert all(value >= 0 for value in rates)


@pytest.mark.parametrize(
    "line",
    [
        "{'loss': '...', 'epoch': '.'}",
        "[1] train-x:e",
        "[1]\ttrain-rmse:1.2.3\teval-rmse:..",
        "5: learn: n",
        "INFO loss = ..., step = 5",
        "loss: ...  [ 1/ 2]",
        "50%|█| 1/2 [00:01<?, 1..2it/s, loss=1]",
        "train 50%|█| 9/9 [00:01<00:02, 1.1.1it/s]",
        "train %| and %|",
        "step time: 1,2.3.4 ms epoch 1 loss 0.1",
    ],
)
def test_what_is_no_number_where_one_should_be_tells_nothing(line: str) -> None:
    READER.read(line)  # raises nothing


PIECES = (
    "epoch", "Epoch", "step", "loss", "=", ":", " ", "1", "0.5", "nan", "inf", "/", "[", "]", "%|",
    "██", "|", "<", "00:01", "it/s", "s/it", ",", ".", "e", "-", "+", "lr", "1e999", "days", "k",
    "ETA:", "ms/step", "train", "\t", "learn:", "remaining:", "━━━━━", " - ", "(", ")", "eta", "1d",
    "²", "٣", "{", "'loss':", "'epoch':", "avg", "time",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), min_size=2, max_size=40))
def test_no_pieces_of_formats_break_the_reader_or_a_run(pieces: list[str]) -> None:
    progress = READER.read("".join(pieces))
    if progress is None:
        return
    run = Run(0.0)
    for now in (1.0, 5.0):
        run.take(progress, now)
    told = (run.epoch, run.epochs, run.step, run.steps, run.learning_rate, run.progress,
            run.eta(6.0), run.steps_per_second(6.0), *run.losses.values())  # fmt: skip
    assert all(value is None or math.isfinite(value) for value in told)


@pytest.mark.parametrize("line", [f"Epoch 1/{'9' * 400} loss 0.1", f"step 5/{'9' * 400} loss 0.1"])
def test_an_endless_total_is_none(line: str) -> None:
    progress = READER.read(line)
    assert progress is not None
    run = Run(0.0)
    run.take(progress, 1.0)
    assert (run.epochs, run.steps) == (None, None)
