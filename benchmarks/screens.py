"""What it costs to read a screen: those that the built-in packs come with, and hostile ones.

Each screen has 80 columns and 24 rows: below ordinary output stands the recorded part. CPU
time of the reading thread counts, the best of some rounds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence

from panewatch.config import PanesSettings
from panewatch.panes.model import Frame
from panewatch.panes.screens import ScreenBook, load_screens
from panewatch.panes.screens.trial import frame_text
from report import Figure, Report, build_parser, publish, quantile

BUDGET = 50.0
BUDGET_HOSTILE = 5000.0
ROWS = 24
COLUMNS = 80
LONGEST = PanesSettings().line_length
"""Characters at which a pane's lines are cut."""

OUTPUT = (
    "[ 42%] Building CXX object src/CMakeFiles/core.dir/reader/window.cpp.o",
    "src/reader/window.cpp:118:9: warning: unused variable 'first' [-Wunused-variable]",
    "step 4100 | loss 1.8834 | lr 2.9e-04 | 18,402 tokens/s | eta 1:12:09",
    "2026-11-22T04:18:02Z INFO worker-3 fetched 128 items in 0.41 s, 0 failed",
)

HOSTILE = {
    "spinners": "✻ Foo… (3s · esc to interrupt) ",
    "menus": "❯ 1. Yes, Do you want to proceed? Enter to select · Esc to cancel ",
    "prompts": "dev@box:~$ [y/n] Password: (yes/no)? --More--(12%) ",
    "edges": "│ > ╭─╮ ╰─╯ ",
    "rules": "────────",
    "blanks": "                ",
}


def run(rounds: int, reads: int) -> Report:
    """Read every screen and say how long it took."""
    book = load_screens(PanesSettings())

    def measure(frame: Frame, process: str = "", agent: str = "") -> float:
        return time_best(lambda: book.read(frame, process, agent), rounds, reads)

    report = Report("screens")
    known, alone, hostile = [], [], []
    for name, frame, process, agent in build_screens(book):
        known.append(measure(frame, process, agent))
        alone.append(measure(frame))
        report.rows.append(describe(name, alone[-1], known[-1]))
    for name, text in HOSTILE.items():
        row = (text * LONGEST)[:LONGEST]
        hostile.append(measure(frame_text("\n".join([row] * 100))))
        report.rows.append(describe(f"hostile: {name}", hostile[-1]))
    plain = measure(frame_text("\n".join(fill(ROWS))), "cmake")
    report.figures = [
        Figure("a screen of a known process, median", quantile(known, 0.5), "us", BUDGET),
        Figure("a screen of a known process, p90", quantile(known, 0.9), "us"),
        Figure("a screen that tells by its look, median", quantile(alone, 0.5), "us", BUDGET),
        Figure("a screen that tells by its look, p90", quantile(alone, 0.9), "us"),
        Figure("ordinary output", plain, "us", BUDGET),
        Figure("the worst hostile screen", max(hostile), "us", BUDGET_HOSTILE),
    ]
    report.notes.append(
        f"{len(known)} screens of {len(book.packs)} packs, of {COLUMNS} by {ROWS}; a hostile screen"
        f" has 100 rows of {LONGEST} characters. CPU time of the thread, the best of {rounds}"
        " rounds."
    )
    return report


def describe(name: str, alone: float, known: float | None = None) -> dict[str, object]:
    """Return a row of details."""
    told = "" if known is None else f"{known:.1f}"
    return {"screen": name, "process known, us": told, "by its look, us": f"{alone:.1f}"}


def build_screens(book: ScreenBook) -> Iterator[tuple[str, Frame, str, str]]:
    """Yield the recorded screens of the packs, with the process and the agent."""
    for pack in book.packs:
        for example in pack.examples:
            if example.means is not None:
                rows = example.screen.rstrip().split("\n")
                text = "\n".join([*fill(ROWS - len(rows)), *rows])
                process = min(pack.processes, default="")
                yield f"{pack.id}: {example.name}", frame_text(text), process, pack.agent


def fill(count: int) -> list[str]:
    """Return rows of ordinary output."""
    return [OUTPUT[number % len(OUTPUT)][:COLUMNS] for number in range(max(0, count))]


def time_best(read: Callable[[], object], rounds: int, reads: int) -> float:
    """Return the microseconds of CPU that one read takes in the best round."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.thread_time_ns()
        for _ in range(reads):
            read()
        best = min(best, time.thread_time_ns() - begin)
    return best / reads / 1000


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--reads", type=int, default=20, help="reads in a round")
    arguments = parser.parse_args(words)
    publish(run(arguments.rounds, arguments.reads), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
