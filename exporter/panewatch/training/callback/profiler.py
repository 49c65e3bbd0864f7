"""The profiler of one training: records some of its steps, and leaves traces of them.

A trace says where the time of a step goes: which operators, which kernels, waiting for data,
copying, nothing. PyTorch's own profiler records it. This one decides when, puts the trace where
the exporter looks, and keeps the training out of harm's way.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from panewatch.training.callback.arguments import read_count
from panewatch.training.callback.place import find_profiles_directory
from panewatch.training.callback.precedence import Precedence, is_in_use, is_lost
from panewatch.training.callback.rank import find_rank, name_run
from panewatch.training.callback.remade import Remade
from panewatch.training.callback.traces import TraceError, TraceFiles
from panewatch.training.callback.windows import Windows

_WAIT_SECONDS: Final = 30.0
"""How long the end of a training waits for its last trace to be compressed."""

_log = logging.getLogger("panewatch")


class TrainingProfiler(Remade):
    """Records windows of steps of one training with PyTorch's profiler, as trace files.

    ::

        with TrainingProfiler(run="resnet", skip_first=100, active=5) as profiler:
            for images, labels in loader:
                train(images, labels)
                profiler.step()

    No method fails because of what is recorded, or because a trace cannot be written: a warning
    says so once, and the next window is tried again. While another profiler of PyTorch is in use
    none is recorded. All arguments are plain values, so that Hydra can build it.

    Args:
        run: What it is called; the name of the script where it is empty.
        skip_first: Steps before the first cycle.
        wait: Steps of each cycle before its warm-up.
        warmup: Steps that the profiler warms up for; their record is thrown away.
        active: Steps that are recorded.
        repeat: How many cycles; 0 is without end.
        first_step: The first step of the one window that is recorded, counted from 0, in place
            of cycles.
        steps: How many steps that window has; else ``active``.
        directory: Where the traces are written; else where the exporter looks.
        keep: How many traces of this run stay in the directory.
        compress: Whether they are compressed; a thread does that.
        every_rank: Whether each rank is recorded, or only the first.
        record_shapes: Whether the shapes of operators' inputs are recorded.
        profile_memory: Whether allocations are recorded.
        with_stack: Whether the lines of the program are recorded; this costs much.

    Raises:
        ValueError: a number is none, or negative. Numerals are taken as numbers.
    """

    def __init__(
        self,
        *,
        run: str = "",
        skip_first: int = 10,
        wait: int = 0,
        warmup: int = 2,
        active: int = 5,
        repeat: int = 1,
        first_step: int | None = None,
        steps: int | None = None,
        directory: str | None = None,
        keep: int = 5,
        compress: bool = True,
        every_rank: bool = False,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
    ) -> None:
        self._options = {key: value for key, value in locals().items() if key != "self"}
        skip_first, wait = read_count("skip_first", skip_first), read_count("wait", wait)
        warmup, repeat = read_count("warmup", warmup), read_count("repeat", repeat)
        first = read_count("first_step", first_step, optional=True)
        active, some = read_count("active", active), read_count("steps", steps, optional=True)
        self._options["keep"] = read_count("keep", keep)
        active = active if some is None else some
        if first is None:
            self._windows = Windows(skip_first, wait, warmup, active, repeat)
        else:
            self._windows = Windows.choose(first, active, warmup)
        self._recorded = {
            "record_shapes": record_shapes,
            "profile_memory": profile_memory,
            "with_stack": with_stack,
        }
        self._process = 0
        self._closed = False
        self._step = 0
        self._begins: int | None = None
        self._whole_from = self._ends = 0
        self._unfinished: int | None = None
        self._torch: Any = None
        self._recording: Any = None
        self._precedence: Precedence | None = None
        self._files: TraceFiles | None = None
        self._thread: threading.Thread | None = None
        self._warned = False
        self.traces: list[Path] = []
        """The traces that were written, in their order; some may have been deleted since."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin with step 0. The first step begins by itself; a second start is none."""
        if self._process:
            return
        self._process, self._closed = os.getpid(), False
        self._step = 0
        rank = find_rank()
        if rank and not self._options["every_rank"]:
            return
        try:
            self._files = TraceFiles(
                find_profiles_directory(self._options["directory"], os.environ),
                name_run(str(self._options["run"]), rank),
                keep=self._options["keep"],
                compress=self._options["compress"],
            )
            self._begins = self._windows.find_first()
            atexit.register(self.close)
            if self._begins == 0:
                self._begin()
        except Exception as error:  # noqa: BLE001  # a training must not fail because of it
            self._give_up(error)

    def step(self) -> None:
        """Say that a step has ended, and the next one begins."""
        if not self._process and not self._closed:
            self.start()
        self._step += 1
        if self._recording is None and self._step != self._begins:
            return
        if self._process != os.getpid():
            self._leave()
            return
        try:
            if self._recording is not None:
                self._recording.step()
                if self._step >= self._ends:
                    self._end()
            if self._recording is None and self._step == self._begins:
                self._begin()
        except Exception as error:  # noqa: BLE001  # PyTorch's own, in whatever version
            self._give_up(error)

    def close(self) -> None:
        """End, with a trace of the steps that were recorded so far; wait for it, 30 s at most."""
        if not self._process:
            return
        if self._process != os.getpid():
            self._leave()
            return
        atexit.unregister(self.close)
        try:
            if self._recording is not None:
                self._unfinished = self._step
                if self._step <= self._whole_from:
                    self._recording.on_trace_ready = None  # there is no step to tell of
                self._end()
        except Exception as error:  # noqa: BLE001  # the same
            self._give_up(error)
        self._begins, self._process, self._closed = None, 0, True
        if self._thread is not None:
            self._thread.join(_WAIT_SECONDS)
            self._thread = None

    def _begin(self) -> None:
        """Have PyTorch record the window that begins at this step."""
        begin, windows = self._step, self._windows
        self._begins = windows.find_next(begin)
        self._whole_from = begin + windows.warmup
        self._ends = self._whole_from + windows.active
        self._unfinished = None
        # Only now: a training without PyTorch, or whose window never comes, does without.
        profiler = importlib.import_module("torch.profiler")
        if is_in_use():
            raise TraceError("another profiler of PyTorch is in use")
        schedule = profiler.schedule(wait=0, warmup=windows.warmup, active=windows.active, repeat=1)
        recording = profiler.profile(
            schedule=lambda step: schedule(max(0, step - begin)),
            on_trace_ready=self._export,
            **self._recorded,
        )
        # Its steps are counted from 0, and those of the trace are to be the training's.
        recording.step_num = begin
        recording.start()
        self._recording = recording
        self._precedence = Precedence(
            lambda: self._give_up(TraceError("another profiler of PyTorch has begun"))
        )

    def _end(self) -> None:
        """Have PyTorch end what it records; that exports it, where it was not yet."""
        recording, self._recording = self._recording, None
        self._withdraw()
        recording.__exit__(None, None, None)

    def _withdraw(self) -> None:
        if self._precedence is not None:
            self._precedence.withdraw()
            self._precedence = None

    def _export(self, recording: Any) -> None:
        """Write the trace. PyTorch calls this, in the thread of the training."""
        files = self._files
        if files is None:
            return
        try:
            _check(recording)
            beside = files.begin()
            try:
                recording.export_chrome_trace(str(beside))
            except BaseException:
                files.drop(beside)
                raise
            self._thread = threading.Thread(
                target=self._finish,
                args=(files, beside, self._unfinished, self._thread),
                name="panewatch-trace",
                daemon=True,
            )
            try:
                self._thread.start()
            except RuntimeError:  # the system has no thread left, or the program is at its end
                self._thread = None
                self._finish(files, beside, self._unfinished, None)
        except Exception as error:  # noqa: BLE001  # a full disk, a lost device
            self._warn(error)

    def _finish(
        self,
        files: TraceFiles,
        beside: Path,
        unfinished: int | None,
        before: threading.Thread | None,
    ) -> None:
        """Finish a trace, after the one before it."""
        if before is not None:
            before.join()
        try:
            self.traces.append(files.finish(beside, unfinished))
        except Exception as error:  # noqa: BLE001  # the same; here nobody would catch it
            self._warn(error)

    def _give_up(self, error: Exception) -> None:
        """Leave this window; the next one is tried again."""
        recording, self._recording = self._recording, None
        self._withdraw()
        if recording is not None:
            try:
                recording.on_trace_ready = None
                recording.__exit__(None, None, None)
            except Exception:  # noqa: BLE001  # it is broken already
                _log.debug("the profiler does not end", exc_info=True)
        self._warn(error)

    def _warn(self, error: Exception) -> None:
        level = logging.DEBUG if self._warned else logging.WARNING
        self._warned = True
        reason = str(error) if isinstance(error, TraceError | OSError) else type(error).__name__
        _log.log(level, "panewatch: the profiler of this training failed: %s", reason)

    def _leave(self) -> None:
        """Become silent: this is a forked child, and the training is its parent's."""
        self._begins = self._recording = self._files = self._thread = None
        self._withdraw()


def _check(recording: Any) -> None:
    if is_lost(recording):
        raise TraceError("another profiler of PyTorch has taken it over")
