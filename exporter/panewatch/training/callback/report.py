"""The two ways in which a training is told of: its file, and MLflow."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from panewatch.training.callback.origin import is_gone
from panewatch.training.callback.place import SUFFIX, find_directory
from panewatch.training.callback.reporter import Reporter
from panewatch.training.callback.summary import flatten
from panewatch.training.callback.textfile import LONGEST_HEADER, Facts, parse_header, render, write
from panewatch.training.callback.tracking import Tracking

_log = logging.getLogger("panewatch")

_WAIT_SECONDS: Final = 2.0
_OLD_SECONDS: Final = 3600.0
_MOST_SWEPT: Final = 1000


class Report:
    """Tells of one training until it is stopped.

    ``failures`` counts how often its file could not be written.

    Args:
        gather: Gives what is known now; None to write no file.
        summarize: Gives the same for MLflow.
        run: What the run is called.
        directory: Where the file is written; None for where the exporter looks.
        interval: Seconds between two writes.
        mlflow: Whether the active MLflow run gets the numbers too.
    """

    def __init__(
        self,
        gather: Callable[[], Facts] | None,
        summarize: Callable[[], dict[str, Any]],
        run: str,
        *,
        directory: str | None,
        interval: float,
        mlflow: bool,
    ) -> None:
        self.run = run
        self.failures = 0
        self._gather = gather
        self._summarize = summarize
        self._directory = find_directory(directory, os.environ)
        self._swept = self._warned = False
        self._file = Reporter(self._write, interval, "panewatch-textfile") if gather else None
        self._tracking = Tracking(self._number, interval) if mlflow else None

    def start(self) -> None:
        """Begin."""
        if self._file is not None and not self._file.start():
            self.failures += 1
        self.look()

    def look(self) -> None:
        """Look whether MLflow has a run now: from the training's own thread."""
        if self._tracking is not None:
            self._tracking.look()

    def stop(self) -> None:
        """Tell a last time, and wait for that two seconds at most."""
        end = time.monotonic() + _WAIT_SECONDS
        if self._file is not None:
            self._file.stop(_WAIT_SECONDS)
        if self._tracking is not None:
            self._tracking.stop(max(0.1, end - time.monotonic()))

    def _write(self) -> None:
        if self._gather is None:
            return
        facts = self._gather()
        try:
            if self._directory is None:
                raise FileNotFoundError("there is no home to write it to")
            if not self._directory.is_absolute():
                raise ValueError("it must be an absolute path, as for the exporter")  # noqa: TRY301  # one place warns
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._directory / f"{self.run}-{facts.origin.pid}{SUFFIX}"
            write(path, render(facts))
        except (OSError, ValueError) as error:
            self.failures += 1
            self._warn(error)
            return
        if not self._swept:
            self._swept = True
            _sweep(self._directory)

    def _warn(self, error: Exception) -> None:
        """Say once that nobody is told, and why; the next write is tried all the same."""
        if self._warned:
            return
        self._warned = True
        reason = getattr(error, "strerror", None) or str(error)
        _log.warning(
            "panewatch: this training cannot be told of in %s: %s", self._directory, reason
        )

    def _number(self) -> tuple[Mapping[str, float], int]:
        summary = self._summarize()
        return flatten(summary), int(summary["step"] or 0)


def _sweep(directory: Path) -> None:
    """Delete files of ours that nobody has written for an hour: their trainings have ended."""
    now = time.time()
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in islice(entries, _MOST_SWEPT):
            with contextlib.suppress(OSError, ValueError):
                found = entry.stat(follow_symlinks=False)
                ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
                if not ours or now - found.st_mtime < _OLD_SECONDS:
                    continue
                if _is_left_behind(Path(entry.path)):
                    Path(entry.path).unlink()


def _is_left_behind(path: Path) -> bool:
    if path.name.endswith(f"{SUFFIX}.new"):
        return path.name.startswith(".")
    if not path.name.endswith(SUFFIX):
        return False
    with path.open("rb") as file:
        writer = parse_header(file.readline(LONGEST_HEADER))
    return writer is not None and (writer.state != "running" or is_gone(writer.origin) is not False)
