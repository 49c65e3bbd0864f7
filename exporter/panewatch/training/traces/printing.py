"""What ``panewatch trace`` prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from panewatch.logs import escape
from panewatch.training.callback.quantiles import find_quantiles
from panewatch.training.traces.profile import Operator, Profile
from panewatch.training.traces.reading import read_trace
from panewatch.training.traces.source import TraceError
from panewatch.training.traces.wording import write_time

_LONGEST_NAME: Final = 80
"""Characters of a name in a table; the names of kernels go on for thousands."""

_QUANTILES: Final = (0.5, 0.9)


def print_profiles(files: Sequence[str], output: str, top: int) -> bool:
    """Print what traces tell; tell whether all could be read."""
    profiles: dict[str, Profile] = {}
    for file in dict.fromkeys(files):
        try:
            profiles[file] = read_trace(file, top=top)
        except TraceError as error:
            print(f"{escape(file)}: {escape(error.detail)}", file=sys.stderr)
            continue
        if output == "text":
            print("\n".join(_write_profile(file, profiles[file])), end="\n\n")
    slowest = find_slowest(profiles)
    if output == "json":
        traces = [describe(file, profile) for file, profile in profiles.items()]
        print(json.dumps({"traces": traces, "slowest": slowest}, indent=1))
    elif slowest is not None:
        print(_write_slowest(profiles, slowest))
    return len(profiles) == len(set(files))


def describe(file: str, profile: Profile) -> dict[str, Any]:
    """Return what a trace tells as an object of the ``json`` output."""
    median, ninth = measure_steps(profile)
    return {
        "file": file,
        **asdict(profile),
        "step_seconds_median": median,
        "step_seconds_p90": ninth,
    }


def measure_steps(profile: Profile) -> tuple[float, float]:
    """Return how long a step takes, in seconds: the median and the 90th percentile."""
    median, ninth = find_quantiles([step.seconds for step in profile.steps], _QUANTILES)
    return median, ninth


def find_slowest(profiles: Mapping[str, Profile]) -> str | None:
    """Return the file of the slowest rank; None where there are not two to compare.

    All ranks wait for the slowest, so that their steps take as long as its own. It is the one
    that takes the most time without that in which its device only communicates.
    """
    if len(profiles) < 2:  # noqa: PLR2004  # to compare
        return None
    return max(profiles, key=lambda file: _measure_own(profiles[file]))


def _measure_own(profile: Profile) -> float:
    return measure_steps(profile)[0] * (1 - profile.communication_ratio)


def _write_slowest(profiles: Mapping[str, Profile], file: str) -> str:
    own = {name: _measure_own(profile) for name, profile in profiles.items()}
    rank = profiles[file].rank
    told = escape(file) if rank is None else f"rank {rank} ({escape(file)})"
    others = sorted(own[name] for name in profiles if name != file)
    return (
        f"slowest: {told}, {write_time(own[file])} per step without communication; "
        f"the others take {write_time(others[0])} to {write_time(others[-1])}"
    )


def _write_profile(file: str, profile: Profile) -> Iterator[str]:
    yield f"{escape(file)}{_write_origin(profile)}"
    if profile.truncated:
        yield "  the trace ends in the middle, or is too broken to go on: this is what was whole"
    if profile.skipped:
        yield f"  {profile.skipped} events make no sense and were left out"
    median, ninth = measure_steps(profile)
    if profile.steps[0].number is None:
        yield f"  no steps are marked: the whole trace, {write_time(profile.seconds)}"
    else:
        count = len(profile.steps)
        yield f"  {count} steps: median {write_time(median)}, p90 {write_time(ninth)}"
    yield "  time of the steps:"
    for share in profile.shares:
        yield f"    {share.part:<10}{share.ratio:>7.1%}"
    yield from _write_table("operators on the CPU, by their own time", profile.operators)
    yield from _write_table("kernels and copies on the device", profile.kernels)
    if not profile.findings:
        yield "  nothing stands out"
    for finding in profile.findings:
        yield f"  {finding.name}: {finding.evidence}"
        yield f"    {finding.advice}"


def _write_origin(profile: Profile) -> str:
    facts = []
    if profile.rank is not None:
        of = f" of {profile.world_size}" if profile.world_size is not None else ""
        facts.append(f"rank {profile.rank}{of}")
    if profile.device_name:
        facts.append(profile.device_name)
    return f" ({', '.join(facts)})" if facts else ""


def _write_table(title: str, rows: Sequence[Operator]) -> Iterator[str]:
    if not rows:
        return
    whole = sum(row.self_seconds for row in rows)
    yield f"  {title}:"
    yield f"    {'own':>9} {'of all':>7} {'total':>9} {'calls':>9}  name"
    for row in rows:
        share = row.self_seconds / whole if whole else 0.0
        name = row.name
        name = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
        yield (
            f"    {write_time(row.self_seconds):>9} {share:>7.1%} "
            f"{write_time(row.total_seconds):>9} {row.calls:>9}  {name}"
        )
