"""What is read of a table: everything, or what is new; one request at each step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from panewatch.experiments.dynamodb.budget import Budget, Portion
from panewatch.experiments.dynamodb.client import Client, call
from panewatch.experiments.dynamodb.schema import TimeKey
from panewatch.experiments.source import ReadCounts, SourceError

Attributes = dict[str, Any]
_MOST_KEYS: Final = 100
"""Keys of one BatchGetItem; the service takes no more."""


class Selection:
    """The attributes that are asked for, of one table.

    Args:
        table: Its name.
        names: The attributes.
    """

    def __init__(self, table: str, names: Sequence[str]) -> None:
        self.table = table
        self.names = {f"#{number}": name for number, name in enumerate(names)}

    def write(self) -> dict[str, Any]:
        """Return the arguments that any request has."""
        return {
            "ProjectionExpression": ", ".join(self.names),
            "ExpressionAttributeNames": dict(self.names),
        }


class Pages:
    """A scan or a query, page by page.

    Args:
        ask: The request, for example ``lambda client: client.scan``.
        arguments: Those of each request.
        portion: What may be used.
        counts: Where it is counted what was.
    """

    def __init__(
        self,
        ask: Callable[[Client], Callable[..., dict[str, Any]]],
        arguments: dict[str, Any],
        portion: Portion,
        counts: ReadCounts,
    ) -> None:
        self.done = False
        self._ask = ask
        self._arguments = arguments | {"ReturnConsumedCapacity": "TOTAL"}
        self._portion = portion
        self._counts = counts
        self._next: Attributes | None = None

    def wait(self) -> float:
        """Return in how many seconds the budget allows the next page."""
        return self._portion.wait()

    def step(self, client: Client) -> list[Attributes]:
        """Return the items of the next page; there may be none though more pages come."""
        arguments = dict(self._arguments)
        if (count := self._portion.count()) is not None:
            arguments["Limit"] = count
        if self._next is not None:
            arguments["ExclusiveStartKey"] = self._next
        ask = self._ask(client)
        answer = call(lambda: ask(**arguments))
        items, after = answer.get("Items"), answer.get("LastEvaluatedKey") or None
        # A page that begins where it ends would be read for ever.
        if not _are_items(items) or (
            after is not None and (after == self._next or not isinstance(after, dict))
        ):
            raise SourceError("invalid", "the answer of the service makes no sense")
        self._counts.items += len(items)
        scanned = answer.get("ScannedCount")
        charged = scanned if isinstance(scanned, int) else len(items)
        units = self._portion.spend(answer.get("ConsumedCapacity"), charged)
        self._counts.capacity_units += units
        self._next, self.done = after, after is None
        return items


@dataclass(frozen=True)
class Batches:
    """Reads items by their keys: of which table, what may be used, and where it is counted."""

    selection: Selection
    portion: Portion
    counts: ReadCounts

    def begin(self, keys: Iterable[Attributes]) -> Batch:
        """Return the job that reads the items of ``keys``, none of which may come twice."""
        return Batch(self, keys)


class Batch:
    """Items by their keys, begun by `Batches.begin`."""

    def __init__(self, batches: Batches, keys: Iterable[Attributes]) -> None:
        self._selection = batches.selection
        self._portion = batches.portion
        self._counts = batches.counts
        self._left = list(keys)

    @property
    def done(self) -> bool:
        """Whether all were asked for."""
        return not self._left

    def wait(self) -> float:
        """Return in how many seconds the budget allows the next request."""
        return self._portion.wait()

    def step(self, client: Client) -> list[Attributes]:
        """Return the items of some of the keys; of those that do not exist there are none."""
        count = self._portion.count() or _MOST_KEYS
        keys, table = self._left[:count], self._selection.table
        request = {table: self._selection.write() | {"Keys": keys}}
        answer = call(
            lambda: client.batch_get_item(RequestItems=request, ReturnConsumedCapacity="TOTAL")
        )
        items: Any = (answer.get("Responses") or {}).get(table, [])
        again = ((answer.get("UnprocessedKeys") or {}).get(table) or {}).get("Keys") or []
        if not _are_items(items) or not _are_items(again):
            raise SourceError("invalid", "the answer of the service makes no sense")
        units = self._portion.spend(answer.get("ConsumedCapacity"), len(keys) - len(again))
        self._counts.capacity_units += units
        if len(again) >= len(keys):
            raise SourceError("throttled", "too much of the table's capacity is in use")
        self._counts.items += len(items)
        self._left = again + self._left[count:]
        return items


def scan(selection: Selection, portion: Portion, counts: ReadCounts) -> Pages:
    """Return the job that reads all items."""
    arguments = selection.write() | {"TableName": selection.table}
    return Pages(lambda client: client.scan, arguments, portion, counts)


def query(
    selection: Selection,
    key: TimeKey,
    since: Attributes | None,
    portion: Portion,
    counts: ReadCounts,
) -> Pages:
    """Return the job that reads the items whose sort key is not before ``since``.

    Without ``since`` it reads all of the partition.
    """
    arguments = selection.write() | {"TableName": selection.table}
    arguments["ExpressionAttributeNames"] |= {"#partition": key.partition}
    arguments["ExpressionAttributeValues"] = {":partition": key.value}
    arguments["KeyConditionExpression"] = "#partition = :partition"
    if since is not None:
        arguments["ExpressionAttributeNames"]["#sort"] = key.sort
        arguments["ExpressionAttributeValues"][":since"] = since
        arguments["KeyConditionExpression"] += " AND #sort >= :since"
    if key.index is not None:
        arguments["IndexName"] = key.index
    return Pages(lambda client: client.query, arguments, portion, counts)


def open_portions(budget: Budget) -> tuple[Portion, Portion, Portion]:
    """Return those of scans, of queries and of items by their keys."""
    return Portion(budget), Portion(budget), Portion(budget, _MOST_KEYS)


def _are_items(items: Any) -> TypeGuard[list[Attributes]]:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)
