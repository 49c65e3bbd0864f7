"""An item of a source → an experiment, or the reason why it is left out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from panewatch.experiments.items.paths import Item, SkippedError
from panewatch.experiments.items.values import (
    name_error,
    read_bitrate,
    read_count,
    read_number,
    read_time,
)
from panewatch.experiments.model import Experiment
from panewatch.experiments.settings import ItemSettings

_USUAL_IDS: Final = ("id", "experiment_id")
_LONGEST_ID: Final = 256


class Decoder:
    """Makes experiments of items, as the settings say where in them what stands.

    Args:
        settings: The paths, units and words.
        keys: Attributes whose values are together the key of an item where the settings name no
            path of it. Without any, `id` or `experiment_id` is it.
    """

    def __init__(self, settings: ItemSettings, keys: Sequence[str] = ()) -> None:
        self._settings = settings
        self._keys = tuple(keys)
        self._statuses = {
            word.casefold(): name
            for name in type(settings.statuses).model_fields
            for word in getattr(settings.statuses, name)
        }

    def decode(self, value: Any, *, now: float, place: str = "") -> Experiment:
        """Return what an item tells.

        Only key, status and time are needed, and of a completed one the bitrate; anything else
        that cannot be read counts as not there.

        Args:
            value: What the source gave.
            now: Unix seconds.
            place: The key of an item that has none.

        Raises:
            SkippedError: it is left out.
        """
        if not isinstance(value, dict):
            raise SkippedError("type")
        item, settings = Item(value), self._settings
        key = self._find_key(item, place)
        status = self._find_status(item)
        time = read_time(item.find(settings.time), settings.time_format, now)
        return Experiment(
            key,
            status,
            time,
            self._find_bitrate(item, status),
            _find_optional(item, settings.psnr),
            _find_optional(item, settings.ssim, 0.0, 1.0),
            _count(item, settings.validation_failures),
            _find_error(item, settings.error),
            _count(item, settings.interventions),
        )

    def find_key(self, value: dict[str, Any]) -> str:
        """Return the key of an item that may be left out otherwise; empty where it has none."""
        try:
            return self._find_key(Item(value), "")
        except SkippedError:
            return ""

    def _find_key(self, item: Item, place: str) -> str:
        if self._settings.id is not None:
            return write_key([item.find(self._settings.id)])
        if self._keys:
            return write_key([item.find_attribute(name) for name in self._keys])
        for name in _USUAL_IDS:
            try:
                return write_key([item.find_attribute(name)])
            except SkippedError:
                continue
        if not place:
            raise SkippedError("missing")
        return place

    def _find_status(self, item: Item) -> str:
        word = item.find(self._settings.status)
        if not isinstance(word, str):
            raise SkippedError("type")
        if not word.strip():
            raise SkippedError("missing")
        return self._statuses.get(word.strip().casefold(), "other")

    def _find_bitrate(self, item: Item, status: str) -> float | None:
        try:
            return read_bitrate(item.find(self._settings.bitrate), self._settings.bitrate_unit)
        except SkippedError:
            if status == "completed":
                raise
            return None


def write_key(values: list[Any]) -> str:
    """Write what an item's key is made of, so that no two keys are written alike.

    Raises:
        SkippedError: a part of it is missing (``missing``) or can be no key (``type``, ``number``).
    """
    parts = [_write_part(value) for value in values]
    if len(parts) > 1:
        parts = [part.replace("%", "%25").replace("/", "%2F") for part in parts]
    key = "/".join(parts)
    if not key:
        raise SkippedError("missing")
    if len(key) <= _LONGEST_ID:
        return key
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def _write_part(value: Any) -> str:
    if value is None:
        raise SkippedError("missing")
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SkippedError("type")
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        raise SkippedError("number") from None


def _find_optional(item: Item, path: str, *bounds: float) -> float | None:
    try:
        number = read_number(item.find(path))
    except SkippedError:
        return None
    return number if not bounds or bounds[0] <= number <= bounds[1] else None


def _count(item: Item, path: str) -> int:
    try:
        return read_count(item.find(path), item.open)
    except SkippedError:
        return 0


def _find_error(item: Item, path: str) -> str:
    try:
        return name_error(item.find(path))
    except SkippedError:
        return ""
