"""How well the commands of shells are known, with shell-init and without it.

Programs that run from 10 ms to 10 s and end with this status or that, one after the other in
real panes. Each tells its own times, which is the truth. What the sweeper hands on is held
against it. Then the price: a prompt with the hooks of shell-init beside one without.
"""

from __future__ import annotations

import argparse
import random
import re
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

from prometheus_client import Metric

from panewatch.config import CommandsSettings, PanesSettings, TmuxSettings
from panewatch.panes.commands.shell_init import render
from panewatch.panes.model import EndedCommand, PaneKey, PaneUpdate
from panewatch.panes.sweeper import Sweeper
from panewatch.panes.tmux import Tmux
from prompts import measure_prompts
from report import Figure, Report, build_parser, publish, quantile
from terminals import PrivateServer, wait_for

SEED = 4
LONG = 0.25
"""Seconds from which on a command should be seen in the process tree."""

STATUSES = (0, 0, 0, 1, 2, 127, 130, 139)
_PAUSES = (0.05, 0.6)
_NUMBER = re.compile(r"\bwork (\d+) ")

WORK = """\
#!/bin/bash
# NUMBER SECONDS STATUS: what it is told, and to the file of its pane when it was.
began=$EPOCHREALTIME
sleep "$2"
printf '%s %s %s\\n' "$1" "$began" "$EPOCHREALTIME" >>"$TRUTH"
exit "$3"
"""


class Work(NamedTuple):
    """One command of the plan."""

    number: int
    seconds: float
    status: int


class Truth(NamedTuple):
    """When a command ran, as it says itself, in Unix time."""

    began: float
    ended: float


class Ear:
    """Keeps what the sweeper says of commands, and when it did."""

    name: ClassVar[str] = "ear"

    def __init__(self) -> None:
        self.heard: list[tuple[str, EndedCommand, float]] = []

    def observe(self, update: PaneUpdate) -> None:
        """Take in one look."""
        for command in update.ended:
            self.heard.append((update.key.pane_id, command, time.time()))

    def forget(self, pane: PaneKey) -> None:
        """Keep everything."""

    def collect(self) -> Iterable[Metric]:
        """Yield nothing."""
        return ()


@dataclass
class Lane:
    """One pane: what is left to run in it, and the truth of what ran."""

    folder: Path
    reports: bool
    left: list[Work]
    pane_id: str = ""
    truths: dict[int, Truth] = field(default_factory=dict)
    ready_at: float = 0.0
    running: bool = False

    @property
    def truth_file(self) -> Path:
        """Where its programs tell."""
        return self.folder / "truth"

    def prepare(self, told: Path) -> str:
        """Write what its shell reads at its start, and return the command that starts it."""
        self.folder.mkdir()
        self.truth_file.touch()
        init = render("bash", str(told)) if self.reports else ""
        (self.folder / "rc").write_text(
            f"PS1='$ '\nexport TRUTH={shlex.quote(str(self.truth_file))}\n{init}"
        )
        words = ["bash", "--rcfile", str(self.folder / "rc")]
        return "exec env " + shlex.join([f"PATH={self.folder.parent}:/usr/bin:/bin", *words])

    def step(self, server: PrivateServer, pauses: random.Random) -> bool:
        """Type the next command if the last one is done; tell whether there is more to do."""
        if self.running:
            for line in self.truth_file.read_text().splitlines():
                number, *times = line.split(" ")
                self.truths[int(number)] = Truth(*map(float, times))
            if len(self.truths) < self.ready_count:
                return True
            self.running = False
            self.ready_at = time.monotonic() + pauses.uniform(*_PAUSES)
        if not self.left:
            return time.monotonic() < self.ready_at
        if time.monotonic() >= self.ready_at:
            work = self.left.pop()
            line = f"work {work.number} {work.seconds:.4f} {work.status}"
            server.run("send-keys", "-t", self.pane_id, "-l", line + "\r")
            self.running = True
            self.ready_count = len(self.truths) + 1
        return True

    ready_count: int = 0


