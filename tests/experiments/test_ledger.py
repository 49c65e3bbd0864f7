"""What a ledger knows over many readings, and in how much memory."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panewatch.experiments import columns as columns_module
from panewatch.experiments import ledger as module
from panewatch.experiments.columns import Columns
from panewatch.experiments.ledger import Ledger, Reading
from panewatch.experiments.model import STATUSES, Experiment
from panewatch.experiments.source import SourceError

ROOT = Path(__file__).resolve().parents[2]


def make(
    key: str, time: float = 1.0, status: str = "completed", bitrate: float = 3.0
) -> Experiment:
    return Experiment(key, status, time, bitrate)


def fill(*experiments: Experiment) -> Ledger:
    ledger = Ledger()
    read(ledger, *experiments)
    return ledger


def read(ledger: Ledger, *experiments: Experiment, everything: bool = True) -> None:
    reading = ledger.begin(everything=everything)
    for experiment in experiments:
        reading.add(experiment)
    ledger.finish(reading)


def names(ledger: Ledger) -> str:
    return "".join(experiment.id for experiment in ledger.whole(0.0).experiments)


@pytest.mark.parametrize(
    "experiment",
    [
        Experiment("a", "completed", 1.5, 2.5, 38.25, 0.5, 3, "00000000000000ff", 65535),
        Experiment("ü☃", "other", 1.0),
        Experiment("", "timeout", 0.0, None, -1.0, 0.0, 0, "", 0),
    ],
)
def test_an_experiment_comes_back_as_it_was(experiment: Experiment) -> None:
    assert list(fill(experiment).whole(0.0).experiments) == [experiment]


def test_the_order_is_that_of_the_times() -> None:
    ledger = fill(make("c", 3), make("a", 1), make("b", 2))
    assert names(ledger) == "abc"
    read(ledger, make("x", 1.5), make("y", 9), everything=False)
    assert names(ledger) == "axbcy"
    read(ledger, make("a", 8), everything=False)
    assert names(ledger) == "xbcay"


def test_a_reading_changes_nothing_until_it_is_finished() -> None:
    ledger = fill(make("a"), make("b"))
    whole = ledger.whole(7.0)
    reading = ledger.begin(everything=True)
    reading.add(make("c"))
    reading.skipped["size"] += 1
    assert names(ledger) == "ab"
    ledger.finish(reading)
    assert names(ledger) == "c"
    assert ledger.whole(0.0).skipped == {"size": 1}
    assert (whole.time, whole.skipped) == (7.0, {})


def test_a_whole_that_is_out_of_date_says_so() -> None:
    ledger = fill(make("a"), make("b"))
    whole, walk = ledger.whole(0.0), iter(ledger.whole(0.0).experiments)
    next(walk)
    read(ledger, make("a"), make("b"))
    assert len(list(whole.experiments)) == len(list(whole.experiments)) == 2
    read(ledger, make("a"))
    with pytest.raises(RuntimeError):
        list(whole.experiments)
    with pytest.raises(RuntimeError):
        next(walk)


def test_the_version_is_another_only_where_something_changed() -> None:
    ledger = fill(make("a"))
    versions = [ledger.whole(0.0).version]
    for experiments in (
        (make("a"),),
        (make("a", bitrate=4),),
        (make("a", bitrate=4), make("b")),
        (),
    ):
        read(ledger, *experiments)
        versions.append(ledger.whole(0.0).version)
    assert versions == [1, 1, 2, 3, 4]
    reading = ledger.begin(everything=False)
    reading.skipped["json"] += 1
    ledger.finish(reading)
    assert ledger.whole(0.0).version == 5


def test_of_some_items_the_skipped_are_counted_on() -> None:
    ledger = Ledger()
    for everything, change in ((True, 2), (False, 3), (False, -4)):
        reading = ledger.begin(everything=everything)
        reading.skipped["json"] += change
        ledger.finish(reading)
    assert ledger.whole(0.0).skipped == {"json": 1}


def test_a_reading_knows_what_it_came_across() -> None:
    ledger = fill(make("a"), make("b"), make("c"))
    reading = ledger.begin(everything=True)
    reading.add(make("a"))
    reading.add(make("b", bitrate=9))
    reading.add(make("d"))
    found = [reading.find(key) for key in "abcd"]
    assert found == [make("a"), make("b", bitrate=9), None, make("d")]


def test_what_was_learned_meanwhile_counts() -> None:
    ledger = fill(make("a", status="running"), make("b"), make("x"))
    slow = ledger.begin(everything=True)
    slow.add(make("a", status="running"))
    slow.add(make("x", bitrate=8))
    quick = ledger.begin(everything=False)
    for experiment in (make("a", bitrate=5), make("n")):
        quick.add(experiment)
    quick.remove("x")
    ledger.finish(quick)
    for key in "anx":
        slow.overtake(key)
    slow.add(make("b"))
    ledger.finish(slow)
    assert {one.id: one for one in ledger.whole(0.0).experiments} == {
        "a": make("a", bitrate=5), "b": make("b"), "n": make("n")}  # fmt: skip


EXPERIMENTS = st.builds(
    Experiment,
    st.sampled_from([f"e{number}" for number in range(12)]),
    st.sampled_from(STATUSES),
    st.integers(0, 5).map(float),
    st.none() | st.integers(1, 3).map(float),
)
READINGS = st.lists(
    st.tuples(st.booleans(), st.lists(EXPERIMENTS, max_size=15),
              st.lists(st.sampled_from(["e1", "e2", "e3"]), max_size=2)),
    max_size=6,
)  # fmt: skip


@settings(max_examples=80)
@given(READINGS, st.sampled_from([0, 2, 1000]), st.sampled_from([1, 3, 1000]))
def test_a_ledger_is_a_dictionary(
    readings: list[tuple[bool, list[Experiment], list[str]]], singly: int, together: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PLACED_SINGLY", singly)
        patch.setattr(module, "_SORTED_AT_ONCE", together)
        ledger, truth = Ledger(), dict[str, Experiment]()
        for everything, experiments, removed in readings:
            reading = ledger.begin(everything=everything)
            if everything:
                truth = {}
            fill_both(reading, truth, experiments, [] if everything else removed)
            ledger.finish(reading)
            found = list(ledger.whole(0.0).experiments)
            assert {one.id: one for one in found} == truth
            assert len(found) == len(truth)
            assert [one.time for one in found] == sorted(one.time for one in found)


def fill_both(
    reading: Reading,
    truth: dict[str, Experiment],
    experiments: list[Experiment],
    removed: list[str],
) -> None:
    for key in removed:
        reading.remove(key)
        truth.pop(key, None)
    for experiment in experiments:
        reading.add(experiment)
        truth[experiment.id] = experiment


def test_rows_that_were_removed_give_their_memory_back() -> None:
    columns = Columns()
    for number in range(500):
        columns.put(make(f"experiment-{number}"))
    for row in range(0, 500, 2):
        columns.remove(row)
    columns.compact()
    assert (len(columns), columns.gone) == (250, 0)
    assert [columns.get(row).id for row in range(3)] == [f"experiment-{n}" for n in (1, 3, 5)]
    assert [columns.find(f"experiment-{n}") for n in (1, 2, 499)] == [0, -1, 249]


@pytest.mark.parametrize("limit", ["_MOST_ROWS", "_MOST_BYTES"])
@pytest.mark.parametrize("everything", [True, False])
def test_there_is_an_end_to_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, limit: str, *, everything: bool
) -> None:
    monkeypatch.setattr(columns_module, limit, 20)
    ledger = fill(*(make(f"{number:02}") for number in range(5)))
    for number in range(5, 40, 5):
        reading = ledger.begin(everything=everything)
        with contextlib.suppress(SourceError):
            for more in range(50 if everything else 5):
                reading.add(make(f"{number + more:02}"))
            ledger.finish(reading)
    kept = len(list(ledger.whole(0.0).experiments))
    assert kept == (5 if everything else {"_MOST_ROWS": 20, "_MOST_BYTES": 10}[limit])


MEASURE = """
import resource, sys
from panewatch.experiments.ledger import Ledger
from panewatch.experiments.model import Experiment

def measure():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6

ledger, base, found = Ledger(), measure(), []
for _ in range(3):
    reading = ledger.begin(everything=True)
    for number in range(50_000):
        at = 1.7e9 + number * 7919 % 50_000
        reading.add(Experiment(f"{number:036}", "completed", at, 1e6 + number, 38.5, 0.9))
    ledger.finish(reading)
    del reading
    assert sum(1 for _ in ledger.whole(0.0).experiments) == 50_000
    found.append(measure() - base)
print(*found)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
def test_memory_is_little_and_stays_so() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(ROOT / "exporter")},
    )  # fmt: skip
    first, _, last = map(float, done.stdout.split())
    assert first < 12.0, "megabytes of 50,000 experiments"
    assert last < first + 3.0
