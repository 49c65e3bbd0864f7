"""The monitor and the profiler as callbacks of Lightning."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from panewatch.training.callback.harmless import harmless
from panewatch.training.callback.monitor import TrainingMonitor
from panewatch.training.callback.profiler import TrainingProfiler


def _find_callback() -> Any:
    """Return the base class: of the package that is in use, else of the newer one."""
    names = ["lightning.pytorch", "pytorch_lightning"]
    names.sort(key=lambda name: name not in sys.modules)
    for name in names[:-1]:
        try:
            return importlib.import_module(name).Callback
        except ModuleNotFoundError:
            continue
    return importlib.import_module(names[-1]).Callback


class LightningMonitor(_find_callback()):  # type: ignore[misc]  # a class of either package
    """Measures what a Lightning ``Trainer`` fits.

    Args:
        options: Those of `TrainingMonitor`. Epochs, steps and ranks are Lightning's own.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.monitor = TrainingMonitor(**{"framework": "lightning", **options})

    @harmless
    def on_train_start(self, trainer: Any, _module: Any) -> None:
        """Begin to tell, from the step that a checkpoint was resumed at."""
        monitor = self.monitor
        monitor.start()
        batches, most = trainer.num_training_batches, trainer.max_steps or -1
        monitor.plan(
            epochs=trainer.max_epochs if (trainer.max_epochs or -1) > 0 else None,
            steps=most * trainer.accumulate_grad_batches if most > 0 else None,
            steps_of_epoch=int(batches) if batches < float("inf") else None,
        )
        monitor.describe(trainer.train_dataloader)
        if trainer.fit_loop.total_batch_idx >= 0:
            monitor.log(step=trainer.fit_loop.total_batch_idx + 1)

    @harmless
    def on_train_epoch_start(self, trainer: Any, _module: Any) -> None:
        """Take over which epoch it is, counted from 1."""
        self.monitor.begin_epoch(trainer.current_epoch + 1)
        self.monitor.wait()

    @harmless
    def on_train_batch_start(self, _trainer: Any, _module: Any, _batch: Any, _place: int) -> None:
        """Begin a batch."""
        self.monitor.begin_batch()

    @harmless
    def on_train_batch_end(
        self, _trainer: Any, _module: Any, outputs: Any, batch: Any, _place: int
    ) -> None:
        """End a batch."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        self.monitor.end_batch(batch=batch, loss=loss)

    @harmless
    def on_validation_start(self, _trainer: Any, _module: Any) -> None:
        """Leave out the time of a validation."""
        self.monitor.pause()

    @harmless
    def on_validation_end(self, trainer: Any, _module: Any) -> None:
        """Take over the loss of the validation: a metric with both words in its name."""
        if trainer.sanity_checking:
            return
        for name, value in trainer.callback_metrics.items():
            if name in {"val_loss", "valid_loss", "validation_loss", "val/loss", "loss/val"}:
                self.monitor.log(val_loss=value)
        self.monitor.wait()

    @harmless
    def on_train_end(self, _trainer: Any, _module: Any) -> None:
        """Tell a last time."""
        self.monitor.close(failed=False)

    @harmless
    def on_exception(self, _trainer: Any, _module: Any, _exception: BaseException) -> None:
        """Tell that it has failed."""
        self.monitor.close(failed=True)


class LightningProfiler(_find_callback()):  # type: ignore[misc]  # a class of either package
    """Records steps of what a Lightning ``Trainer`` fits: a step is a batch.

    Args:
        options: Those of `TrainingProfiler`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.profiler = TrainingProfiler(**options)

    def on_train_start(self, _trainer: Any, _module: Any) -> None:
        """Begin with step 0, also where a checkpoint was resumed."""
        self.profiler.start()

    def on_train_batch_end(
        self, _trainer: Any, _module: Any, _outputs: Any, _batch: Any, _place: int
    ) -> None:
        """End a step."""
        self.profiler.step()

    def on_train_end(self, _trainer: Any, _module: Any) -> None:
        """End, with a trace of what was recorded so far."""
        self.profiler.close()

    def on_exception(self, _trainer: Any, _module: Any, _exception: BaseException) -> None:
        """End in the same way."""
        self.profiler.close()
