"""The source that the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from panewatch.experiments.files.jsonl import JsonLines
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import Source

TABLE: Final = "dynamodb://"
"""What the name of a source begins with where it is a table of DynamoDB."""


def open_source(settings: ExperimentsSettings) -> Source:
    """Return the source of the settings. Nothing is read or connected to before its first `read`.

    Raises:
        ValueError: the settings name none.
    """
    if settings.source is None:
        raise ValueError("no source of experiments is set")
    if settings.source.startswith(TABLE):
        # boto3 takes half a second and 30 MB, which nobody pays who has no table.
        from panewatch.experiments.dynamodb.table import Table  # noqa: PLC0415

        return Table(settings.source.removeprefix(TABLE), settings.dynamodb, settings.item)
    return JsonLines(Path(settings.source), settings.item)
