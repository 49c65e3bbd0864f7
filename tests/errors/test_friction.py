"""Commands, transfers and bars that cost time without failing."""

from __future__ import annotations

import pytest

from panewatch.errors.command import parse_command
from panewatch.errors.friction import FrictionWatch


class Person:
    """Somebody who types commands, one each ten seconds."""

    def __init__(self) -> None:
        self.watch = FrictionWatch()
        self.now = 1000.0

    def type(self, text: str, *, fails: bool = False, wait: float = 10.0) -> dict[str, int]:
        self.now += wait
        self.watch.note_command(parse_command(text), self.now)
        if fails:
            self.watch.note_failure()
        return {str(kind): number for kind, number in self.watch.counts.items() if number}


def test_the_same_command_after_two_failures_is_friction() -> None:
    person = Person()
    assert person.type("make -j8", fails=True) == {}
    assert person.type("make -j4", fails=True) == {}
    assert person.type("make  -j1", fails=True) == {"repeated_command": 1}
    assert person.type("make", fails=False) == {"repeated_command": 2}
    assert person.type("make") == {"repeated_command": 2}  # it did not fail the last time


def test_commands_that_work_may_be_repeated() -> None:
    person = Person()
    for _ in range(20):
        assert person.type("nvidia-smi") == {}


def test_other_commands_in_between_do_not_matter() -> None:
    person = Person()
    for _ in range(2):
        person.type("pytest tests", fails=True)
        person.type("vim a.py")
    assert person.type("pytest tests") == {"repeated_command": 1}


def test_the_same_start_again_and_again_is_a_loop() -> None:
    person = Person()
    for _ in range(3):
        person.type("python train.py", fails=True)
    counts = person.type("python train.py", fails=True)
    assert counts == {"repeated_command": 1, "restart_loop": 1}


def test_starts_far_apart_are_no_loop() -> None:
    person = Person()
    for _ in range(5):
        counts = person.type("python train.py", fails=True, wait=400.0)
    assert "restart_loop" not in counts


@pytest.mark.parametrize(
    "text",
    ["scp a.tar host:", "rsync -a a/ host:b/", "wget https://example.org/a", "aws s3 cp a s3://b",
     "kubectl cp a pod:b", "docker cp a b:c", "/usr/bin/scp a host:"],
)  # fmt: skip
def test_a_transfer_again_within_an_hour_is_friction(text: str) -> None:
    person = Person()
    assert person.type(text) == {}
    assert person.type(text, wait=3000.0) == {"retransfer": 1}
    assert person.type(text, wait=4000.0) == {"retransfer": 1}


def test_another_transfer_is_none() -> None:
    person = Person()
    person.type("scp a.tar host:")
    assert person.type("scp b.tar host:") == {}
    assert person.type("") == {}


def test_a_bar_that_stands_still_for_long_is_a_gap_once() -> None:
    watch = FrictionWatch()
    for second in range(0, 60, 10):
        watch.note_signal(float(second))
    assert not watch.check_gap(300.0)
    assert not watch.check_gap(350.0)
    assert watch.check_gap(351.0)
    assert not watch.check_gap(9999.0)
    watch.note_signal(10_000.0)
    assert not watch.check_gap(10_300.0)
    assert watch.check_gap(10_400.0)
    assert watch.counts["progress_gap"] == 2


def test_a_slow_bar_has_its_own_pace() -> None:
    watch = FrictionWatch()
    for number in range(6):
        watch.note_signal(number * 600.0)
    assert not watch.check_gap(5 * 600.0 + 5999.0)
    assert watch.check_gap(5 * 600.0 + 6001.0)


def test_nothing_is_waited_for_after_a_rest_or_another_command() -> None:
    for end in (FrictionWatch.rest, lambda watch: watch.note_command(parse_command("ls"), 60.0)):
        watch = FrictionWatch()
        for second in range(0, 60, 10):
            watch.note_signal(float(second))
        end(watch)
        assert not watch.check_gap(9999.0)
