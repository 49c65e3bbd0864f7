"""The monitor and the profiler as callbacks of the ``Trainer`` of Hugging Face's transformers."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from panewatch.training.callback.harmless import harmless
from panewatch.training.callback.monitor import TrainingMonitor
from panewatch.training.callback.profiler import TrainingProfiler


class TrainerMonitor(TrainerCallback):  # type: ignore[misc]  # it comes without types
    """Measures what a ``Trainer`` trains. A batch is what one step of the optimizer takes.

    Args:
        options: Those of `TrainingMonitor`. Epochs, steps and batch size are the Trainer's own.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._sized = options.get("batch_size")
        self.monitor = TrainingMonitor(**{"framework": "huggingface", **options})
        self._left: int | None = None
        self._whole: int | None = None

    @harmless
    def on_train_begin(self, args: Any, state: Any, _control: Any, **more: Any) -> None:
        """Begin to tell, from the step that a checkpoint was resumed at."""
        monitor = self.monitor
        monitor.start()
        monitor.plan(epochs=state.num_train_epochs, steps=state.max_steps)
        if state.global_step:
            monitor.log(step=state.global_step)
        loader = more.get("train_dataloader")
        monitor.describe(loader)
        if not getattr(loader, "drop_last", False):
            try:
                self._whole = len(loader.dataset) // max(1, args.world_size)  # type: ignore[union-attr]
            except (AttributeError, TypeError):  # a dataset without a length
                self._whole = None

    @harmless
    def on_epoch_begin(self, _args: Any, state: Any, _control: Any, **_more: Any) -> None:
        """Take over which epoch it is: the Trainer tells it with its fraction."""
        self._left = self._whole
        self.monitor.begin_epoch(float(state.epoch or 0))
        self.monitor.wait()

    @harmless
    def on_step_begin(self, _args: Any, _state: Any, _control: Any, **_more: Any) -> None:
        """Begin a step."""
        self.monitor.begin_batch()

    @harmless
    def on_step_end(self, args: Any, state: Any, _control: Any, **_more: Any) -> None:
        """End a step. The last of an epoch may have fewer samples than the others."""
        samples = args.train_batch_size * args.gradient_accumulation_steps
        if self._left is not None:
            samples = min(samples, self._left) or samples
            self._left = max(0, self._left - samples)
        self.monitor.end_batch(samples=self._sized or samples, step=state.global_step)
        if state.epoch is not None:
            self.monitor.begin_epoch(float(state.epoch))

    @harmless
    def on_log(
        self, _args: Any, _state: Any, _control: Any, logs: Any = None, **_more: Any
    ) -> None:
        """Take over the losses and the learning rate; the time of logging does not count."""
        names = {"loss": "loss", "eval_loss": "val_loss", "learning_rate": "learning_rate"}
        for name, value in (logs or {}).items():
            if name in names:
                self.monitor.log(**{names[name]: value})
        self.monitor.wait()

    @harmless
    def on_prediction_step(self, _args: Any, _state: Any, _control: Any, **_more: Any) -> None:
        """Leave out the time of an evaluation."""
        self.monitor.pause()

    @harmless
    def on_evaluate(self, _args: Any, _state: Any, _control: Any, **_more: Any) -> None:
        """Go on after an evaluation."""
        self.monitor.wait()

    @harmless
    def on_save(self, _args: Any, _state: Any, _control: Any, **_more: Any) -> None:
        """Leave out the time of a checkpoint."""
        self.monitor.wait()

    @harmless
    def on_train_end(self, _args: Any, _state: Any, _control: Any, **_more: Any) -> None:
        """Tell a last time."""
        self.monitor.close(failed=False)


class TrainerProfiler(TrainerCallback):  # type: ignore[misc]  # it comes without types
    """Records steps of what a ``Trainer`` trains: a step is one of the optimizer.

    Args:
        options: Those of `TrainingProfiler`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.profiler = TrainingProfiler(**options)

    def on_train_begin(self, _args: Any, _state: Any, _control: Any, **_more: Any) -> None:
        """Begin with step 0, also where a checkpoint was resumed."""
        self.profiler.start()

    def on_step_end(self, _args: Any, _state: Any, _control: Any, **_more: Any) -> None:
        """End a step."""
        self.profiler.step()

    def on_train_end(self, _args: Any, _state: Any, _control: Any, **_more: Any) -> None:
        """End, with a trace of what was recorded so far."""
        self.profiler.close()
