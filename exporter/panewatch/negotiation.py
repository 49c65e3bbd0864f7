"""Which format and encoding a client asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_MAX_CHOICES: Final = 64  # more ranges than any client sends are not looked at


class _Choice(NamedTuple):
    name: str
    parameters: dict[str, str]
    quality: float


def wants_openmetrics(accept: str) -> bool:
    """Tell from an Accept header whether OpenMetrics 1.0.0 is wanted rather than text 0.0.4.

    It is, where the client names it with a quality that is not 0 and not below that
    of text; at the same quality the one that is named first. A client that names
    neither gets text: an exporter never answers 406.
    """
    openmetrics = text = wildcard = 0.0
    first = ""
    for choice in _choices(accept):
        version = choice.parameters.get("version")
        if choice.name == "application/openmetrics-text" and version in (None, "1.0.0"):
            openmetrics = max(openmetrics, choice.quality)
            first = first or "openmetrics"
        elif choice.name == "text/plain" and version in (None, "0.0.4"):
            text = max(text, choice.quality)
            first = first or "text"
        elif choice.name in ("text/*", "*/*"):
            wildcard = max(wildcard, choice.quality)
    text = text or wildcard
    return openmetrics > text or (openmetrics == text > 0 and first == "openmetrics")


def wants_gzip(accept_encoding: str) -> bool:
    """Tell from an Accept-Encoding header whether gzip is welcome."""
    qualities = {choice.name: choice.quality for choice in _choices(accept_encoding)}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _choices(header: str) -> Iterator[_Choice]:
    for item in header.lower().split(",", _MAX_CHOICES)[:_MAX_CHOICES]:
        name, *rest = (part.strip() for part in item.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        quality = parameters.pop("q", "1")
        # A quality that is none counts as 0: the client did not clearly ask for this.
        valid = re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", quality, re.ASCII)
        if name:
            yield _Choice(name, parameters, float(quality) if valid else 0.0)
