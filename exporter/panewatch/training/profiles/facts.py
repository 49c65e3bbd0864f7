"""What is shown of a profile: few numbers, and names that may be labels.

The process that reads a trace hands them on as JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from panewatch.training.traces.profile import FINDINGS, OTHER, PARTS, Operator, Profile

MOST_OPERATORS: Final = 20
"""Operators that are shown of each device; the rest is one more."""

_LOADER: Final = re.compile(r"enumerate\(DataLoader\)#.*")
_COPY: Final = re.compile(r"(Mem(?:cpy|set))(?: ([A-Za-z]{4}))?(?: \(.*\))?")
_STEP: Final = re.compile(r"ProfilerStep[#*].*")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:#*+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Row:
    """All calls of what has one name on one device."""

    operator: str
    device: str
    calls: int
    self_seconds: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What is shown of one trace.

    ``shares`` and ``findings`` hold a ratio for each of the closed lists; a finding that is none
    has 0.
    """

    steps: int
    step_seconds: float | None
    step_longest_seconds: float | None
    shares: Mapping[str, float]
    findings: Mapping[str, float]
    operators: tuple[Row, ...]
    truncated: bool


def select(profile: Profile) -> Facts:
    """Return what is shown of a profile."""
    seconds = [step.seconds for step in profile.steps if math.isfinite(step.seconds)]
    shares = {share.part: share.ratio for share in profile.shares}
    found = {finding.name: finding.share for finding in profile.findings}
    return Facts(
        steps=len(profile.steps),
        step_seconds=median(seconds) if seconds else None,
        step_longest_seconds=max(seconds, default=None),
        shares={part: _bound(shares.get(part, 0.0)) for part in PARTS},
        findings={
            # What is found counts, even where its share is nothing that can be measured.
            name: max(1e-6, _bound(found[name])) if name in found else 0.0
            for name in FINDINGS
        },
        operators=(
            *_tabulate("cpu", profile.operators),
            *_tabulate("cuda", profile.kernels),
        ),
        truncated=profile.truncated,
    )


def encode(facts: Facts) -> bytes:
    """Return facts as `decode` takes them."""
    return json.dumps(asdict(facts), allow_nan=False).encode()


def decode(data: bytes) -> Facts:
    """Return facts from the text of a process that read a trace.

    Raises:
        ValueError: it is none.
    """
    try:
        told = json.loads(data)
        told["operators"] = tuple(Row(**row) for row in told["operators"])
        return Facts(**told)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError("is no answer") from error


def clean_operator(name: str) -> str:
    """Return an operator's name as a label, without its template and arguments.

    A program can give names of its own: what is no plain identifier is among the others.
    """
    if _LOADER.fullmatch(name):
        return "DataLoader.__next__"
    if _STEP.fullmatch(name):
        return "ProfilerStep"
    copy = _COPY.fullmatch(name)
    if copy:
        return f"{copy[1]}_{copy[2]}" if copy[2] else copy[1]
    plain = re.split(r"[<(]", name.removeprefix("void ").strip(), maxsplit=1)[0]
    return plain if _PLAIN.fullmatch(plain) else OTHER


def _tabulate(device: str, operators: Iterable[Operator]) -> Iterable[Row]:
    """Yield a row for each label, the longest first, and one for the rest."""
    sums: dict[str, list[float]] = {}
    for operator in operators:
        entry = sums.setdefault(clean_operator(operator.name), [0, 0.0])
        entry[0] += operator.calls
        entry[1] += operator.self_seconds
    rest = sums.pop(OTHER, [0, 0.0])
    ordered = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
    for name, (calls, seconds) in ordered[:MOST_OPERATORS]:
        yield Row(name, device, int(calls), seconds)
    for _, (calls, seconds) in ordered[MOST_OPERATORS:]:
        rest = [rest[0] + calls, rest[1] + seconds]
    if rest[0]:
        yield Row(OTHER, device, int(rest[0]), rest[1])


def _bound(ratio: float) -> float:
    return min(1.0, max(0.0, ratio)) if math.isfinite(ratio) else 0.0
