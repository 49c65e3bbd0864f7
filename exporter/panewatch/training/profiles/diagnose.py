"""Which traces of profilers there are."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.training.callback.place import find_profiles_directory
from panewatch.training.profiles.shelf import Shelf


def diagnose(config: Config) -> Iterator[Finding]:
    """Look at the directory once; what is in the traces, `panewatch trace` tells."""
    settings = config.training
    directory = find_profiles_directory(settings.profiles_directory, os.environ)
    if directory is None:
        detail = "no home, so no traces; training.profiles_directory names a place"
        yield Finding("profiles", ok=True, detail=detail)
        return
    shelf = Shelf(time.time)
    try:
        shelf.look(directory, settings.profiles_expire_after)
    except OSError as error:
        yield Finding("profiles", ok=False, detail=f"{directory}: {error.strerror}")
        return
    shelf.count()
    total, expired = shelf.states.total(), shelf.states["expired"]
    yield Finding("profiles", ok=True, detail=f"{total} traces in {directory}, {expired} expired")
