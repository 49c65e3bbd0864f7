"""Whether the progress that is read from panes is that of the trainings in them.

Trainings with real bars (tqdm, Lightning's two, Hugging Face's, Keras's), or that print lines,
run in panes of several widths and write each step down as it is made. A real exporter is asked
all the while; its step and speed are compared with what was written. The truth is the only peer.
"""

from __future__ import annotations

import argparse
import http.client
import re
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daemons import scrape, start_panewatch, wait_for_panes
from report import Figure, Report, build_parser, publish, quantile
from terminals import PrivateServer
from trainer import EPOCHS, KINDS

RATE_BUDGET = 0.02
LEAST_SEEN = 0.99
_SERIES = re.compile(
    r'^panewatch_training_(\w+)\{(?:.*,)?run="[^"]*main:(\d+)\.0"(?:,split="(\w+)")?.*\} (\S+)$',
    re.MULTILINE,
)
_LONGEST_DELAY = 3.0
"""Seconds that a step may have been overtaken by when it is read."""


@dataclass(slots=True)
class Seen:
    """What was read of one training, against what it wrote down."""

    kind: str
    width: int
    looks: int = 0
    answers: int = 0
    right: int = 0
    errors: list[float] = field(default_factory=list)


def read_truth(file: Path) -> list[tuple[float, int, int, float]]:
    """Return the steps that a training made: when, which, of which epoch, its loss."""
    lines = file.read_text().splitlines() if file.exists() else []
    whole = [line.split() for line in lines if line.count(" ") == 3]
    return [(float(at), int(step), int(epoch), float(loss)) for at, step, epoch, loss in whole]


def judge(
    seen: Seen, told: dict[str, float], steps: list[tuple[float, int, int, float]], settle: float
) -> None:
    """Compare what is told now with what a training did until now."""
    now = time.monotonic()
    epoch = steps[-1][2]
    begun = next(at for at, _, each, _ in steps if each == epoch)
    if now - begun < settle or now - steps[-1][0] > 1:
        return  # the epoch has just begun, or the training has ended
    seen.looks += 1
    recent = {(step, each) for at, step, each, _ in steps if at >= now - _LONGEST_DELAY}
    if "step" in told:
        seen.answers += 1
        seen.right += (int(told["step"]), epoch) in recent
    if "steps_per_second" in told:
        window = [(at, step) for at, step, each, _ in steps if each == epoch and at > now - 60]
        rate = (window[-1][1] - window[0][1]) / (window[-1][0] - window[0][0])
        seen.errors.append(abs(told["steps_per_second"] / rate - 1))


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    trainer = Path(__file__).with_name("trainer.py")
    pairs = [(kind, width) for kind in arguments.kinds for width in arguments.widths]
    with PrivateServer() as server:
        go = server.folder / "go"
        truths = [server.folder / f"truth{place}" for place in range(len(pairs))]
        words = [
            [arguments.python, str(trainer), kind, str(arguments.steps),
             str(arguments.pace), str(truth), str(go)]
            for (kind, _), truth in zip(pairs, truths, strict=True)
        ]  # fmt: skip
        panes = server.open([shlex.join(each) for each in words])
        for pane, (_, width) in zip(panes, pairs, strict=True):
            server.run("resize-window", "-t", pane.pane_id, "-x", str(width), "-y", "24")
        with start_panewatch(server.socket, server.folder) as exporter:
            wait_for_panes(exporter, len(panes))
            go.touch()
            connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
            found = [Seen(kind, width) for kind, width in pairs]
            deadline = time.monotonic() + 3 * EPOCHS * arguments.steps * arguments.pace + 60
            while time.monotonic() < deadline:
                told: list[dict[str, float]] = [{} for _ in pairs]
                for name, window, split, value in _SERIES.findall(scrape(connection)):
                    told[int(window)][f"{name} {split}".strip()] = float(value)
                truth = [read_truth(file) for file in truths]
                for seen, facts, steps in zip(found, told, truth, strict=True):
                    if steps:
                        judge(seen, facts, steps, arguments.settle)
                if all(len(steps) == EPOCHS * arguments.steps for steps in truth):
                    break
                time.sleep(arguments.poll)
            connection.close()
    return write(found, arguments)


def write(found: Sequence[Seen], arguments: argparse.Namespace) -> Report:
    """Report what was found."""
    report = Report("progress")
    looks = sum(seen.looks for seen in found)
    errors = [error for seen in found for error in seen.errors]
    report.figures = [
        Figure("looks at which the step was known", sum(seen.answers for seen in found) / looks,
               "of 1", LEAST_SEEN, at_least=True),
        Figure("steps that were those of the last 3 s", sum(seen.right for seen in found) / looks,
               "of 1", LEAST_SEEN, at_least=True),
        Figure("error of the speed, median", quantile(errors, 0.5), "of 1", RATE_BUDGET),
        Figure("error of the speed, p95", quantile(errors, 0.95), "of 1"),
    ]  # fmt: skip
    report.rows = [
        {
            "shown by": seen.kind,
            "columns": seen.width,
            "looks": seen.looks,
            "step known": f"{seen.answers / max(1, seen.looks):.3f}",
            "step right": f"{seen.right / max(1, seen.looks):.3f}",
            "speed off, median": f"{quantile(seen.errors, 0.5):.3%}" if seen.errors else "unknown",
        }
        for seen in found
    ]
    report.notes.append(
        f"{EPOCHS} epochs of {arguments.steps} steps of {arguments.pace:g} s (0.8 to 1.2 times),"
        f" all panes at once; /metrics asked every {arguments.poll:g} s. The speed is compared"
        " with the steps of the last minute of the same epoch as they were written down."
    )
    return report


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--python", default=sys.executable, help="one with the frameworks")
    parser.add_argument(
        "--kinds", nargs="+", choices=sorted(KINDS), default=["lines"],
        help="what shows the progress; all but lines need their frameworks",
    )  # fmt: skip
    parser.add_argument("--widths", type=int, nargs="+", default=[40, 60, 80, 130])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--pace", type=float, default=0.1, help="seconds of a step")
    parser.add_argument("--settle", type=float, default=6.0, help="seconds of an epoch left out")
    parser.add_argument("--poll", type=float, default=0.5, help="seconds between two looks")
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
