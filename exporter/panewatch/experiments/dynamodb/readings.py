"""A reading of a table from its begin to its end: of everything, or of what is new."""

from __future__ import annotations

from typing import Any

from panewatch.experiments.dynamodb.client import Client
from panewatch.experiments.dynamodb.intake import Intake
from panewatch.experiments.dynamodb.jobs import Batch, Batches, Pages
from panewatch.experiments.ledger import Ledger


class Everything:
    """All items, page by page.

    Args:
        pages: The scan.
        ledger: What takes over what was read.
        intake: What becomes of each item.
        now: When it begins, in Unix time.
    """

    def __init__(self, pages: Pages, ledger: Ledger, intake: Intake, now: float) -> None:
        self.began = now
        self._pages = pages
        self._ledger = ledger
        self._intake = intake
        self._reading = ledger.begin(everything=True)
        intake.begin_everything()
        self._left_out: dict[str, str] = {}

    @property
    def done(self) -> bool:
        """Whether the last page was read."""
        return self._pages.done

    def wait(self) -> float:
        """Return in how many seconds the budget allows the next request."""
        return self._pages.wait()

    def step(self, client: Client, now: float) -> None:
        """Read on by one request.

        Raises:
            SourceError: it failed; the next step tries it again.
        """
        for attributes in self._pages.step(client):
            self._intake.take(attributes, self._reading, self._left_out, now)

    def overtake(self, key: str) -> None:
        """Say that an experiment was read by another reading meanwhile."""
        self._reading.overtake(key)

    def finish(self) -> None:
        """Hand over what was read."""
        self._ledger.finish(self._reading)
        self._intake.finish_everything(self._left_out)


class Newer:
    """What is newer than what is known, and what was open still.

    Args:
        pages: The query.
        batches: Reads items by their keys.
        ledger: What takes over what was read.
        intake: What becomes of each item.
        covers: Whether the query gives all that is needed of an item.
        now: When it begins, in Unix time.
    """

    def __init__(
        self,
        pages: Pages,
        batches: Batches,
        ledger: Ledger,
        intake: Intake,
        *,
        covers: bool,
        now: float,
    ) -> None:
        self.began = now
        self.touched: set[str] = set()
        """The ids of what was read, or was found to be gone."""
        self.misses = False
        """Whether something is gone that had ended, so that more may be."""
        self._job: Pages | Batch = pages
        self._batches = batches
        self._covers = covers
        self._ledger = ledger
        self._intake = intake
        self._reading = ledger.begin(everything=False)
        self._keys: dict[str, dict[str, Any]] = {}
        self._asked: set[str] = set()
        self._newest = intake.newest
        self.done = False

    def wait(self) -> float:
        """Return in how many seconds the budget allows the next request."""
        return self._job.wait()

    def step(self, client: Client, now: float) -> None:
        """Read on by one request.

        Raises:
            SourceError: it failed; the next step tries it again.
        """
        whole = self._covers or isinstance(self._job, Batch)
        for attributes in self._job.step(client):
            if whole:
                self._take(attributes, now)
            else:
                # One whose time changes meanwhile comes twice, and may be asked for once only.
                self._keys[repr(sorted(attributes.items()))] = attributes
        if not self._job.done:
            return
        if isinstance(self._job, Pages):
            self._job = self._batches.begin(self._choose())
        self.done = self._job.done

    def finish(self) -> None:
        """Hand over what was read; what was open and is no more there is gone."""
        self.misses = self._newest is not None and self._newest.is_missed(self.touched)
        for key in self._asked - self.touched:
            self._intake.open.pop(key, None)
            self._reading.remove(key)
        self.touched |= self._asked
        self._ledger.finish(self._reading)

    def _take(self, attributes: dict[str, Any], now: float) -> None:
        key = self._intake.take(attributes, self._reading, self._intake.left_out, now)
        self.touched.add(key)

    def _choose(self) -> list[dict[str, Any]]:
        """Return the keys of what is read besides: none twice, as the service refuses that."""
        keys = list(self._keys.values())
        for name, known in self._intake.open.items():
            if name not in self.touched:
                self._asked.add(name)
                if known.key not in keys:
                    keys.append(known.key)
        return keys
