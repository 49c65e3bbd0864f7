"""What ``panewatch experiments list`` and ``verdict`` print."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict
from time import gmtime, strftime
from typing import Any, Final

from panewatch.experiments.figures import Figures
from panewatch.experiments.model import Experiment
from panewatch.experiments.plan import Expectation
from panewatch.experiments.source import Whole
from panewatch.experiments.verdict import Verdict, say_bitrate, say_count
from panewatch.logs import escape

_MBPS: Final = 1e6
_WIDEST_ID: Final = 40
_HEADER: Final = ("", "time (UTC)", "id", "status", "Mbps", "PSNR", "SSIM", "refused", "error")
_RIGHT: Final = frozenset({4, 5, 6, 7})
"""Columns of numbers."""


class Listing:
    """The newest experiments of a whole source, and the best of all of them.

    Args:
        whole: Is walked through once.
        newest: How many are listed, at most.
    """

    def __init__(self, whole: Whole, newest: int) -> None:
        self.total = 0
        self.best: Experiment | None = None
        self.shown: deque[Experiment] = deque(maxlen=newest)
        self.skipped = whole.skipped
        least = math.inf
        for each in whole.experiments:
            self.total += 1
            self.shown.append(each)
            if each.result is not None and each.result < least:
                self.best, least = each, each.result

    def describe(self) -> dict[str, Any]:
        """Return it as the object of the ``json`` output; bitrates are in bit/s."""
        return {
            "experiments": [asdict(each) for each in self.shown],
            "total": self.total,
            "best": None if self.best is None else asdict(self.best),
            "skipped": dict(self.skipped),
        }

    def write(self) -> Iterator[str]:
        """Yield its lines: a table, the oldest first, and what is not in it."""
        if self.shown:
            yield from _align([_HEADER, *map(self._write_row, self.shown)])
        best = self.best
        if best is not None and best.result is not None:
            when = write_time(best.time)
            yield f"* the best of all: {say_bitrate(best.result)}, {_cut(best.id)}, {when}"
        older = self.total - len(self.shown)
        counted = say_count(self.total, "experiment") if self.total else "no experiment"
        yield f"{counted}{f', the oldest {older} of them not listed' if older else ''}"
        if self.skipped:
            yield say_skipped(self.skipped)

    def _write_row(self, each: Experiment) -> tuple[str, ...]:
        return (
            "*" if each is self.best else "",
            write_time(each.time),
            _cut(each.id),
            each.status,
            "" if each.bitrate is None else f"{each.bitrate / _MBPS:.3f}",
            "" if each.psnr is None else f"{each.psnr:.2f}",
            "" if each.ssim is None else f"{each.ssim:.4f}",
            str(each.validation_failures or ""),
            each.error,
        )


def describe_verdict(
    verdict: Verdict, figures: Figures, plan: Expectation | None, skipped: Counter[str]
) -> dict[str, Any]:
    """Return a verdict as the object of the ``json`` output; bitrates are in bit/s."""
    return {
        **asdict(verdict),
        "figures": asdict(figures) | {"timeout_ratio": figures.timeout_ratio},
        "plan": None if plan is None else asdict(plan),
        "skipped": dict(skipped),
    }


def write_verdict(
    verdict: Verdict, figures: Figures, plan: Expectation | None, skipped: Counter[str]
) -> Iterator[str]:
    """Yield the lines of a verdict: what it is, why, by which figures, and what was planned."""
    yield f"{verdict.verdict} ({verdict.reason})"
    yield verdict.detail
    yield ""
    yield from _align([("", name, value) for name, value in _list_figures(figures)])
    if plan is not None:
        yield ""
        done = figures.statuses["completed"]
        yield f"planned by now: {plan.least} to {plan.most} completed, and there are {done}"
        if plan.best is not None:
            stand = "none has one" if figures.best is None else f"it is {say_bitrate(figures.best)}"
            yield f"planned by now: the best below {say_bitrate(plan.best)}, and {stand}"
    if skipped:
        yield say_skipped(skipped)


def _list_figures(figures: Figures) -> Iterator[tuple[str, str]]:
    counts = ", ".join(f"{count} {status}" for status, count in figures.statuses.items() if count)
    yield "experiments", counts or "none"
    if figures.started is not None:
        yield "began", f"{write_time(figures.started)} UTC"
    if figures.last_completed is not None:
        yield "completed last", f"{write_time(figures.last_completed)} UTC"
    for name in ("best", "mean", "latest"):
        bitrate = getattr(figures, name)
        if bitrate is not None:
            yield name, say_bitrate(bitrate)
    if figures.results:
        yield "different results", f"{figures.unique} of {figures.results}"
        yield "results since the best", str(figures.since_best)
    if figures.trend is not None:
        direction = {-1: "it falls", 0: "within chance", 1: "it rises"}[figures.direction]
        yield "from one to the next", f"{figures.trend / _MBPS:+.6g} Mbps, {direction}"
    if figures.timeout_ratio is not None:
        yield "timeouts", f"{figures.timeouts} of the newest {figures.judged} that ended"
    yield "refusals in a row", str(figures.validation_failures)
    yield "the same error", str(figures.repeated_error)
    yield "interventions", str(figures.interventions)


def write_time(seconds: float) -> str:
    """Return a time in UTC, to the second."""
    return strftime("%Y-%m-%d %H:%M:%S", gmtime(seconds))


def say_skipped(skipped: Counter[str]) -> str:
    """Return how many items make no experiment, and why."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.most_common())
    return f"{say_count(skipped.total(), 'item')} left out: {reasons}"


def print_lines(lines: Iterator[str]) -> None:
    """Print lines, without anything that a terminal would act on or could not show."""
    encoding = sys.stdout.encoding
    for line in lines:
        print(escape(line).encode(encoding, "backslashreplace").decode(encoding))


def print_object(value: dict[str, Any]) -> None:
    """Print an object as JSON, in ASCII."""
    print(json.dumps(value, indent=1))


def _cut(text: str) -> str:
    safe = escape(text)
    return safe if len(safe) <= _WIDEST_ID else f"{safe[: _WIDEST_ID - 3]}..."


def _align(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            text.rjust(width) if place in _RIGHT else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
