"""Requests to a table of DynamoDB that are sent again until they are answered, but not for ever."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import methodcaller
from typing import Any, Final, TypeVar

from panewatch.experiments.dynamodb.client import Client, Opened, call, open_client
from panewatch.experiments.dynamodb.failure import TRANSIENT
from panewatch.experiments.dynamodb.raw_items import RawItem
from panewatch.experiments.dynamodb.schema import order_keys, read_types
from panewatch.experiments.settings import DynamoDbSettings
from panewatch.experiments.source import SourceError

BATCH: Final = 25
"""Items that DynamoDB writes by one request, at most."""

_AGAIN: Final = TRANSIENT - {"credentials"}
_ATTEMPTS: Final = 10
"""Requests one after the other that get nothing done, until it is given up."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0

T = TypeVar("T")


class TableRequests:
    """Asks one table, and patiently: all here may be asked again without harm.

    Everything raises `SourceError` where it stays without an answer.

    Args:
        table: Its name.
        settings: How it is reached.
        open_it: Opens a client.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        table: str,
        settings: DynamoDbSettings,
        *,
        open_it: Callable[[DynamoDbSettings], Opened] = open_client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._settings = settings
        self._open_it = open_it
        self._sleep = sleep
        self._opened: Opened | None = None

    def find_key(self) -> dict[str, str]:
        """Return the key attributes with their types, the partition key first."""
        answer = self._ask(lambda client: client.describe_table(TableName=self._table))
        return call(lambda: _find_key(answer["Table"]))

    def scan(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Yield all pages of the table, also empty ones, strongly consistent."""
        start: dict[str, Any] = {}
        while True:
            asked = {"TableName": self._table, "ConsistentRead": True} | arguments | start
            page: dict[str, Any] = self._ask(methodcaller("scan", **asked))
            yield page
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def get(self, keys: Sequence[RawItem]) -> list[RawItem]:
        """Return the items of up to 25 different keys, those that there are, as they are now."""
        found: list[RawItem] = []

        def take(client: Client, left: Mapping[str, Any]) -> Mapping[str, Any]:
            answer = client.batch_get_item(RequestItems=left)
            found.extend(answer.get("Responses", {}).get(self._table, ()))
            rest: Mapping[str, Any] = answer.get("UnprocessedKeys") or {}
            return rest

        if keys:
            self._drain({self._table: {"Keys": list(keys), "ConsistentRead": True}}, take)
        return found

    def delete(self, keys: Sequence[RawItem]) -> None:
        """Delete the items of up to 25 different keys."""
        self._write([{"DeleteRequest": {"Key": key}} for key in keys])

    def put(self, items: Sequence[RawItem]) -> None:
        """Put up to 25 items of different keys."""
        self._write([{"PutRequest": {"Item": item}} for item in items])

    def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            self._opened.client.close()
            self._opened = None

    def _write(self, requests: list[dict[str, Any]]) -> None:
        def send(client: Client, left: Mapping[str, Any]) -> Mapping[str, Any]:
            answer = client.batch_write_item(RequestItems=left)
            rest: Mapping[str, Any] = answer.get("UnprocessedItems") or {}
            return rest

        if requests:
            self._drain({self._table: requests}, send)

    def _drain(
        self,
        left: Mapping[str, Any],
        send: Callable[[Client, Mapping[str, Any]], Mapping[str, Any]],
    ) -> None:
        """Send a batch, and again what of it was not done, until nothing is left."""
        stuck = 0
        while left:

            def act(client: Client, now: Mapping[str, Any] = left) -> Mapping[str, Any]:
                return send(client, now)

            rest = self._ask(act)
            stuck = stuck + 1 if _measure(rest) >= _measure(left) else 0
            if stuck == _ATTEMPTS:
                raise SourceError("throttled", "the table takes no more of a batch")
            left = rest
            if left:
                self._rest(stuck)

    def _ask(self, action: Callable[[Client], T]) -> T:
        failures, renewed = 0, False
        while True:
            try:
                return call(lambda: action(self._find_client()))
            except SourceError as error:
                failures += 1
                if error.reason == "credentials" and not renewed:
                    self.close()  # another client reads them anew
                    renewed = True
                    continue
                if error.reason not in _AGAIN or failures >= _ATTEMPTS:
                    raise
            self._rest(failures)

    def _find_client(self) -> Client:
        if self._opened is not None and self._opened.is_stale(time.time()):
            self.close()
        if self._opened is None:
            self._opened = self._open_it(self._settings)
        return self._opened.client

    def _rest(self, failures: int) -> None:
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**failures)
        self._sleep(random.uniform(longest / 2, longest))  # noqa: S311 - no secret


def _find_key(table: dict[str, Any]) -> dict[str, str]:
    types = read_types(table)
    return {name: types[name] for name in order_keys(table["KeySchema"])}


def _measure(left: Mapping[str, Any]) -> int:
    """Return how many requests a batch has, of writing or of reading."""
    return sum(len(each["Keys"] if isinstance(each, dict) else each) for each in left.values())
