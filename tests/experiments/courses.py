"""Searches written down in a few characters, as experiments; what they mean, a YAML file says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from panewatch.experiments.model import Experiment

BEGIN = 1_764_000_000.0
PACE = 600.0
"""Seconds from one experiment to the next."""

_ENTRY = re.compile(
    r"(?P<what>[0-9.]+|[TFRO])(v(?P<refusals>\d+))?(:(?P<error>\w+))?(?P<hand>!)?(x(?P<times>\d+))?"
)
_STATUSES = {"T": "timeout", "F": "failed", "R": "running", "O": "other"}


@dataclass(frozen=True)
class History:
    """A search, and what an operator says of it."""

    name: str
    course: tuple[str, ...]
    verdict: str
    reason: str
    why: str
    left_out: int = 0


def load_histories() -> list[History]:
    """Return all that are recorded."""
    text = (Path(__file__).parent / "histories" / "searches.yaml").read_text("utf-8")
    return [
        History(**{**entry, "course": tuple(map(str, entry["course"]))})
        for entry in yaml.safe_load(text)
    ]


def follow(course: Iterable[object], begin: float = BEGIN) -> list[Experiment]:
    """Return the experiments of a course, `PACE` apart."""
    return [
        Experiment(f"e{number}", time=begin + PACE * number, **facts)
        for number, facts in enumerate(fact for entry in course for fact in _read(str(entry)))
    ]


def _read(entry: str) -> Iterator[dict[str, Any]]:
    found = _ENTRY.fullmatch(entry)
    assert found, f"{entry} is no entry of a course"
    what = found["what"]
    facts: dict[str, Any] = {
        "status": _STATUSES.get(what, "completed"),
        "bitrate": None if what in _STATUSES else float(what) * 1e6,
        "validation_failures": int(found["refusals"] or 0),
        "error": found["error"] or "",
        "interventions": int(found["hand"] is not None),
    }
    for _ in range(int(found["times"] or 1)):
        yield facts
