"""What panes and callbacks tell of one training, from its first line to its last: told once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from panewatch.panes.model import Identity
from panewatch.panes.published import Published
from panewatch.training import contract as c
from panewatch.training.callback_runs import CallbackFamilies
from panewatch.training.families import build_families, name_run
from panewatch.training.joining import Joiner
from panewatch.training.run import Run
from training.test_textfiles import LIVING, STEP, Exporter, put, runs
from training.trained import write_header

PLACE = Identity("default", "work", "0", "1")
PANE = name_run(PLACE)


class Joined:
    """A joiner, and a callback named ``resnet`` in the pane that it is asked about."""

    def __init__(self) -> None:
        self.wall = 1000.0
        self.joiner = Joiner(lambda: self.wall)

    def look(self, callback: str, moved: float | None, *, after: float = 1.0) -> set[str]:
        """Give the runs that are told of.

        Args:
            callback: Whether its callback is ``running``, ``ended`` or ``gone``.
            moved: When the pane's run moved on last; None where it has ended.
            after: Seconds since the look before.
        """
        self.wall += after
        run = Run(moved or 0.0)
        run.step = 3.0
        shown = build_families([(PLACE, run, moved is None)], self.wall, 0.0, 60.0)
        step = c.TRAINING_STEP.family()
        if callback != "gone":
            step.add_sample(c.TRAINING_STEP.full_name, {"run": "resnet"}, 7.0)
        here = {PLACE: "resnet"}
        told = CallbackFamilies(
            [step],
            Counter(),
            here if callback == "running" else {},
            here if callback == "ended" else {},
        )
        return {s.labels["run"] for each in self.joiner.join(shown, told) for s in each.samples}


@pytest.mark.parametrize("end", ["ended", "gone"])
def test_the_end_of_a_training_is_one(end: str) -> None:
    joined, told = Joined(), {"resnet"} if end == "ended" else set()
    assert joined.look("running", 1000.5) == {"resnet"}
    assert joined.look(end, 1001.9) == told  # its pane does not know yet
    assert joined.look(end, 1003.5) == told  # and is read a moment later
    assert joined.look(end, None) == told
    assert joined.look(end, None, after=100) == told


def test_a_program_that_goes_on_after_its_training_is_no_second_one() -> None:
    joined = Joined()
    joined.look("running", 1000.5)
    for _ in range(9):
        assert joined.look("ended", 1001.5, after=30) == {"resnet"}


def test_what_is_printed_later_is_another_training() -> None:
    joined = Joined()
    joined.look("running", 1000.5)
    assert joined.look("ended", 1001.0) == {"resnet"}
    assert joined.look("ended", 1008.0, after=7) == {"resnet", PANE}
    assert joined.look("ended", 1008.0) == {"resnet", PANE}


def test_what_begins_after_the_end_was_seen_is_another_at_once() -> None:
    joined = Joined()
    joined.look("running", 1000.5)
    assert joined.look("ended", None) == {"resnet"}
    assert joined.look("ended", 1002.5, after=0.5) == {"resnet", PANE}


def test_a_few_late_lines_that_nothing_follows_are_another_in_the_end() -> None:
    joined = Joined()
    joined.look("running", 1000.5)
    assert joined.look("ended", 1001.0) == {"resnet"}
    assert joined.look("ended", 1004.0) == {"resnet"}
    assert joined.look("ended", 1004.0, after=10) == {"resnet", PANE}


def test_the_files_are_looked_at_when_a_run_begins_in_a_pane(tmp_path: Path) -> None:
    exporter = Exporter(tmp_path)
    assert runs(exporter.look()) == set()
    put(tmp_path, write_header(**LIVING) + "\n" + STEP)
    run = Run(0.0)
    run.step = 11.0
    families = tuple(build_families([(PLACE, run, False)], 0.0, 0.0, 60.0))
    exporter.board.post([Published("default", "up", 0.0, families=families)])
    told = {
        sample.labels["run"]
        for family in exporter.collector.collect()  # long before the next look is due
        for sample in family.samples
        if "run" in sample.labels
    }
    assert "resnet" in told
