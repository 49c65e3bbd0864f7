"""How long the worst line takes: lines that are made to be slow, for every built-in rule.

A line is made from each rule's own words and examples, over and over, and from what makes
expressions go back and forth: long runs of one thing. Each is fed to a classifier alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from panewatch.config import ErrorsSettings, PanesSettings
from panewatch.errors.classifier import Classifier
from panewatch.errors.explain import show
from panewatch.errors.incident import Incidents
from panewatch.errors.literals import find_words
from panewatch.errors.loading import build_rulebook
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook
from report import Figure, Report, build_parser, publish, quantile

BUDGET = 5.0
LONGEST = PanesSettings().line_length
"""Characters at which a pane's lines are cut."""

SIZES = (26, LONGEST, 100_000)
STEP_BEYOND = 20
"""Of lines that are longer than a pane's, those for every so many rules are enough."""

RUNS = (
    "a",
    "a ",
    "a.",
    "a/",
    "a:",
    "a-",
    "ab_",
    "é",
    "●",
    "❯ ",
    " ",
    "\t",
    "0",
    "1.",
    "1:",
    "::",
    "(",
    "[",
    "{",
    "<",
    "((a",
    "a)",
    "[[",
    "'",
    '"',
    "\\",
    "/",
    "=",
    "=-",
    "-",
    "_",
    "#",
    "*",
    "|",
    "12:34:56 ",
    "[1]: ",
    "[rank0]: ",
    "2024-01-01T00:00:00Z ",
    "a@b",
    "~/",
    "$ ",
    "> ",
    "\r",
    "\x1b[",
    "\x1b]0;",
    "error ",
    "Error: ",
    "failed: ",
    "1 failed, ",
    "at a(b:1) ",
    "File ",
    "usage: ",
    "key=value ",
    "https://a/",
)
"""Repeated, these are what nested and neighbouring repeats stumble over."""


class Killer(NamedTuple):
    """A line that is made to be slow, and what it was made from."""

    origin: str
    text: str


def make_killers(rules: Sequence[Rule], size: int) -> Iterator[Killer]:
    """Yield lines of ``size`` characters."""
    for run in RUNS:
        yield Killer(repr(run), _fill(run, size))
        yield Killer(f"error, {run!r}", ("error: " + _fill(run, size))[:size])
    mixture: list[str] = []
    for rule in rules:
        words = sorted({word for one in rule.match for word in find_words(one)[0]})
        mixture.append(words[0] if words else rule.id)
        if not rule.examples:  # it takes no lines
            continue
        example = max((line for text in rule.examples for line in text.split("\n")), key=len)
        for run in ("".join(words), " ".join(words), example, example[: len(example) // 2]):
            yield Killer(rule.id, _fill(run or rule.id, size))
        # A beginning that fits, a middle without end, and no end that fits.
        yield Killer(rule.id, (example[:-1] + _fill("a:1 ", size))[: size - 1] + "\\")
        yield Killer(rule.id, (example[: len(example) // 2] + _fill("a", size))[:size])
    for begin in range(0, len(mixture), 40):
        yield Killer("many rules", _fill(" ".join(mixture[begin:]), size))


def _fill(run: str, size: int) -> str:
    return (run * (size // len(run) + 1))[:size]


def feed(rulebook: Rulebook, text: str) -> float:
    """Return the milliseconds that one line takes in a new pane."""
    classifier = Classifier(rulebook, Incidents(count(1)))
    begin = time.perf_counter()
    classifier.feed((text,), 0.0)
    return 1000 * (time.perf_counter() - begin)


def measure(rulebook: Rulebook, killer: Killer, rounds: int) -> tuple[float, float]:
    """Return the quickest of some rounds, and the first, which compiles what it asks for.

    The quickest is what the line itself takes: a machine that is loaded only adds to it.
    The last character differs, so that nothing is remembered of the line.
    """
    first = feed(rulebook, killer.text)
    times = [feed(rulebook, killer.text[:-1] + chr(0x3B1 + n)) for n in range(rounds)]
    return min(times), first


def run(arguments: argparse.Namespace) -> Report:
    """Measure all lines of each size."""
    report = Report("redos")
    rulebook = build_rulebook(ErrorsSettings())
    for size in arguments.sizes:
        rules = rulebook.rules[:: arguments.step * (1 if size <= LONGEST else STEP_BEYOND)]
        found = [
            (*measure(rulebook, killer, arguments.rounds), killer)
            for killer in make_killers(rules, size)
        ]
        times = sorted(best for best, _, _ in found)
        worst, _, killer = max(found)
        report.figures.append(
            Figure(f"worst line of {size} characters", worst, "ms",
                   BUDGET if size <= LONGEST else None)
        )  # fmt: skip
        report.rows.append(
            {
                "characters": size, "lines": len(found), "median ms": f"{quantile(times, 0.5):.3f}",
                "p99 ms": f"{quantile(times, 0.99):.3f}", "worst ms": f"{worst:.3f}",
                "made from": killer.origin, "worst first ms": f"{max(f for _, f, _ in found):.1f}",
            }
        )  # fmt: skip
    longest = max(arguments.sizes)
    shown = max(time_show(killer.text) for killer in make_killers((), longest))
    report.figures.append(Figure(f"`explain`: cutting a line of {longest} characters", shown, "ms"))
    report.notes.append(
        f"Panes cut lines at `panes.line_length`, {LONGEST} characters unless it is set; `explain`"
        f" always does. The quickest of {arguments.rounds} rounds; a rule is compiled when a line"
        " first asks for it, which the last column holds too."
    )
    return report


def time_show(text: str) -> float:
    """Return the milliseconds that `explain` takes to make a line what a pane shows."""
    begin = time.perf_counter()
    show(text)
    return 1000 * (time.perf_counter() - begin)


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--step", type=int, default=1, help="every how many rules are tried")
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
