"""A training that trains nothing: it shows its progress as real ones do, and writes the truth.

``python trainer.py KIND STEPS SECONDS_PER_STEP TRUTH GO`` waits for the file GO, makes two
epochs of STEPS steps, and adds a line `MONOTONIC STEP EPOCH LOSS` to TRUTH after each step.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

EPOCHS = 2
Step = Callable[[int, int], float]


def show_tqdm(steps: int, make: Step) -> None:
    """Show a bar of tqdm for each epoch."""
    from tqdm import tqdm  # noqa: PLC0415  # each kind needs another library

    for epoch in range(1, EPOCHS + 1):
        bar = tqdm(range(steps), desc=f"Epoch {epoch}/{EPOCHS}", unit="batch")
        for step in bar:
            bar.set_postfix(loss=f"{make(step + 1, epoch):.4f}", lr=3e-4)


def show_nested(steps: int, make: Step) -> None:
    """Show a bar for the epochs, and one for the steps below it."""
    from tqdm import tqdm  # noqa: PLC0415

    for epoch in tqdm(range(1, EPOCHS + 1), desc="epochs"):
        bar = tqdm(range(steps), desc="train", leave=False)
        for step in bar:
            bar.set_postfix(loss=f"{make(step + 1, epoch):.4f}")


def show_lightning(steps: int, make: Step, *, rich: bool = False) -> None:
    """Train with Lightning and one of its two bars, with a short validation."""
    import lightning  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from lightning.pytorch.callbacks import RichProgressBar, TQDMProgressBar  # noqa: PLC0415

    class Model(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: torch.Tensor, place: int) -> torch.Tensor:
            loss = self.layer(batch).pow(2).mean()
            self.log("train_loss", make(place + 1, self.current_epoch + 1), prog_bar=True)
            return loss

        def validation_step(self, batch: torch.Tensor, _place: int) -> None:
            self.log("val_loss", self.layer(batch).pow(2).mean(), prog_bar=True)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    bar = RichProgressBar() if rich else TQDMProgressBar(refresh_rate=1)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, logger=False, enable_checkpointing=False, callbacks=[bar],
        num_sanity_val_steps=0, enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    batches = torch.utils.data.DataLoader(torch.rand(steps, 4), batch_size=1)
    trainer.fit(Model(), batches, torch.utils.data.DataLoader(torch.rand(5, 4), batch_size=1))


def show_lightning_rich(steps: int, make: Step) -> None:
    """Train with Lightning's bar of rich."""
    show_lightning(steps, make, rich=True)


def show_huggingface(steps: int, make: Step) -> None:
    """Train with the Trainer of transformers: one bar for all epochs, and a dict now and then."""
    import tempfile  # noqa: PLC0415

    import torch  # noqa: PLC0415
    from transformers import Trainer, TrainerCallback, TrainingArguments  # noqa: PLC0415

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": (self.layer(x).squeeze(-1) - labels).pow(2).mean()}

    class Truth(TrainerCallback):
        def on_step_begin(
            self, _arguments: object, state: Any, *_: object, **_more: object
        ) -> None:
            make(state.global_step + 1, 1)

    data = [{"x": torch.rand(4), "labels": torch.tensor(1.0)} for _ in range(steps)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=EPOCHS, per_device_train_batch_size=1,
            logging_steps=10, save_strategy="no", report_to=[], use_cpu=True,
        )  # fmt: skip
        Trainer(Model(), arguments, train_dataset=data, callbacks=[Truth()]).train()


def show_keras(steps: int, make: Step) -> None:
    """Train with Keras 3."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    class Truth(keras.callbacks.Callback):
        epoch = 0

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            self.epoch = epoch + 1

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            make(batch + 1, self.epoch)

    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    data = np.random.default_rng(3).random((steps, 4))
    model.fit(data, data[:, :1], batch_size=1, epochs=EPOCHS, callbacks=[Truth()])


def show_lines(steps: int, make: Step) -> None:
    """Print a line for each step."""
    for epoch in range(1, EPOCHS + 1):
        for step in range(1, steps + 1):
            loss = make(step, epoch)
            print(f"epoch {epoch} step {step}/{steps} loss={loss:.4f} lr=3.0e-04", flush=True)


KINDS: dict[str, Callable[[int, Step], None]] = {
    "tqdm": show_tqdm, "nested": show_nested, "lines": show_lines, "lightning": show_lightning,
    "lightning-rich": show_lightning_rich, "huggingface": show_huggingface, "keras": show_keras,
}  # fmt: skip


def wait(go: Path) -> Iterator[None]:
    """Wait until a file is there."""
    while not go.exists():
        time.sleep(0.02)
        yield


def main() -> None:
    """Train."""
    kind, steps, seconds, truth, go = sys.argv[1:]
    for _ in wait(Path(go)):
        pass
    chance = random.Random(3)  # noqa: S311  # no secret
    with Path(truth).open("a") as file:

        def make(step: int, epoch: int) -> float:
            time.sleep(float(seconds) * chance.uniform(0.8, 1.2))
            loss = 2.0 / (1 + epoch + step / int(steps))
            file.write(f"{time.monotonic()} {step} {epoch} {loss}\n")
            file.flush()
            return loss

        KINDS[kind](int(steps), make)


if __name__ == "__main__":
    main()
