"""The monitor of one training: what its loop calls, and what it tells of it."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

from panewatch.training.callback.harmless import harmless
from panewatch.training.callback.measurement import Measurement
from panewatch.training.callback.memory import measure_peaks
from panewatch.training.callback.origin import read_origin
from panewatch.training.callback.place import clean_name
from panewatch.training.callback.rank import find_rank, name_run
from panewatch.training.callback.report import Report
from panewatch.training.callback.samples import count_samples, measure_dataset
from panewatch.training.callback.scalars import Scalars
from panewatch.training.callback.summary import summarize
from panewatch.training.callback.textfile import Facts, State

T = TypeVar("T")
P = ParamSpec("P")

_STANDS_SECONDS: Final = 30.0
_STANDS_BATCHES: Final = 5
"""A run whose last batch ended so long ago, and so many of its usual batches, has no speed."""

_clock = time.perf_counter

_LOSSES: Final = {"loss": "train", "val_loss": "val"}

_live: weakref.WeakSet[TrainingMonitor] = weakref.WeakSet()


class TrainingMonitor:
    """Measures one training, and tells the exporter of it every few seconds.

    ::

        with TrainingMonitor(run="resnet", epochs=10) as monitor:
            for epoch in range(1, 11):
                for images, labels in monitor.watch(loader, epoch=epoch):
                    monitor.log(loss=train(images, labels))
                with monitor.validating():
                    monitor.log(val_loss=validate())

    No method fails because of what it measures, or because a file cannot be written: such
    things are counted. All arguments are plain values, so that Hydra can build it.

    Args:
        run: What it is called; the name of the script where it is empty.
        framework: What trains, for people.
        epochs: How many epochs there will be.
        steps: How many steps there will be, those of before a resume included; else found from
            the epochs and the length of the loader.
        first_step: Steps that were made before, where it is resumed.
        batch_size: Samples in a batch; else counted in each.
        dataset_bytes: Size of the dataset; else asked of it.
        cache_bytes: Size of what was made from the dataset and is kept; else asked of it.
        directory: Where the file is written; else where the exporter looks.
        interval: Seconds between two writes.
        every_rank: Whether each rank tells of itself, or only the first.
        mlflow: Whether the active MLflow run gets the numbers too.
    """

    def __init__(
        self,
        *,
        run: str = "",
        framework: str = "",
        epochs: int | None = None,
        steps: int | None = None,
        first_step: int = 0,
        batch_size: int | None = None,
        dataset_bytes: int | None = None,
        cache_bytes: int | None = None,
        directory: str | None = None,
        interval: float = 5.0,
        every_rank: bool = True,
        mlflow: bool = True,
    ) -> None:
        self._options = {key: value for key, value in locals().items() if key != "self"}
        self.framework = framework
        self.epochs = epochs
        self.steps = steps
        self._first_step = first_step
        self._batch_size = batch_size
        self._sizes = {"dataset": dataset_bytes, "cache": cache_bytes}
        self._directory = directory
        self._interval = max(0.05, interval)
        self._every_rank = every_rank
        self._mlflow = mlflow
        self._report: Report | None = None
        self._reset()

    def _reset(self) -> None:
        self._measurement = Measurement()
        self._scalars = Scalars()
        self._state: State = "running"
        self._epoch: float | None = None
        self._step: int | None = None
        self._restarts = 0
        self._dataset_samples: int | None = None
        self._origin = read_origin()
        self._active = _clock()
        self._due = self._active + self._interval

    def __getstate__(self) -> dict[str, Any]:
        """Give what it was made from: a copy in another process begins anew."""
        return self._options

    def __setstate__(self, options: dict[str, Any]) -> None:
        self.__init__(**options)  # type: ignore[misc]  # the same class, from what it was made from

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(failed=kind is not None)

    def start(self) -> None:
        """Begin to tell. Anything that is measured begins by itself; a second start is none."""
        if self._report is not None:
            return
        self._reset()
        rank = find_rank()
        quiet = rank > 0 and not self._every_rank
        self._report = Report(
            None if quiet else self._gather,
            self.summary,
            name_run(str(self._options["run"]), rank),
            directory=self._directory,
            interval=self._interval,
            mlflow=self._mlflow and not quiet,
        )
        _live.add(self)
        atexit.register(self.close)
        self._report.start()

    def close(self, *, failed: bool | None = None) -> None:
        """Tell a last time. Waits for that two seconds at most.

        Args:
            failed: Whether the training has failed; else whether an error ends the program.
        """
        report, self._report = self._report, None
        if report is None:
            return
        atexit.unregister(self.close)
        _live.discard(self)
        ended = failed if failed is not None else getattr(sys, "last_value", None) is not None
        self._state = "failed" if ended else "finished"
        with contextlib.suppress(Exception):  # a device that is lost
            self._scalars.finish()
        report.stop()

    def watch(self, loader: Iterable[T], *, epoch: float | None = None) -> Iterator[T]:
        """Yield the batches of a loader; each is computed until the next one is asked for.

        Args:
            loader: Gives batches. Its length, where it has one, is that of an epoch.
            epoch: Which epoch it is; else one more than before.
        """
        self.start()
        self.begin_epoch((self._epoch or 0) + 1 if epoch is None else epoch)
        self.describe(loader)
        self.wait()
        batches = iter(loader)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                self.pause()
                return
            self._measurement.begin(_clock())
            try:
                yield batch
            finally:
                self._end(batch, self._batch_size, None, None)

    def step(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate the function that trains one batch: each call of it is a step.

        The time between two calls is counted as waiting for data. A number that it returns is
        the loss.
        """

        @functools.wraps(function)
        def measured(*arguments: P.args, **named: P.kwargs) -> T:
            self.begin_batch()
            result = function(*arguments, **named)
            loss = result if getattr(result, "shape", None) == () else None
            if isinstance(result, int | float):
                loss = result
            self.end_batch(batch=[*arguments, *named.values()], loss=loss)
            return result

        return measured

    @contextlib.contextmanager
    def validating(self) -> Iterator[None]:
        """Leave out the time of a block that trains nothing."""
        self.pause()
        try:
            yield
        finally:
            self.wait()

    @harmless
    def wait(self) -> None:
        """Say that the next batch is waited for from here on."""
        self._active = _clock()
        self._measurement.ask(self._active)

    @harmless
    def begin_batch(self) -> None:
        """Say that a batch is there, and computing begins."""
        if self._report is None:
            self.start()
        self._measurement.begin(_clock())

    @harmless
    def end_batch(
        self,
        *,
        batch: Any = None,
        samples: int | None = None,
        step: int | None = None,
        loss: Any = None,
    ) -> None:
        """Say that a batch was computed.

        Args:
            batch: The batch, to count its samples.
            samples: How many there were, where that is known better.
            step: Which step this was; else one more than before.
            loss: What came of it.
        """
        self._end(batch, self._batch_size if samples is None else samples, step, loss)

    def _end(self, batch: Any, samples: int | None, step: int | None, loss: Any) -> None:
        if self._report is None:
            return
        now = _clock()
        self._measurement.end(now, _count(batch) if samples is None else samples)
        if step is None and self._step is not None:
            self._step += 1
        else:
            self._set_step(step)
        if loss is not None:
            self._take("loss", loss)
        if now >= self._due:
            self._due = now + self._interval
            self._tick()

    @harmless
    def pause(self) -> None:
        """Say that what comes now is no training, until `wait` or the next batch."""
        self._active = _clock()
        self._measurement.pause()

    @harmless
    def begin_epoch(self, epoch: float) -> None:
        """Say which epoch it is: the first is 1."""
        if self._epoch is not None and epoch < self._epoch:
            self._restarts += 1
        self._epoch = epoch

    @harmless
    def describe(self, loader: Any) -> None:
        """Take over what a loader tells: how long an epoch is, and of how much data."""
        with contextlib.suppress(Exception):  # not every loader has a length
            if self.steps is None and self.epochs is not None:
                self.steps = self.epochs * len(loader)
        found = measure_dataset(getattr(loader, "dataset", None))
        self._dataset_samples = found.get("samples", self._dataset_samples)
        for kind, key in (("dataset", "bytes"), ("cache", "cache")):
            if self._sizes[kind] is None:
                self._sizes[kind] = found.get(key)

    @harmless
    def log(self, **values: Any) -> None:
        """Take in numbers by name.

        ``loss`` and ``val_loss`` are losses, ``epoch`` and ``step`` say where it is,
        ``cache_bytes`` and ``dataset_bytes`` are sizes, any other is a metric; at most 20 names.
        A number that is on a device is not waited for, and told an interval later.
        """
        self._active = _clock()
        for name, value in values.items():
            if name in _LOSSES:
                self._scalars.take(name, value)
            elif name == "epoch":
                self.begin_epoch(float(value))
            elif name == "step":
                self._set_step(int(value))
            elif name.removesuffix("_bytes") in self._sizes:
                self._sizes[name.removesuffix("_bytes")] = int(value)
            else:
                self._take("learning_rate" if name == "lr" else name, value)

    def summary(self) -> dict[str, Any]:
        """Return what was measured so far: numbers, text, and seconds for times.

        ``batch_seconds`` holds exact quantiles of the last 65,536 batches.
        """
        return summarize(self._gather(), self._measurement.copy_times())

    def _take(self, name: str, value: Any) -> None:
        self._scalars.take(name if name in _LOSSES else _clean(name), value)

    def _set_step(self, step: int | None) -> None:
        if step is None:
            step = self._first_step + 1
        elif self._step is not None and step < self._step:
            self._restarts += 1
        self._step = step

    def _tick(self) -> None:
        """Do what has to be done now and then, in the thread of the training."""
        with contextlib.suppress(Exception):
            self._scalars.settle()
        if self._report is not None:
            self._report.look()

    def _gather(self) -> Facts:
        measured, now = self._measurement.copy(), _clock()
        values, nonfinite = self._scalars.copy()
        losses = {split: values.pop(name, None) for name, split in _LOSSES.items()}
        last = measured.last or 0.0
        usual = (measured.wait + measured.compute) / max(1, measured.batches)
        report = self._report
        return Facts(
            run=report.run if report else name_run(str(self._options["run"]), find_rank()),
            framework=clean_name(self.framework) if self.framework else "",
            origin=self._origin,
            state=self._state,
            measured=measured,
            stands=now - last > max(_STANDS_SECONDS, _STANDS_BATCHES * usual),
            moved=time.time() - (now - max(last, self._active)),
            epoch=self._epoch,
            epochs=self.epochs,
            step=self._step,
            steps=self.steps,
            losses={split: loss for split, loss in losses.items() if loss is not None},
            metrics=values,
            nonfinite=nonfinite,
            restarts=self._restarts,
            memory={kind: n for kind, n in self._sizes.items() if n is not None} | measure_peaks(),
            dataset_samples=self._dataset_samples,
            write_failures=report.failures if report else 0,
        )

    def _leave(self) -> None:
        """Become silent: this is a forked child, and the training is its parent's."""
        self._report = None


_clean = functools.lru_cache(maxsize=256)(clean_name)


def _count(batch: Any) -> int | None:
    try:
        return count_samples(batch)
    except Exception:  # noqa: BLE001  # another one's code: it may fail in any way
        return None


def _leave_all() -> None:
    for monitor in tuple(_live):
        monitor._leave()  # noqa: SLF001  # what a fork leaves behind is nobody else's business


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
