"""What counts as going round in circles."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.config import PanesSettings
from panewatch.panes.loops import LoopWatch, leave_out_times
from panewatch.panes.model import EndedCommand, Line

SETTINGS = PanesSettings()
SOME = random.Random(7)  # noqa: S311  # the same lines at every run
WORDS = [f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiou" for c in "mnprst"]


def watch(
    make: Callable[[int], str], *, seconds: int = 900, every: float = 1.0, begin: float = 5000.0
) -> list[float]:
    """Return the times, from 0 s on, at which output of a line ``every`` s was a loop."""
    loops, now, count, found = LoopWatch(SETTINGS, begin), begin, 0, []
    for second in range(seconds):
        now = begin + second
        lines = []
        while count * every <= second:
            lines.append(Line(make(count)))
            count += 1
        loops.take(lines, now)
        if loops.judge(now):
            found.append(now - begin)
    return found


def ran(line: str) -> EndedCommand:
    return EndedCommand(line.split(maxsplit=1)[0], line, 0.0, 1.0, 0, exact=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: "y",
        lambda _: "ConnectionRefusedError: [Errno 111] Connection refused",
        lambda n: f"2026-11-22 04:{n // 60 % 60:02}:{n % 60:02},{n % 1000:03} ERROR cannot connect",
        lambda n: f"[22/Nov/2026:10:{n // 60 % 60:02}:{n % 60:02} +0000] restarting worker",
        lambda n: f"{n % 24:02}:{n % 60:02}:{n % 60:02} retrying",
        lambda n: ["Starting server", "Traceback:", "  File app.py", "OSError: in use"][n % 4],
        lambda n: [f"attempt {n}", "Starting", "Failed: no route", "waiting"][n % 4],
        lambda n: f"line {n % 20} of the same twenty",
        lambda _: SOME.choice(["no route to host", "timed out", "refused"]),
    ],
)
@pytest.mark.parametrize("every", [0.05, 1.0, 7.0])
def test_the_same_again_and_again_is_a_loop(make: Callable[[int], str], every: float) -> None:
    found = watch(make, every=every)
    assert found
    assert 240 <= found[0] <= 310
    assert len(found) == 900 - found[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda n: f"step {n} | loss {5 / (n + 1):.4f} | lr 3e-4",
        lambda n: f"Epoch 3:  {n % 101}%|####    | {n}/5000 [00:12<01:02, 8.1it/s]",
        lambda n: f"64 bytes from 1.1.1.1: icmp_seq={n} ttl=55 time=4.{n % 10} ms",
        lambda n: f"[{n}/4211] Building CXX object {SOME.choice(WORDS)}.o",
        lambda n: f'INFO: 127.0.0.1:{30000 + n} - "GET /health HTTP/1.1" 200 OK',
        lambda n: f"test_{WORDS[n % 180]}_{SOME.choice(WORDS)} PASSED",
        lambda _: " ".join(SOME.choices(WORDS, k=8)),
        lambda n: f"saved checkpoint-{n}" if n % 2 else "evaluating",
        lambda _: "",
    ],
)
@pytest.mark.parametrize("every", [0.05, 1.0, 7.0])
def test_progress_is_no_loop(make: Callable[[int], str], every: float) -> None:
    assert watch(make, every=every) == []


def test_a_few_lines_are_no_loop() -> None:
    assert watch(lambda _: "still here", every=11) == []
    assert watch(lambda _: "still here", every=9)


def test_a_burst_is_no_loop() -> None:
    assert watch(lambda n: "y" if n < 100 else "", every=0.02) == []
    assert watch(lambda n: "y" if n % 600 < 200 else "", every=0.5) == []


def test_a_loop_ends_with_its_output() -> None:
    found = watch(lambda n: "again" if n < 400 else "")
    assert found
    assert 400 <= found[-1] < 460


def test_a_loop_ends_when_something_new_comes() -> None:
    found = watch(
        lambda n: "again" if n < 400 else " ".join(SOME.choices(WORDS, k=8)), seconds=2000
    )
    assert found
    assert 400 <= found[-1] <= 600


def test_a_command_that_runs_again_and_again_is_a_loop() -> None:
    loops = LoopWatch(SETTINGS, 0.0)
    for number in range(9):
        loops.take_commands([ran("make test")], number * 20.0)
    assert not loops.judge(161.0)
    loops.take_commands([ran("make test")], 180.0)
    assert loops.judge(181.0)
    assert not loops.judge(250.0)
    loops.take_commands([ran("make test")], 251.0)
    assert loops.judge(252.0)
    loops.take_commands([ran("git status")], 253.0)
    assert not loops.judge(254.0)


def test_commands_that_take_turns_or_their_time_are_no_loop() -> None:
    loops = LoopWatch(SETTINGS, 0.0)
    for number in range(40):
        loops.take_commands([ran("make"), ran(f"./run {number % 2}")], number * 5.0)
        assert not loops.judge(number * 5.0)
    for number in range(40):
        loops.take_commands([ran("make")], 1000 + number * 40.0)
        assert not loops.judge(1000 + number * 40.0)


def test_lines_that_are_kept_from_us_are_no_loop() -> None:
    loops = LoopWatch(SETTINGS, 0.0)
    for number in range(30):
        loops.take_commands([EndedCommand("", "", 0.0, 1.0, 0, exact=True)], number * 5.0)
    assert not loops.judge(145.0)


def test_other_settings_hold_for_a_command_that_is_repeated_already() -> None:
    loops = LoopWatch(SETTINGS, 0.0)
    for number in range(4):
        loops.take_commands([ran("make")], number * 5.0)
    loops.settings = PanesSettings(looping_repeats=5)
    assert not loops.judge(15.0)
    loops.take_commands([ran("make")], 20.0)
    assert loops.judge(20.0)


def test_a_command_that_repeats_on_purpose_is_none() -> None:
    loops = LoopWatch(PanesSettings(looping_except=("squeue",)), 0.0)
    for number in range(40):
        loops.take_commands([ran("squeue --me")], number * 5.0)
    assert not loops.judge(200.0)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("10:00:01 failed", "failed"),
        ("2026-11-22T10:00:01.123Z failed", "failed"),
        ("2026-11-22 10:00:01,123 [E] failed at 0x12", "[E] failed at 0x12"),
        ("[22/Nov/2026:10:00:01 +0000] failed", "+0000] failed"),
        ("11/22/26 10:00 step 12 of 40", "10:00 step 12 of 40"),
        ("std::vector<int> at a.cc:12:7", "std::vector<int> at a.cc:12:7"),
        ("127.0.0.1:5000 refused", "127.0.0.1:5000 refused"),
        ("--flag --n=3 a/b/c", "--flag --n=3 a/b/c"),
        ("", ""),
    ],
)
def test_times_are_left_out(text: str, left: str) -> None:
    assert leave_out_times(text) == left


@given(
    st.lists(st.tuples(st.text(max_size=20), st.floats(-1e6, 1e9), st.booleans()), max_size=50),
    st.floats(0.001, 1e6),
)
def test_no_text_and_no_clock_makes_it_fail(
    steps: list[tuple[str, float, bool]], window: float
) -> None:
    loops = LoopWatch(SETTINGS.model_copy(update={"looping_window": window}), 0.0)
    now = 0.0
    for text, seconds, ends in steps:
        now += seconds
        loops.take([Line(text)] * 3, now)
        loops.take_commands([ran("x" + text)] if ends else (), now)
        assert loops.judge(now) in {True, False}
