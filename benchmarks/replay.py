"""What an operator is told of two hours of one pane, beside a search for keywords.

The pane is put together from real logs and known failures, printed line by line as time
goes on, read through the same reader as a pane's captures, and classified. The search is
what a loop around ``capture-pane | grep`` does every 20 seconds.
"""

from __future__ import annotations

import argparse
import re
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count
from random import Random

from logs import ABSENT, CORPORA
from panewatch.config import ErrorsSettings
from panewatch.errors.classifier import Classifier
from panewatch.errors.event import Event
from panewatch.errors.incident import Incidents
from panewatch.errors.loading import build_rulebook
from panewatch.errors.rulebook import Rulebook
from panewatch.panes.capture import Capture, Grid, Text
from panewatch.panes.reader import PaneReader
from report import Figure, Report, build_parser, publish
from staging import Scene, stage

SECONDS = 7200
SEARCH_SECONDS = 20
HEIGHT, HISTORY, WIDTH = 50, 2000, 10_000

_KEYWORDS = re.compile(r"error|fail|exception|traceback|fatal|panic|critical|abort", re.IGNORECASE)


class Screen:
    """A terminal that lines scroll through, as tmux keeps it: trimmed by a tenth when full."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def print_line(self, line: str) -> None:
        """Take in one line."""
        self.rows.append(line)
        if len(self.rows) - HEIGHT >= HISTORY:
            del self.rows[: HISTORY // 10]

    @property
    def visible(self) -> list[str]:
        """What is on the screen, above the line with the cursor."""
        return self.rows[-(HEIGHT - 1) :]

    def capture(self) -> Capture:
        """Return all there is, as a capture of tmux would."""
        lines = [*self.rows, ""]
        history = max(0, len(lines) - HEIGHT)
        grid = Grid(1, history, HISTORY, WIDTH, HEIGHT, len(lines) - 1 - history)
        return Capture(grid, Text(lines, range(len(lines)), len(lines)))


@dataclass(slots=True)
class Outcome:
    """What came of the two hours: events by line, hits of the search, lines read."""

    events: list[Event] = field(default_factory=list)
    hits: int = 0
    keyword_lines: int = 0
    read: list[str] = field(default_factory=list)
    looks: int = 0
    ended: Counter[str] = field(default_factory=Counter)


def play(rulebook: Rulebook, lines: Sequence[str], times: Sequence[float]) -> Outcome:
    """Print ``lines`` at ``times``, look every second, search every 20 seconds."""
    screen, reader, outcome = Screen(), PaneReader(from_start=True), Outcome()
    incidents = Incidents(count(1))
    classifier = Classifier(rulebook, incidents)
    quiet_after = ErrorsSettings().quiet_after
    place = 0
    for second in range(SECONDS + 1):
        while place < len(lines) and times[place] <= second:
            screen.print_line(lines[place])
            place += 1
        reading = reader.read(screen.capture(), float(second), whole=True)
        assert reading is not None
        assert not reading.gap
        outcome.looks += 1
        fresh = [line.text for line in reading.lines]
        outcome.read += fresh
        if fresh:
            outcome.events += classifier.feed(fresh, float(second))
            outcome.ended["quiet"] += len(incidents.settle(second - quiet_after))
        outcome.events += classifier.flush(float(second))
        if second % SEARCH_SECONDS == 0:
            outcome.hits += sum(map(_tells, screen.visible))
    outcome.keyword_lines = sum(map(_tells, lines))
    outcome.ended["success"] = sum(len(event.ended) for event in outcome.events)
    return outcome


def _tells(line: str) -> bool:
    return _KEYWORDS.search(line) is not None


def spread(scenes: Sequence[Scene], random: Random) -> list[float]:
    """Return when each line is printed: a burst for each scene, or evenly where it is long."""
    weights = [random.uniform(0.5, 1.5) * (len(scene.lines) + 20) for scene in scenes]
    scale = SECONDS / sum(weights)
    times: list[float] = []
    for begin, weight, scene in zip(
        accumulate(weights, initial=0.0), weights, scenes, strict=False
    ):
        number = len(scene.lines)
        times += [scale * (begin + 0.8 * weight * n / max(40, number)) for n in range(number)]
    return times


def judge(scenes: Sequence[Scene], events: Sequence[Event]) -> tuple[Counter[str], list[Scene]]:
    """Return how many incidents were opened where, and the failures that nobody was told of."""
    starts = list(accumulate((len(scene.lines) for scene in scenes), initial=0))
    opened: Counter[str] = Counter()
    told: set[int] = set()
    for event in events:
        if event.incident is None:
            continue
        index = bisect_right(starts, event.line) - 1
        told.add(index)
        if event.opens:
            opened[scenes[index].truth] += 1
            opened[event.incident.rule.severity] += 1
    missed = [scene for n, scene in enumerate(scenes) if scene.truth == "failure" and n not in told]
    return opened, missed


def run(arguments: argparse.Namespace) -> Report:
    """Play the pane and judge what was told of it."""
    report = Report("replay")
    if not CORPORA.is_dir():
        report.notes.append(ABSENT)
        return report
    random = Random(arguments.seed)  # noqa: S311  # repeatable, not secret
    scenes = stage(random, arguments.failures)
    lines = [line for scene in scenes for line in scene.lines]
    outcome = play(build_rulebook(ErrorsSettings()), lines, spread(scenes, random))
    assert outcome.read == lines, "a line was lost, or read twice"
    opened, missed = judge(scenes, outcome.events)
    failures = sum(scene.truth == "failure" for scene in scenes)
    judged = opened["failure"] + opened["no failure"]
    report.figures += [
        Figure("incidents opened", sum(opened[name] for name in ("P0", "P1", "P2")), "",
               peer="keywords found", peer_value=outcome.hits),
        *(Figure(f"incidents opened, {name}", opened[name], "") for name in ("P0", "P1", "P2")),
        Figure(f"of {failures} failures, those that were told",
               100 * (1 - len(missed) / failures), "%"),
        Figure(f"of {judged} incidents that are judged, those that are true",
               100 * opened["failure"] / max(1, judged), "%"),
    ]  # fmt: skip
    report.rows += [
        {
            "where": truth, "scenes": sum(scene.truth == truth for scene in scenes),
            "lines": sum(len(scene.lines) for scene in scenes if scene.truth == truth),
            "incidents": opened[truth],
        }
        for truth in ("failure", "no failure", "unknown")
    ]  # fmt: skip
    report.notes.append(
        f"Two hours, {len(lines)} lines, of which {outcome.keyword_lines} hold a keyword, seed"
        f" {arguments.seed}; {outcome.looks} looks and {SECONDS // SEARCH_SECONDS} searches;"
        f" {outcome.ended['success']} incidents ended with a success,"
        f" {outcome.ended['quiet']} in silence. What is `unknown` nobody has judged: shells of"
        " agents, in which things did fail."
    )
    if missed:
        report.notes.append("Not told: " + ", ".join(scene.name for scene in missed) + ".")
    return report


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failures", type=int, default=9, help="that are put in")
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
