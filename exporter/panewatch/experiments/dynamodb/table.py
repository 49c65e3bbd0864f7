"""Experiments in a table of DynamoDB, read within a budget and never for long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

from panewatch.experiments.dynamodb import jobs
from panewatch.experiments.dynamodb.budget import Budget
from panewatch.experiments.dynamodb.client import Client, Opened, call, open_client
from panewatch.experiments.dynamodb.failure import TRANSIENT
from panewatch.experiments.dynamodb.intake import Intake
from panewatch.experiments.dynamodb.readings import Everything, Newer
from panewatch.experiments.dynamodb.schema import Schema, TimeKey, name_attributes, read_schema
from panewatch.experiments.ledger import Ledger
from panewatch.experiments.settings import DynamoDbSettings, ItemSettings
from panewatch.experiments.source import ReadCounts, SourceError, Whole

_OVERLAP: Final = 900.0
"""Seconds that are read again of what is known: items come late, indexes lag, clocks differ."""

_ATTEMPTS: Final = 3
"""How often one call of `read` tries the same request."""

_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 15.0
_JITTER: Final = random.SystemRandom()


class Table:
    """A table.

    Args:
        name: Its name.
        settings: How it is reached and read.
        item: Where in an item what stands.
        opens: Gives a client.
        clock: Gives Unix seconds.
        monotonic: Gives seconds.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        name: str,
        settings: DynamoDbSettings,
        item: ItemSettings,
        *,
        opens: Callable[[DynamoDbSettings], Opened] = open_client,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.counts = ReadCounts()
        self._name = name
        self._settings = settings
        self._item = item
        self._opens = opens
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        budget = Budget(settings.capacity_units_per_minute, monotonic)
        self._scans, self._queries, self._gets = jobs.open_portions(budget)
        self._ledger = Ledger()
        self._opened: Opened | None = None
        self._failures = 0
        self._pause_until = 0.0
        self._failure = SourceError("unreachable", "not read yet")
        self._forget()

    def _forget(self) -> None:
        """Forget what is known of the table, and where its readings are."""
        self._schema: Schema | None = None
        self._intake: Intake | None = None
        self._everything: Everything | None = None
        self._newer: Newer | None = None
        self._whole: Whole | None = None
        self._known_until: float | None = None
        self._next_everything = 0.0
        self._current = False

    def read(self, seconds: float) -> Whole | None:
        """Read on; see `panewatch.experiments.source.Source`."""
        deadline = self._monotonic() + seconds
        attempt = 0
        while True:
            pause = self._pause_until - self._monotonic()
            if attempt >= _ATTEMPTS or pause > max(0.0, deadline - self._monotonic()):
                raise SourceError(self._failure.reason, self._failure.detail)
            if pause > 0:
                self._sleep(pause)
            try:
                return self._read(deadline)
            except SourceError as failure:
                self._note(failure)
                attempt += 1
                if failure.reason not in TRANSIENT:
                    raise

    def close(self) -> None:
        """Close the connections, and forget what was read."""
        self._close_client()
        self._forget()
        self._ledger = Ledger()

    def _close_client(self) -> None:
        if self._opened is not None:
            self._opened.client.close()
            self._opened = None

    def _note(self, failure: SourceError) -> None:
        """Take in a failure: when is tried again, and what of the reading is still good."""
        self._failures += 1
        most = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(self._failures, 16))
        self._pause_until = self._monotonic() + _JITTER.uniform(most / 2, most)
        self._failure = failure
        if failure.reason == "credentials":
            self._close_client()
        if failure.reason not in TRANSIENT:
            self._forget()

    def _read(self, deadline: float) -> Whole | None:
        if self._opened is None or self._opened.is_stale(self._clock()):
            self._close_client()
            self._opened = self._opens(self._settings)
            if self._monotonic() >= deadline:
                return self._give()
        client = self._opened.client
        if self._schema is None or self._intake is None:
            self._schema = self._describe(client)
            self._intake = Intake(self._item, self._schema)
            if self._monotonic() >= deadline:
                return self._give()
        self._current = stepped = False
        while (job := self._choose(self._schema, self._intake)) is not None:
            wait = job.wait()
            if self._monotonic() + wait >= deadline and (wait > 0 or stepped):
                break
            if wait > 0:
                self._sleep(wait)
            job.step(client, self._clock())
            self._failures, stepped = 0, True
            if job.done:
                self._finish(job)
        return self._give()

    def _give(self) -> Whole | None:
        """Return what was read last, once the service has answered again after a failure.

        A reading goes on where it failed, maybe for hours: meanwhile the one before still holds.
        """
        return None if self._failures else self._whole

    def _describe(self, client: Client) -> Schema:
        try:
            answer = call(lambda: client.describe_table(TableName=self._name))
        except SourceError as failure:
            if failure.reason != "access":
                raise
        else:
            return read_schema(answer, self._settings, self._item)
        # Where a page ends tells the key; what may be queried it does not.
        page = call(
            lambda: client.scan(TableName=self._name, Limit=1, ReturnConsumedCapacity="TOTAL")
        )
        self.counts.capacity_units += self._scans.spend(page.get("ConsumedCapacity"), 1)
        return Schema(tuple(sorted(page.get("LastEvaluatedKey") or ())))

    def _choose(self, schema: Schema, intake: Intake) -> Everything | Newer | None:
        """Return what is to be read next; None where this call has nothing more to read."""
        begins, since = False, None
        if schema.time is not None and self._known_until is not None:
            begins, since = intake.find_begin(self._known_until - _OVERLAP)
        if schema.time is None or not begins:
            return None if self._current else self._begin_everything(schema, intake)
        if self._current:
            due = self._monotonic() >= self._next_everything
            return self._begin_everything(schema, intake) if due else self._everything
        if self._newer is None:
            self._newer = self._begin_newer(schema, schema.time, intake, since)
        return self._newer

    def _begin_everything(self, schema: Schema, intake: Intake) -> Everything:
        if self._everything is None:
            selection = jobs.Selection(self._name, name_attributes(self._item, schema.keys))
            pages = jobs.scan(selection, self._scans, self.counts)
            self._everything = Everything(pages, self._ledger, intake, self._clock())
        return self._everything

    def _begin_newer(
        self, schema: Schema, key: TimeKey, intake: Intake, since: dict[str, str] | None
    ) -> Newer:
        selection = jobs.Selection(self._name, name_attributes(self._item, schema.keys))
        asked = selection if key.covers else jobs.Selection(self._name, schema.keys)
        return Newer(
            jobs.query(asked, key, since, self._queries, self.counts),
            jobs.Batches(selection, self._gets, self.counts),
            self._ledger,
            intake,
            covers=key.covers,
            now=self._clock(),
        )

    def _finish(self, job: Everything | Newer) -> None:
        job.finish()
        if isinstance(job, Newer):
            self._newer = None
            if job.misses:
                self._next_everything = self._monotonic()
            if self._everything is not None:
                for key in job.touched:
                    self._everything.overtake(key)
        else:
            self._everything = None
            self._next_everything = self._monotonic() + self._settings.full_read_every
        # Not what a clock said that was ahead for a while.
        self._known_until = min(max(job.began, self._known_until or 0.0), self._clock())
        self._whole = self._ledger.whole(self._clock())
        self._current = True
