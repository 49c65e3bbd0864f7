"""The store that the settings name, and what a person has to repeat to change it."""

from __future__ import annotations

from pathlib import Path

from panewatch.experiments.opening import TABLE
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.stores.file_store import FileStore
from panewatch.experiments.stores.store import Store


def open_store(settings: ExperimentsSettings, source: str) -> Store:
    """Return the store behind ``source``, which is written as in the settings.

    Raises:
        SourceError: it is a table that is not there or cannot be asked.
    """
    if not source.startswith(TABLE):
        return FileStore(Path(source), settings.item)
    # boto3 takes half a second, which nobody pays who has no table.
    from panewatch.experiments.dynamodb.requests import TableRequests  # noqa: PLC0415
    from panewatch.experiments.dynamodb.store import TableStore  # noqa: PLC0415

    table = name_source(source)
    return TableStore(TableRequests(table, settings.dynamodb), table, source)


def name_source(source: str) -> str:
    """Return the name that stands for a source: of the table, the file or the directory."""
    return source.removeprefix(TABLE) if source.startswith(TABLE) else Path(source).name
