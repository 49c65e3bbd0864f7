"""Friction of one pane: what is not a failure, and still costs people time."""

from __future__ import annotations

from collections import Counter, deque
from statistics import median
from typing import Final, NamedTuple

from panewatch.errors.command import Command
from panewatch.errors.rule import Friction

_TRANSFERS: Final = frozenset("scp rsync sftp rclone wget azcopy gsutil s3cmd croc".split())
_CLOUD_COPIES: Final = {"aws": "s3", "gcloud": "storage", "kubectl": "cp", "docker": "cp"}

_REMEMBERED: Final = 20
_RETRANSFER_SECONDS: Final = 3600.0
_LOOP_SECONDS: Final = 600.0
_LOOP_STARTS: Final = 4
"""Starts of one command within ``_LOOP_SECONDS``, all but the last failed, that are a loop."""

_FAILURES: Final = 2
"""After this many failures in a row, one more try of the same is friction."""

_LEAST_SIGNALS: Final = 4
_LEAST_GAP_SECONDS: Final = 300.0
_GAP_FACTOR: Final = 10.0


class _Run(NamedTuple):
    """One command that was started, and whether it failed since."""

    text: str
    shape: str
    at: float
    failed: bool


class FrictionWatch:
    """Counts the friction of one pane as commands, errors and progress are told to it."""

    __slots__ = ("_gap_counted", "_gaps", "_last_signal", "_runs", "counts")

    def __init__(self) -> None:
        self.counts: Counter[Friction] = Counter()
        self._runs: deque[_Run] = deque(maxlen=_REMEMBERED)
        self._gaps: deque[float] = deque(maxlen=_REMEMBERED)
        self._last_signal: float | None = None
        self._gap_counted = False

    def note_command(self, command: Command, now: float) -> None:
        """Take in a command line that was typed."""
        self._last_signal = None
        self._gaps.clear()
        text = " ".join(command.text.split())
        if not text:
            return
        shape = _shape(text)
        alike = [run for run in self._runs if run.shape == shape]
        same = [run for run in alike if run.text == text]
        failures = 0
        for run in reversed(alike):
            if not run.failed:
                break
            failures += 1
        lately = [run for run in same if now - run.at <= _LOOP_SECONDS]
        if _is_transfer(text) and any(now - run.at <= _RETRANSFER_SECONDS for run in same):
            self.counts["retransfer"] += 1
        elif len(lately) >= _LOOP_STARTS - 1 and all(run.failed for run in lately):
            self.counts["restart_loop"] += 1
        elif failures >= _FAILURES:
            self.counts["repeated_command"] += 1
        self._runs.append(_Run(text, shape, now, failed=False))

    def note_failure(self) -> None:
        """Note that the command that runs now printed an error."""
        if self._runs:
            self._runs[-1] = self._runs[-1]._replace(failed=True)

    def note_status(self, text: str, *, failed: bool) -> None:
        """Note how a command ended, whatever it printed."""
        text = " ".join(text.split())
        for place in reversed(range(len(self._runs))):
            if self._runs[place].text == text:
                self._runs[place] = self._runs[place]._replace(failed=failed)
                break

    @property
    def waits(self) -> bool:
        """Whether a sign of progress was seen, and another one is waited for."""
        return self._last_signal is not None

    def note_signal(self, now: float) -> None:
        """Take in a sign of progress: a bar that moved."""
        if self._last_signal is not None:
            self._gaps.append(now - self._last_signal)
        self._last_signal, self._gap_counted = now, False

    def rest(self) -> None:
        """Note that nothing runs, or nothing that is left to do: no sign is waited for."""
        self._last_signal = None

    def check_gap(self, now: float) -> bool:
        """Count a gap between signs of progress once it is far longer than the others.

        Returns:
            Whether one was counted now.
        """
        if self._last_signal is None or self._gap_counted or len(self._gaps) < _LEAST_SIGNALS:
            return False
        usual = max(_LEAST_GAP_SECONDS, _GAP_FACTOR * median(self._gaps))
        if now - self._last_signal > usual:
            self.counts["progress_gap"] += 1
            self._gap_counted = True
            return True
        return False


def _shape(text: str) -> str:
    """Return what stays of a command line when its details are changed: its first words."""
    words = [word for word in text.split() if not word.startswith("-")]
    return " ".join(words[:2])


def _is_transfer(text: str) -> bool:
    words = text.split()
    program = words[0].rpartition("/")[2]
    return program in _TRANSFERS or _CLOUD_COPIES.get(program) in words[1:3]
