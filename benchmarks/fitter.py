"""Fits a model with Lightning, and tells what two callbacks cost it: ours, and its own.

``python fitter.py BATCHES DIRECTORY`` prints one JSON object: nanoseconds per batch of each, the
median of all batches, taken in the same fit.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ThroughputMonitor
from lightning.pytorch.loggers import CSVLogger

from panewatch.training.callback.lightning import LightningMonitor


class Model(lightning.LightningModule):
    """The least that can be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch: Any, _place: int) -> Any:
        """Return a loss."""
        return self.layer(batch[0]).pow(2).mean()

    def configure_optimizers(self) -> Any:
        """Return an optimizer."""
        return torch.optim.SGD(self.parameters(), lr=0.01)


def time_hooks(callback: Any) -> list[int]:
    """Have each batch's hooks of a callback timed; return the list that the times come to."""
    times: list[int] = []

    def wrap(name: str, *, first: bool) -> Callable[..., None]:
        hook = getattr(callback, name)

        def timed(*arguments: Any, **named: Any) -> None:
            begun = time.perf_counter_ns()
            hook(*arguments, **named)
            took = time.perf_counter_ns() - begun
            if first:
                times.append(took)
            else:
                times[-1] += took

        return timed

    callback.on_train_batch_start = wrap("on_train_batch_start", first=True)
    callback.on_train_batch_end = wrap("on_train_batch_end", first=False)
    return times


def main() -> None:
    """Fit once."""
    batches, folder = int(sys.argv[1]), sys.argv[2]
    ours = LightningMonitor(run="fitter", directory=folder)
    peer = ThroughputMonitor(batch_size_fn=lambda batch: len(batch[0]))
    times = {"ours": time_hooks(ours), "peer": time_hooks(peer)}
    data = torch.utils.data.TensorDataset(torch.rand(batches * 4, 4))
    trainer = lightning.Trainer(
        max_epochs=1, logger=CSVLogger(folder), enable_checkpointing=False,
        callbacks=[ours, peer], enable_progress_bar=False, enable_model_summary=False,
        accelerator="cpu",
    )  # fmt: skip
    trainer.fit(Model(), torch.utils.data.DataLoader(data, batch_size=4))
    found: dict[str, object] = {name: statistics.median(each) for name, each in times.items()}
    print(json.dumps(found | {"batches": len(times["ours"]), "lightning": lightning.__version__}))


if __name__ == "__main__":
    main()
