"""What is measured, logged to MLflow too where the training has a run there.

MLflow is never imported from here, and what it raises is lost: it may be gone, or slow.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from panewatch.training.callback.reporter import Reporter


class Tracking:
    """Logs to the MLflow run that is active where the training is.

    Args:
        summarize: Gives the numbers by name, and the step that they are of.
        interval: Seconds between two entries.
    """

    def __init__(
        self, summarize: Callable[[], tuple[Mapping[str, float], int]], interval: float
    ) -> None:
        self._summarize = summarize
        self._interval = interval
        self._run: str | None = None
        self._reporter: Reporter | None = None

    def look(self) -> None:
        """Look for an active run: from the training's own thread, because MLflow asks by thread."""
        mlflow: Any = sys.modules.get("mlflow")
        if mlflow is None:
            return
        with contextlib.suppress(Exception):  # another one's code: it may fail in any way
            active = mlflow.active_run()
            if active is not None:
                self._run = active.info.run_id
        if self._run is not None and self._reporter is None:
            self._reporter = Reporter(self._log, self._interval, "panewatch-mlflow")
            self._reporter.start()

    def stop(self, timeout: float) -> None:
        """Log a last time, and wait for that no longer than ``timeout``."""
        if self._reporter is not None:
            self._reporter.stop(timeout)

    def _log(self) -> None:
        mlflow: Any = sys.modules["mlflow"]
        numbers, step = self._summarize()
        now = int(time.time() * 1000)
        entries = [
            mlflow.entities.Metric(f"panewatch/{name}", value, now, step)
            for name, value in numbers.items()
        ]
        mlflow.MlflowClient().log_batch(self._run, metrics=entries)
