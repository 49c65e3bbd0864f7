"""Tables with experiments in them, and the items of one."""

from __future__ import annotations

import json
from typing import Any

import boto3

Attributes = dict[str, Any]
BEGIN = 1_760_000_000
"""When the experiments of tests began, in Unix time."""


def write_item(number: int, bitrate: Any = 15.04, **others: Any) -> dict[str, Any]:
    """Return an item as an orchestrator stores it, one a minute; None leaves an attribute out."""
    metrics = {"bitrate_mbps": bitrate, "psnr_db": 38.5, "ssim": 0.97}
    item = {
        "id": f"e{number}",
        "status": "completed",
        "timestamp": BEGIN + 60 * number,
        "experiments": json.dumps([{"real_metrics": metrics}]),
    } | others
    return {name: value for name, value in item.items() if value is not None}


def write_attributes(number: int, bitrate: Any = 15.04, **others: Any) -> Attributes:
    """Return the same with DynamoDB's types; what has one in ``others`` keeps it."""
    item = write_item(number, bitrate, **others)
    return {
        name: value if isinstance(value, dict)
        else {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in item.items()
    }  # fmt: skip


_TOGETHER = 25
_LARGEST_REQUEST = 1_000_000


class Clock:
    """Time that passes only where a test says so, or where somebody waits."""

    def __init__(self) -> None:
        self.now = BEGIN + 86_400.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Tables:
    """Makes tables, each of another name.

    Args:
        address: Where the service answers.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = boto3.client("dynamodb", endpoint_url=address)
        self._made: list[str] = []

    def make(self, keys: str = "id:S", index: str = "", projection: Any = "ALL") -> str:
        """Make a table and return its name.

        Args:
            keys: Its partition key and, where it has one, its sort key, with their types.
            index: The same of the global secondary index ``by-time``, if there is to be one.
            projection: The attributes that this has besides the keys.
        """
        name = f"experiments-{id(self)}-{len(self._made)}"
        words = dict(word.split(":") for word in f"{keys} {index}".split())
        arguments: dict[str, Any] = {}
        if index:
            kind: dict[str, Any] = {"ProjectionType": projection}
            if isinstance(projection, list):
                kind = {"ProjectionType": "INCLUDE", "NonKeyAttributes": projection}
            arguments["GlobalSecondaryIndexes"] = [
                {"IndexName": "by-time", "KeySchema": _order(index), "Projection": kind}
            ]
        self.client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": word, "AttributeType": kind} for word, kind in words.items()
            ],
            KeySchema=_order(keys),
            **arguments,
        )
        self._made.append(name)
        return name

    def put(self, table: str, *items: Attributes) -> None:
        """Put items with types into a table."""
        while items:
            size = len(str(items[:_TOGETHER]))
            count = _TOGETHER if size < _LARGEST_REQUEST else 1
            requests = [{"PutRequest": {"Item": item}} for item in items[:count]]
            self.client.batch_write_item(RequestItems={table: requests})
            items = items[count:]

    def close(self) -> None:
        """Delete the tables."""
        for name in self._made:
            self.client.delete_table(TableName=name)
        self.client.close()


def _order(keys: str) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [
        {"AttributeName": word.partition(":")[0], "KeyType": kind}
        for word, kind in zip(keys.split(), kinds, strict=False)
    ]
