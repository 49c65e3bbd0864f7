"""What a table's own description says: how its items are told apart, and found by their time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from panewatch.experiments.items.paths import parse_path
from panewatch.experiments.settings import DynamoDbSettings, ItemSettings
from panewatch.experiments.source import SourceError

_USUAL_IDS: Final = ("id", "experiment_id")


@dataclass(frozen=True)
class TimeKey:
    """By what newer items are found without reading the older ones.

    Attributes:
        index: The index that has it; None where the table itself has it.
        partition: The attribute that is the partition key, and ``value`` that of all items.
        sort: The attribute that is the sort key: the time.
        covers: Whether a query gives everything that is needed, or keys only.
    """

    index: str | None
    partition: str
    value: dict[str, str]
    sort: str
    covers: bool


@dataclass(frozen=True)
class Schema:
    """The attributes of a table's primary key, and its time key where it has a usable one."""

    keys: tuple[str, ...]
    time: TimeKey | None = None


def name_attributes(settings: ItemSettings, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the attributes that are needed of each item: those in which the paths begin."""
    ids = (settings.id,) if settings.id is not None else keys or _USUAL_IDS
    paths = (
        settings.status, settings.time, settings.bitrate, settings.psnr, settings.ssim,
        settings.validation_failures, settings.error, settings.interventions,
    )  # fmt: skip
    # The names of keys may have any character, and are no paths.
    heads = [str(parse_path(path)[0]) for path in (*paths, *ids) if path not in keys]
    return tuple(dict.fromkeys((*keys, *heads)))


def read_schema(answer: Any, settings: DynamoDbSettings, item: ItemSettings) -> Schema:
    """Return what the answer of DescribeTable says.

    Raises:
        SourceError: it makes no sense, or what the settings say of the time key is not so.
    """
    try:
        return _read(answer["Table"], settings, item)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SourceError("invalid", "the description of the table makes no sense") from None


def _read(table: dict[str, Any], settings: DynamoDbSettings, item: ItemSettings) -> Schema:
    keys = order_keys(table["KeySchema"])
    if settings.time_partition is None:
        return Schema(keys)
    covers, time_keys = True, keys
    if settings.time_index is not None:
        index = _find_index(table, settings.time_index)
        time_keys = order_keys(index["KeySchema"])
        covers = _covers(index["Projection"], {*keys, *time_keys}, name_attributes(item, keys))
    types = read_types(table)
    if len(time_keys) != 2 or parse_path(item.time) != time_keys[1:]:  # noqa: PLR2004  # partition and sort key
        raise SourceError("invalid", "the sort key of the index or table is not the time of items")
    if types[time_keys[0]] not in {"S", "N"} or types[time_keys[1]] not in {"S", "N"}:
        raise SourceError("invalid", "the keys of the index or table are no text or number")
    value = {types[time_keys[0]]: settings.time_partition}
    return Schema(keys, TimeKey(settings.time_index, time_keys[0], value, time_keys[1], covers))


def read_types(table: dict[str, Any]) -> dict[str, str]:
    """Return the types of the attributes that stand in keys, of a table's description."""
    return {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}


def order_keys(schema: list[dict[str, str]]) -> tuple[str, ...]:
    """Return the attributes of a key, the partition key first."""
    by_kind = {one["KeyType"]: one["AttributeName"] for one in schema}
    return tuple(by_kind[kind] for kind in ("HASH", "RANGE") if kind in by_kind)


def _find_index(table: dict[str, Any], name: str) -> dict[str, Any]:
    for index in table.get("GlobalSecondaryIndexes") or ():
        if index["IndexName"] == name:
            found: dict[str, Any] = index
            return found
    raise SourceError("absent", "the table has no such global secondary index")


def _covers(projection: dict[str, Any], keys: set[str], needed: tuple[str, ...]) -> bool:
    if projection["ProjectionType"] == "ALL":
        return True
    return set(needed) <= keys | set(projection.get("NonKeyAttributes") or ())
