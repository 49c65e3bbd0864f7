"""Where a value stands in an item: a path, and the walk along it through text that holds JSON."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Final

_STEP: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_LONGEST_TEXT: Final = 1 << 20
"""Characters of a text that are looked into; no item of DynamoDB is larger."""


class SkippedError(Exception):
    """An item is left out, or a value of it; its argument is the reason, one of `SKIPPED`."""

    @property
    def reason(self) -> str:
        """The reason, one of `panewatch.experiments.source.SKIPPED`."""
        return str(self.args[0])


@lru_cache(maxsize=256)
def parse_path(text: str) -> tuple[str | int, ...]:
    """Return the steps of a path such as ``experiments[0].real_metrics.bitrate_mbps``."""
    return tuple(int(place) if place else name for place, name in _STEP.findall(text))


def decode_json(text: str | bytes) -> Any:
    """Return what a text of JSON says; ``NaN`` and ``Infinity`` are taken, as Python writes them.

    Raises:
        SkippedError: it is too large (``size``), or no JSON or one that is nested too deeply
            (``json``).
    """
    if len(text) > _LONGEST_TEXT:
        raise SkippedError("size")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise SkippedError("json") from None


class Item:
    """One item of a source, whose values are found by their paths.

    Text on the way that holds JSON is decoded, each once.

    Args:
        value: What the source gave: a mapping, with anything in it.
    """

    __slots__ = ("_decoded", "_value")

    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value
        self._decoded: dict[int, Any] = {}

    def find(self, path: str) -> Any:
        """Return the value at ``path``.

        Raises:
            SkippedError: there is none, or it is null (``missing``); what stands on the way is of
                another kind (``type``), is no JSON (``json``) or too large (``size``).
        """
        value: Any = self._value
        for step in parse_path(path):
            value = _enter(self.open(value), step)
        if value is None:
            raise SkippedError("missing")
        return value

    def find_attribute(self, name: str) -> Any:
        """Return the value of an attribute of any name, also one that no path can name.

        Raises:
            SkippedError: there is none, or it is null (``missing``).
        """
        value = self._value.get(name)
        if value is None:
            raise SkippedError("missing")
        return value

    def open(self, value: Any) -> Any:
        """Return what a text of JSON holds, and any other value as it is.

        Raises:
            SkippedError: the text is no JSON (``json``), is empty (``missing``) or too large
                (``size``).
        """
        if not isinstance(value, str):
            return value
        # The item keeps its texts as long as this lives, so no other object has this number.
        if id(value) not in self._decoded:
            if not value.strip():
                raise SkippedError("missing")
            self._decoded[id(value)] = decode_json(value)
        return self._decoded[id(value)]


def _enter(value: Any, step: str | int) -> Any:
    if value is None:
        raise SkippedError("missing")
    if isinstance(step, int):
        if not isinstance(value, list):
            raise SkippedError("type")
        return value[step] if step < len(value) else None
    if not isinstance(value, dict):
        raise SkippedError("type")
    return value.get(step)
