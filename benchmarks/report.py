"""What a benchmark found: its figures beside budget and peer, as text or JSON."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import structlog


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    ``budget`` is the most that ``value`` may be, or the least where ``at_least`` is set;
    None where there is none. ``peer_value`` is in the same unit as ``value``.
    """

    what: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False
    peer: str = ""
    peer_value: float | None = None

    @property
    def verdict(self) -> str:
        """``met``, by how much the budget was ``missed``, or nothing where there is none."""
        if self.budget is None:
            return ""
        over = self.budget - self.value if self.at_least else self.value - self.budget
        if over <= 0:
            return "met"
        if not self.budget:
            return f"missed by {format_number(over)} {self.unit}".rstrip()
        return f"missed by {100 * over / self.budget:.0f} %"


@dataclass(slots=True)
class Report:
    """All that one benchmark found.

    ``rows`` are details that share their keys and are printed as a table; ``notes`` say
    how it was measured where that bears on the figures.
    """

    benchmark: str
    figures: list[Figure] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Return the report as one JSON object, each figure with its verdict."""
        figures = [asdict(figure) | {"verdict": figure.verdict} for figure in self.figures]
        return json.dumps(
            {
                "benchmark": self.benchmark,
                "machine": describe_machine(),
                "figures": figures,
                "rows": self.rows,
                "notes": self.notes,
            },
            indent=1,
        )

    def to_text(self) -> str:
        """Return the report as tables of plain text."""
        parts = [f"{self.benchmark} ({describe_machine()})", draw_figures(self.figures)]
        if self.rows:
            heads = list(self.rows[0])
            parts.append(
                draw_table(heads, [[str(row[head]) for head in heads] for row in self.rows])
            )
        parts.extend(self.notes)
        return "\n\n".join(parts)


def build_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the command line that all benchmarks have in common."""
    # What the parts of panewatch log must not stand in the report.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser


def publish(report: Report, *, as_json: bool) -> None:
    """Print a report."""
    print(report.to_json() if as_json else report.to_text())


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of ``values`` do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def describe_machine() -> str:
    """Return what figures depend on: cores, load, versions."""
    tmux = subprocess.run(["tmux", "-V"], capture_output=True, text=True, check=True)
    return (
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},"
        f" Python {platform.python_version()}, {tmux.stdout.strip()}"
    )


def draw_figures(figures: Sequence[Figure]) -> str:
    """Return figures as a table of plain text."""
    return draw_table(
        ["figure", "value", "budget", "verdict", "peer"],
        [
            [
                figure.what,
                f"{format_number(figure.value)} {figure.unit}",
                write_budget(figure),
                figure.verdict,
                "" if figure.peer_value is None
                else f"{figure.peer}: {format_number(figure.peer_value)} {figure.unit}",
            ]
            for figure in figures
        ],
    )  # fmt: skip


def write_budget(figure: Figure) -> str:
    """Write a figure's budget, nothing where there is none."""
    if figure.budget is None:
        return ""
    sign = "≥" if figure.at_least else "≤"
    return f"{sign} {format_number(figure.budget)} {figure.unit}"


def draw_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def format_number(value: float) -> str:
    """Write a number with three significant digits, and whole ones in full."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}"