def plan(count: int, longest: float, seed: int = SEED) -> list[Work]:
    """Return commands whose durations are spread evenly over the orders of magnitude."""
    chance = random.Random(seed)  # noqa: S311  # for repeatable figures, not for secrets
    low, high = 0.01, longest
    steps = [low * (high / low) ** (step / max(1, count - 1)) for step in range(count)]
    chance.shuffle(steps)
    return [Work(n, seconds, chance.choice(STATUSES)) for n, seconds in enumerate(steps)]


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    works = plan(arguments.commands, arguments.longest)
    with PrivateServer() as server:
        program = server.folder / "work"
        program.write_text(WORK)
        program.chmod(0o755)
        told = server.folder / "told"
        lanes = [
            Lane(server.folder / f"{place}-{reports}", reports, works[place :: arguments.panes])
            for place in range(arguments.panes)
            for reports in (True, False)
        ]
        panes = server.open([lane.prepare(told) for lane in lanes])
        for lane, pane in zip(lanes, panes, strict=True):
            lane.pane_id = pane.pane_id
        wait_for(lambda: told.exists() and len(list(told.glob("*.line"))) == arguments.panes,
                 30, "the shells' prompts")  # fmt: skip
        ear = Ear()
        settings = PanesSettings(commands=CommandsSettings(directory=str(told)))
        tmux = Tmux(TmuxSettings().binary, (), server.socket, 10.0)
        sweeper = Sweeper("bench", tmux, settings, local=True, observers=(ear,), began=0.0)
        sweeper.start()
        sweeper.wait_for_first(10.0)
        pauses = random.Random(SEED)  # noqa: S311  # as above
        time.sleep(2.5)  # the shells have been known for two listings
        while sum(lane.step(server, pauses) for lane in lanes):
            time.sleep(0.005)
        time.sleep(3.0)  # the last ends are told within two listings
        sweeper.stop(10.0)
        report = Report("commands")
        for reports, title in ((True, "with shell-init"), (False, "without")):
            chosen = [lane for lane in lanes if lane.reports is reports]
            judged = judge(chosen, ear, works)
            report.figures += judged.draw(title, exact=reports)
        report.figures += list(price(server.folder, arguments))
    report.notes.append(
        f"{len(works)} commands each way, 0.01 to {arguments.longest:g} s (evenly over the orders"
        f" of magnitude), in {arguments.panes} panes each way at once, {_PAUSES[0]:g} to"
        f" {_PAUSES[1]:g} s between two; settings at their defaults. The programs tell when they"
        " begin and end themselves, so their start and exit, a few ms, count as error. A prompt:"
        f" CPU time, the median of {arguments.rounds} rounds of {arguments.lines} lines that do"
        " nothing (a tenth of them for fish)."
    )
    return report


class Judgement(NamedTuple):
    """What was told of the commands of some lanes, held against the truth."""

    seen: int
    long_seen: int
    ran: int
    long_ran: int
    twice: int
    errors: list[float]
    starts: list[float]
    statuses: int
    delays: list[float]

    def draw(self, title: str, *, exact: bool) -> Iterator[Figure]:
        """Yield its figures."""
        least = 1.0 if exact else None
        yield Figure(f"{title}: commands seen", self.seen / self.ran, "", least, at_least=True)
        yield Figure(
            f"{title}: seen of those from {LONG:g} s", self.long_seen / max(1, self.long_ran),
            "", 1.0, at_least=True,
        )  # fmt: skip
        yield Figure(f"{title}: told twice", self.twice, "", 0.0)
        for name, values, most in (
            ("duration, error", self.errors, 20.0 if exact else 150.0),
            ("start, error", self.starts, 20.0),
        ):
            yield Figure(f"{title}: {name}, p50", 1000 * quantile(values, 0.5), "ms")
            yield Figure(f"{title}: {name}, p95", 1000 * quantile(values, 0.95), "ms", most)
        if exact:
            yield Figure(f"{title}: statuses right", self.statuses / self.ran, "", 1.0,
                         at_least=True)  # fmt: skip
        yield Figure(f"{title}: end → told, p50", quantile(self.delays, 0.5), "s")
        yield Figure(f"{title}: end → told, p95", quantile(self.delays, 0.95), "s", 2.0)


def judge(lanes: Sequence[Lane], ear: Ear, works: Sequence[Work]) -> Judgement:
    """Hold what was told against the truth."""
    truths = {number: truth for lane in lanes for number, truth in lane.truths.items()}
    panes = {lane.pane_id for lane in lanes}
    told: dict[int, list[tuple[EndedCommand, float]]] = {number: [] for number in truths}
    for pane_id, command, at in ear.heard:
        found = _NUMBER.search(command.line)
        if pane_id in panes and found:
            told[int(found[1])].append((command, at))
    first = {number: heard[0] for number, heard in told.items() if heard}
    long = {number for number, truth in truths.items() if truth.ended - truth.began >= LONG}
    return Judgement(
        seen=len(first),
        long_seen=len(long & first.keys()),
        ran=len(truths),
        long_ran=len(long),
        twice=sum(len(heard) > 1 for heard in told.values()),
        errors=[
            abs(command.seconds - (truths[number].ended - truths[number].began))
            for number, (command, _) in first.items()
        ],
        starts=[abs(command.started - truths[n].began) for n, (command, _) in first.items()],
        statuses=sum(command.status == works[n].status for n, (command, _) in first.items()),
        delays=[at - truths[number].ended for number, (_, at) in first.items()],
    )


def price(folder: Path, arguments: argparse.Namespace) -> Iterator[Figure]:
    """Yield what the hooks of each installed shell cost at a prompt."""
    for shell, (plain, hooked) in measure_prompts(
        folder, arguments.lines, arguments.rounds
    ).items():
        yield Figure(f"{shell}: what shell-init adds to a prompt", hooked - plain, "µs", 1000.0,
                     peer=f"a whole prompt of a plain {shell}", peer_value=plain)  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = build_parser(__doc__)
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--panes", type=int, default=8)
    parser.add_argument("--longest", type=float, default=10.0, help="seconds")
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args(words)
    publish(run(arguments), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
