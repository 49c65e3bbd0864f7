"""What is known of one training from inside: where it is, its numbers, and where its time goes."""

from __future__ import annotations

import contextlib
import functools
import time
from typing import Any, Final

from panewatch.training.callback.measurement import Measurement
from panewatch.training.callback.memory import measure_peaks
from panewatch.training.callback.origin import read_origin
from panewatch.training.callback.place import clean_name
from panewatch.training.callback.samples import measure_dataset
from panewatch.training.callback.scalars import Scalars
from panewatch.training.callback.textfile import Facts, State

_STANDS_SECONDS: Final = 30.0
_STANDS_BATCHES: Final = 5
"""A run whose last batch ended so long ago, and so many of its usual batches, has no speed."""

_LOSSES: Final = {"loss": "train", "val_loss": "val"}
_NAMES: Final = {"lr": "learning_rate"}

_clean = functools.lru_cache(maxsize=256)(clean_name)


class Tally:
    """Counts what one training does. One thread counts, any may gather.

    Times are seconds of ``time.perf_counter``. What comes is trusted to be what it should be:
    who counts guards against what others give.

    Args:
        epochs: How many epochs there will be; None where that is not known.
        steps: The same of steps.
        first_step: Steps that were made before.
        sizes: Bytes of the ``dataset`` and the ``cache``; None where they are to be asked for.
    """

    def __init__(
        self,
        *,
        epochs: int | None,
        steps: int | None,
        first_step: int,
        sizes: dict[str, int | None],
    ) -> None:
        self.measurement = Measurement()
        self.scalars = Scalars()
        self.state: State = "running"
        self.epoch: float | None = None
        self.active = time.perf_counter()
        """When it was last told that something goes on."""
        self._origin = read_origin()
        self._epochs, self._steps = epochs, steps
        self._step: int | None = None
        self._first_step = first_step
        self._restarts = 0
        self._sizes = sizes
        self._dataset_samples: int | None = None

    def plan(
        self,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        steps_of_epoch: int | None = None,
    ) -> None:
        """Note how many epochs and steps there will be, unless that is known already."""
        self._epochs = self._epochs or epochs
        if steps is None and self._epochs is not None and steps_of_epoch is not None:
            steps = self._epochs * steps_of_epoch
        self._steps = self._steps or steps

    def describe(self, loader: Any) -> None:
        """Take over what a loader tells: how long an epoch is, and of how much data."""
        with contextlib.suppress(Exception):  # not every loader has a length
            self.plan(steps_of_epoch=len(loader))
        found = measure_dataset(getattr(loader, "dataset", None))
        self._dataset_samples = found.get("samples", self._dataset_samples)
        for kind, key in (("dataset", "bytes"), ("cache", "cache")):
            if self._sizes[kind] is None:
                self._sizes[kind] = found.get(key)

    def begin_epoch(self, epoch: float) -> None:
        """Note which epoch it is: the first is 1."""
        if self.epoch is not None and epoch < self.epoch:
            self._restarts += 1
        self.epoch = epoch

    def end(self, now: float, samples: int | None, step: int | None) -> None:
        """Count a batch that was computed: ``step``, or else one more than before."""
        self.measurement.end(now, samples)
        if step is None and self._step is not None:
            self._step += 1
        else:
            self._set_step(self._first_step + 1 if step is None else step)

    def _set_step(self, step: int) -> None:
        if self._step is not None and step < self._step:
            self._restarts += 1
        self._step = step

    def log(self, name: str, value: Any) -> None:
        """Take in one number by its name."""
        if name in _LOSSES:
            self.scalars.take(name, value)
        elif name == "epoch":
            self.begin_epoch(float(value))
        elif name == "step":
            self._set_step(int(value))
        elif name.removesuffix("_bytes") in self._sizes:
            self._sizes[name.removesuffix("_bytes")] = int(value)
        else:
            self.scalars.take(_clean(_NAMES.get(name, name)), value)

    def gather(self, run: str, framework: str, write_failures: int) -> Facts:
        """Return what is known now."""
        measured, now = self.measurement.copy(), time.perf_counter()
        values, nonfinite = self.scalars.copy()
        losses = {split: values.pop(name, None) for name, split in _LOSSES.items()}
        last = measured.last or 0.0
        usual = (measured.wait + measured.compute) / max(1, measured.batches)
        sizes = {kind: size for kind, size in self._sizes.items() if size is not None}
        return Facts(
            run=run,
            framework=clean_name(framework) if framework else "",
            origin=self._origin,
            state=self.state,
            measured=measured,
            stands=now - last > max(_STANDS_SECONDS, _STANDS_BATCHES * usual),
            moved=time.time() - (now - max(last, self.active)),
            epoch=self.epoch,
            epochs=self._epochs,
            step=self._step,
            steps=self._steps,
            losses={split: loss for split, loss in losses.items() if loss is not None},
            metrics=values,
            nonfinite=nonfinite,
            restarts=self._restarts,
            memory=sizes | measure_peaks(),
            dataset_samples=self._dataset_samples,
            write_failures=write_failures,
        )
