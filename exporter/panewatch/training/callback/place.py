"""Where the files of trainings are, for those who write them and for the exporter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "PANEWATCH_TRAINING__TEXTFILE_DIRECTORY"
"""The environment variable that names the directory: that of the exporter's own setting."""

PROFILES_VARIABLE: Final = "PANEWATCH_TRAINING__PROFILES_DIRECTORY"
"""The same for the directory of profiler traces."""

SUFFIX: Final = ".prom"
TRACE_SUFFIX: Final = ".pt.trace.json"
"""What ends the name of a profiler trace that is not compressed, as TensorBoard's does."""

_LONGEST_NAME: Final = 64
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9_.-]+")


def find_directory(directory: str | None, environment: Mapping[str, str]) -> Path | None:
    """Return the directory: the given one, else what the environment says.

    Returns:
        None where the environment names no home.
    """
    return _find(directory or environment.get(VARIABLE), "training", environment)


def find_profiles_directory(directory: str | None, environment: Mapping[str, str]) -> Path | None:
    """Return the directory of profiler traces, found in the same way."""
    return _find(directory or environment.get(PROFILES_VARIABLE), "profiles", environment)


def _find(named: str | None, folder: str, environment: Mapping[str, str]) -> Path | None:
    if named:
        return Path(named)
    state, home = environment.get("XDG_STATE_HOME"), environment.get("HOME")
    if not state and not home:
        return None
    base = Path(state) if state else Path(home or "", ".local", "state")
    return base / "panewatch" / folder


def clean_name(name: str) -> str:
    """Return a run's name as label and file name: letters, digits, ``_``, ``.`` and ``-``.

    What was read from a pane is called by its place, which has a ``/``: no name that is made
    here can be one of those.
    """
    return _UNUSUAL.sub("-", name).strip("-.")[:_LONGEST_NAME] or "train"
