"""The monitor of one training: what its loop calls, and what it tells of it."""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from panewatch.training.callback.arguments import read_count, read_seconds
from panewatch.training.callback.harmless import harmless
from panewatch.training.callback.remade import Remade
from panewatch.training.callback.samples import count_samples
from panewatch.training.callback.summary import summarize
from panewatch.training.callback.tally import Tally
from panewatch.training.callback.telling import Telling
from panewatch.training.callback.textfile import Facts

T = TypeVar("T")
P = ParamSpec("P")

_clock = time.perf_counter


class TrainingMonitor(Remade):
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

    Raises:
        ValueError: a number is none, or too small. Numerals are taken as numbers.
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
        self._framework = framework
        self._batch_size = read_count("batch_size", batch_size, 1, optional=True)
        self._planned = {
            "epochs": read_count("epochs", epochs, optional=True),
            "steps": read_count("steps", steps, optional=True),
        }
        self._first_step = read_count("first_step", first_step)
        self._sizes = {
            "dataset": read_count("dataset_bytes", dataset_bytes, optional=True),
            "cache": read_count("cache_bytes", cache_bytes, optional=True),
        }
        self._tally = self._begin_tally()
        self._telling = Telling(
            self._gather, self.summary, self.close, run=run, directory=directory,
            interval=read_seconds("interval", interval), every_rank=every_rank, mlflow=mlflow,
        )  # fmt: skip

    def _begin_tally(self) -> Tally:
        return Tally(**self._planned, first_step=self._first_step, sizes=dict(self._sizes))

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
        if not self._telling.started:
            self._tally = self._begin_tally()
            self._telling.start()

    def close(self, *, failed: bool | None = None) -> None:
        """Tell a last time. Waits for that two seconds at most.

        Args:
            failed: Whether the training has failed; else whether an error ends the program.
        """
        if not self._telling.started:
            return
        ended = failed if failed is not None else getattr(sys, "last_value", None) is not None
        self._tally.state = "failed" if ended else "finished"
        with contextlib.suppress(Exception):  # a device that is lost
            self._tally.scalars.finish()
        self._telling.stop()

    def watch(self, loader: Iterable[T], *, epoch: float | None = None) -> Iterator[T]:
        """Yield the batches of a loader; each is computed until the next one is asked for.

        Args:
            loader: Gives batches. Its length, where it has one, is that of an epoch.
            epoch: Which epoch it is; else one more than before.
        """
        self.start()
        self.begin_epoch((self._tally.epoch or 0) + 1 if epoch is None else epoch)
        self.describe(loader)
        self.wait()
        batches = iter(loader)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                self.pause()
                return
            self._tally.measurement.begin(_clock())
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
        now = self._tally.active = _clock()
        self._tally.measurement.ask(now)

    @harmless
    def begin_batch(self) -> None:
        """Say that a batch is there, and computing begins."""
        if not self._telling.started:
            self.start()
        self._tally.measurement.begin(_clock())

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
        telling = self._telling
        if not telling.started:
            return
        now = _clock()
        tally = self._tally
        tally.end(now, _count(batch) if samples is None else samples, step)
        if loss is not None:
            tally.scalars.take("loss", loss)
        if now >= telling.due:
            with contextlib.suppress(Exception):
                tally.scalars.settle()
            telling.look(now)

    @harmless
    def pause(self) -> None:
        """Say that what comes now is no training, until `wait` or the next batch."""
        self._tally.active = _clock()
        self._tally.measurement.pause()

    @harmless
    def begin_epoch(self, epoch: float) -> None:
        """Say which epoch it is: the first is 1."""
        self._tally.begin_epoch(epoch)

    @harmless
    def plan(
        self,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        steps_of_epoch: int | None = None,
    ) -> None:
        """Say how many epochs and steps there will be, where the monitor was not told before.

        Args:
            epochs: How many epochs.
            steps: How many steps, those of before a resume included.
            steps_of_epoch: How many steps an epoch has; counts where ``steps`` is not given.
        """
        self._tally.plan(epochs=epochs, steps=steps, steps_of_epoch=steps_of_epoch)

    @harmless
    def describe(self, loader: Any) -> None:
        """Take over what a loader tells: how long an epoch is, and of how much data."""
        self._tally.describe(loader)

    @harmless
    def log(self, **values: Any) -> None:
        """Take in numbers by name.

        ``loss`` and ``val_loss`` are losses, ``epoch`` and ``step`` say where it is,
        ``cache_bytes`` and ``dataset_bytes`` are sizes, any other is a metric; at most 20 names.
        A number that is on a device is not waited for, and told an interval later.
        """
        self._tally.active = _clock()
        for name, value in values.items():
            self._tally.log(name, value)

    def summary(self) -> dict[str, Any]:
        """Return what was measured so far: numbers, text, and seconds for times.

        The names are always the same; what is not known, or not yet, is None.

        ``batch_seconds`` holds exact quantiles of the last 65,536 batches.
        """
        return summarize(self._gather(), self._tally.measurement.copy_times())

    def _gather(self) -> Facts:
        telling = self._telling
        return self._tally.gather(telling.run, self._framework, telling.failures)


def _count(batch: Any) -> int | None:
    try:
        return count_samples(batch)
    except Exception:  # noqa: BLE001  # another one's code: it may fail in any way
        return None
