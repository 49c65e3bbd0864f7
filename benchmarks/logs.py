"""Real logs to measure with: those that were named, or those beside the checkout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from panewatch.errors.explain import read_lines

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
ABSENT = (
    f"Skipped: no logs were named, and there is no `../{CORPORA.relative_to(CORPORA.parents[1])}`."
)

Blocks = list[list[str]]
"""The lines of one log as they reach the classifier: some at a time."""


def find_files(named: Sequence[Path], folders: Iterable[str]) -> list[Path]:
    """Return the files to read, sorted; none where nothing is named and nothing is there."""
    roots = named or [CORPORA / folder for folder in folders]
    files = [root.rglob("*") if root.is_dir() else [root] for root in roots]
    return sorted(path for paths in files for path in paths if path.is_file())


def read_log(path: Path) -> Blocks:
    """Return a log's lines as a pane would have shown them."""
    with path.open("rb") as file:
        return list(read_lines(file))
