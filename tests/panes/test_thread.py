"""The thread of a server rests, is woken and ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from panewatch.panes.thread import ServerThread
from polling import wait_until

LONG = 1000.0


class Rounds:
    """Counts rounds; each waits until it may end where ``open`` is cleared."""

    def __init__(self) -> None:
        self.begun = 0
        self.rest = LONG
        self.open = threading.Event()
        self.open.set()
        self.thread = ServerThread("test", self._run, lambda _now: self.rest)

    def _run(self) -> None:
        self.begun += 1
        self.open.wait(10)


@pytest.fixture
def rounds() -> Iterator[Rounds]:
    rounds = Rounds()
    yield rounds
    rounds.open.set()
    rounds.thread.ask_to_stop()
    assert rounds.thread.join(10)


def test_each_wake_begins_a_round(rounds: Rounds) -> None:
    rounds.thread.start()
    for count in range(1, 20):
        wait_until(partial(lambda count: rounds.begun == count, count))
        rounds.thread.wake()
    wait_until(lambda: rounds.begun == 20)


def test_wakes_during_a_round_begin_one_more(rounds: Rounds) -> None:
    rounds.open.clear()
    rounds.thread.start()
    wait_until(lambda: rounds.begun == 1)
    for _ in range(3):
        rounds.thread.wake()
    rounds.open.set()
    wait_until(lambda: rounds.begun == 2)
    rounds.thread.wake()
    wait_until(lambda: rounds.begun == 3)


def test_a_rest_that_is_over_begins_a_round(rounds: Rounds) -> None:
    rounds.rest = 0.0
    rounds.thread.start()
    wait_until(lambda: rounds.begun > 10)


def test_a_thread_that_rests_ends_at_once(rounds: Rounds) -> None:
    rounds.thread.start()
    wait_until(lambda: rounds.begun == 1)
    assert rounds.thread.alive
    rounds.thread.ask_to_stop()
    rounds.thread.ask_to_stop()
    assert rounds.thread.join(10)
    assert rounds.begun == 1


def test_a_thread_that_was_stopped_before_it_began_does_nothing(rounds: Rounds) -> None:
    rounds.thread.ask_to_stop()
    rounds.thread.start()
    assert rounds.thread.join(10)
    assert rounds.begun == 0
