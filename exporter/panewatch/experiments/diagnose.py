"""Whether the experiments can be read here, and how their search goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.experiments.figures import compute
from panewatch.experiments.opening import TABLE
from panewatch.experiments.reader import SourceReader
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import SourceError, Whole
from panewatch.experiments.verdict import judge, say_count

_NAME: Final = "experiments"
_SECONDS: Final = 10.0
_STEP_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 15.0


def diagnose(config: Config) -> Iterator[Finding]:
    """Read the source once, for some seconds at most."""
    settings = config.experiments
    if settings.source is None:
        detail = "no source is set, so no experiments; experiments.source names one"
        yield Finding(_NAME, ok=True, detail=detail)
        return
    reader = SourceReader(settings)
    try:
        whole = _read(reader)
    except SourceError as error:
        yield Finding(_NAME, ok=False, detail=f"{error.reason}: {error.detail}")
        return
    finally:
        reader.end()
    kind = _name_kind(settings.source)  # it has answered: before, asking could hang
    if whole is None:
        detail = f"{reader.counts.items} items of the {kind} in {_SECONDS:.0f} s, more to be read"
    else:
        detail = _describe(whole, settings, kind)
    yield Finding(_NAME, ok=True, detail=detail)


def _read(reader: SourceReader) -> Whole | None:
    """Read until it is whole, or the time is up."""
    end = time.monotonic() + _SECONDS
    while True:
        before = reader.counts.items
        whole = reader.read(_STEP_SECONDS, _PATIENCE_SECONDS)
        if whole is not None or time.monotonic() >= end:
            return whole
        if reader.counts.items == before:
            time.sleep(_PAUSE_SECONDS)  # its budget is used up for now


def _describe(whole: Whole, settings: ExperimentsSettings, kind: str) -> str:
    figures = compute(whole.experiments, settings, whole.left_out)
    verdict = judge(figures, settings)
    skipped = whole.skipped.total()
    items = figures.total + skipped
    parts = [f"{say_count(items, 'item')} in the {kind}"]
    if skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(whole.skipped.items()))
        parts.append(f"{skipped} left out ({reasons})")
    parts.append(f"{figures.statuses['completed']} completed")
    parts.append(f"verdict {verdict.verdict} ({verdict.reason}): {verdict.detail}")
    return ", ".join(parts)


def _name_kind(source: str) -> str:
    if source.startswith(TABLE):
        return "table"
    return "directory" if Path(source).is_dir() else "file"
