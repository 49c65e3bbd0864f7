"""Which files of callbacks there are, and what is wrong with them."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.training.callback.place import find_directory
from panewatch.training.textfiles import Textfiles


def diagnose(config: Config) -> Iterator[Finding]:
    """Read the directory once."""
    directory = find_directory(config.training.textfile_directory, os.environ)
    if directory is None:
        detail = "no home, so no files of callbacks; training.textfile_directory names a place"
        yield Finding("training", ok=True, detail=detail)
        return
    try:
        files = Textfiles(time.monotonic, time.time).look(directory)
    except OSError as error:
        yield Finding("training", ok=False, detail=f"{directory}: {error.strerror}")
        return
    refused = Counter(file.refused for file in files.values() if file.refused)
    told = len(files) - refused.total()
    detail = f"{told} files of callbacks in {directory}"
    if refused:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items()))
        detail += f"; refused: {reasons}"
    yield Finding("training", ok=not refused, detail=detail)
