"""Items of DynamoDB as lines of JSON, in its own notation: no number is ever a float on the way."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from panewatch.experiments.stores.backup import BackupError

RawItem: TypeAlias = dict[str, Any]
"""Attributes by their names, each a mapping of its type to its value, as boto3's client has it."""


def write_record(item: Mapping[str, Any]) -> bytes:
    """Return an item as a record: the same for items that are the same.

    Numbers stay the text that they are, bytes are written as base64. Sets have no order, so they
    are written in one that is always the same.
    """
    written = {name: _convert(value, _encode, sort=True) for name, value in item.items()}
    return json.dumps(written, sort_keys=True).encode()


def parse_record(record: bytes) -> RawItem:
    """Return the item that a record holds.

    Raises:
        BackupError: it holds none.
    """
    try:
        item = json.loads(record)
        return {name: _convert(value, _decode) for name, value in item.items()}
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise BackupError("a record of the backup is no item of a table") from None


def _convert(value: Mapping[str, Any], take: Callable[[Any], Any], *, sort: bool = False) -> Any:
    """Return an attribute with every binary in it as ``take`` gives it."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            content = take(content)
        case "BS":
            content = [take(each) for each in content]
        case "M":
            content = {name: _convert(each, take, sort=sort) for name, each in content.items()}
        case "L":
            content = [_convert(each, take, sort=sort) for each in content]
        case _:
            pass
    return {kind: sorted(content) if sort and kind in {"BS", "NS", "SS"} else content}


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decode(content: str) -> bytes:
    return base64.b64decode(content, validate=True)
