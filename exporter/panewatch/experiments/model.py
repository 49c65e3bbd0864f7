"""What an experiment is, whatever source it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STATUSES: Final = ("completed", "running", "failed", "timeout", "other")
"""Every status of an experiment; one that the settings know no word for is ``other``."""

OPEN_STATUSES: Final = frozenset({"running", "other"})
"""Those that may still change: an experiment in one of them is read again."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment as it was last read.

    Attributes:
        id: Its key in the source. Free text of others: it becomes a label only after `name_id`.
        status: One of `STATUSES`.
        time: When it was stored, in Unix seconds.
        bitrate: Its result in bit/s, positive and finite; None where it has none.
        psnr: Decibels; None where it was not measured.
        ssim: From 0 to 1; None where it was not measured.
        validation_failures: How often its code was refused.
        error: The fingerprint of the error that ended it; empty where there was none.
        interventions: How often a person had to step in.
    """

    id: str
    status: str
    time: float
    bitrate: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    validation_failures: int = 0
    error: str = ""
    interventions: int = 0

    @property
    def result(self) -> float | None:
        """The bitrate that counts: that of a completed experiment."""
        return self.bitrate if self.status == "completed" else None
