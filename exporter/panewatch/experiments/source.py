"""Where experiments are read from: one small interface, whatever stands behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from panewatch.experiments.model import Experiment

FAILURES: Final = (
    "absent",
    "access",
    "credentials",
    "throttled",
    "timeout",
    "unreachable",
    "server",
    "invalid",
)
"""Why a source could not be read: there is none, no permission, no or expired credentials, too
many requests, no answer in time, no connection, an error of the service, an answer or a file
that makes no sense."""

SKIPPED: Final = ("missing", "type", "number", "json", "time", "size", "duplicate")
"""Why an item was left out: an attribute is missing, is of another kind, is no finite number, is
no JSON, has no usable time, is too large, has the key of another one."""


class SourceError(Exception):
    """A source could not be read; nothing of what it gave is to be shown as whole.

    ``reason`` is one of `FAILURES`, ``detail`` a fixed phrase without data from the source: no
    key, no account, no text of an item.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass
class ReadCounts:
    """What reading has cost since the source was opened. Grows only.

    Attributes:
        items: Items that were read, also those that were skipped.
        capacity_units: Read capacity units that DynamoDB charged; stays 0 for files.
    """

    items: int = 0
    capacity_units: float = 0.0


@dataclass(frozen=True)
class Whole:
    """Everything that a source holds, as of one time.

    Attributes:
        experiments: In the order of their times, oldest first. May be walked through more than
            once, as long as the source has given no other whole; made one by one on the way.
        skipped: How many items of the source are left out, by reason of `SKIPPED`.
        version: Another number whenever something in it has changed.
        time: When the reading that it is of had ended, in Unix time.
    """

    experiments: Iterable[Experiment]
    skipped: Counter[str] = field(default_factory=Counter)
    version: int = 0
    time: float = 0.0

    @property
    def left_out(self) -> int:
        """How many items make no experiment; of those with one id, one does."""
        return self.skipped.total() - self.skipped["duplicate"]


class Source(Protocol):
    """Something that holds experiments. All calls come from one thread."""

    counts: ReadCounts

    def read(self, seconds: float) -> Whole | None:
        """Read on, for about ``seconds`` and within the budget, and give what there is.

        Returns:
            All experiments as of now; None while the first reading, or one after a failure that
            lost what was read, is still under way: a part is never given as the whole. While a
            later reading is under way the whole of the reading before it is given.

        Raises:
            SourceError: it cannot be read now. The next call tries again.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
