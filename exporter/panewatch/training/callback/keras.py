"""The monitor as a callback of Keras."""

from __future__ import annotations

from typing import Any

from keras.callbacks import Callback

from panewatch.training.callback.harmless import harmless
from panewatch.training.callback.monitor import TrainingMonitor


class KerasMonitor(Callback):  # type: ignore[misc]  # it comes without types
    """Measures what a model fits. Samples are counted where ``batch_size`` is given.

    Args:
        options: Those of `TrainingMonitor`. Epochs and steps are those of ``fit``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.measured_by = TrainingMonitor(**{"framework": "keras", **options})

    @harmless
    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002  # Keras calls it so
        """Begin to tell."""
        monitor = self.measured_by
        monitor.start()
        monitor.plan(epochs=self.params.get("epochs"), steps_of_epoch=self.params.get("steps"))

    @harmless
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  # the same
        """Take over which epoch it is, counted from 1."""
        self.measured_by.begin_epoch(epoch + 1)
        self.measured_by.wait()

    @harmless
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002  # the same
        """Begin a batch."""
        self.measured_by.begin_batch()

    @harmless
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002  # the same
        """End a batch. Keras tells the mean loss of the epoch so far."""
        self.measured_by.end_batch(loss=(logs or {}).get("loss"))

    @harmless
    def on_test_begin(self, logs: Any = None) -> None:  # noqa: ARG002  # the same
        """Leave out the time of a validation."""
        self.measured_by.pause()

    @harmless
    def on_test_end(self, logs: Any = None) -> None:  # noqa: ARG002  # the same
        """Go on after a validation."""
        self.measured_by.wait()

    @harmless
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  # the same
        """Take over the loss of the validation."""
        value = (logs or {}).get("val_loss")
        if value is not None:
            self.measured_by.log(val_loss=value)

    @harmless
    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002  # the same
        """Tell a last time."""
        self.measured_by.close(failed=False)
