"""A run follows what its lines tell, and lets go of what is no longer true."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from panewatch.training.run import Run
from panewatch.training.values import Progress


def feed(run: Run, *told: tuple[float, Mapping[str, float]], form: str = "pairs") -> None:
    for now, values in told:
        run.take(Progress(dict(values), format=form), now)


def test_the_rate_comes_from_how_the_step_grows() -> None:
    run = Run(0)
    feed(
        run, *((t, {"step": 100 + 4 * t, "steps": 1000, "steps_per_second": 99}) for t in range(11))
    )
    assert run.steps_per_second(10) == pytest.approx(4)
    assert run.eta(10) == pytest.approx((1000 - 140) / 4)
    assert run.progress == pytest.approx(0.14)


def test_a_printed_rate_holds_until_there_is_another() -> None:
    run = Run(0)
    feed(run, (0, {"step": 1, "steps_per_second": 7.0}))
    assert run.steps_per_second(0) == 7


def test_of_many_steps_in_one_look_the_last_is_of_its_time() -> None:
    run = Run(0)
    for now in range(6):
        feed(run, *((now, {"step": 10 * now + part}) for part in range(1, 11)))
    assert run.steps_per_second(5) == pytest.approx(10)


def test_rates_go_when_the_run_stands() -> None:
    run = Run(0)
    feed(run, *((t, {"step": t, "steps": 100, "loss": 1 / (t + 1)}) for t in range(10)))
    assert run.steps_per_second(20) is not None
    assert run.steps_per_second(50) is None
    assert run.eta(50) is None
    assert run.losses["train"] == pytest.approx(0.1)


def test_the_same_step_again_is_no_progress() -> None:
    run = Run(0)
    feed(run, (1, {"step": 5, "loss": 0.5}), (100, {"step": 5, "loss": 0.5}))
    assert run.moved == 1
    assert run.restarts == 0


def test_a_slow_run_does_not_stand_between_its_steps() -> None:
    run = Run(0)
    feed(run, *((120.0 * t, {"step": t}) for t in range(1, 8)))
    assert not run.stands(840 + 300)
    assert run.stands(840 + 1000)


def test_a_new_epoch_is_no_restart() -> None:
    run = Run(0)
    feed(
        run, (0, {"epoch": 1, "step": 90, "steps": 100}), (1, {"epoch": 2, "step": 3, "steps": 100})
    )
    assert run.restarts == 0
    assert run.progress == pytest.approx(0.03)


def test_going_back_is_a_restart() -> None:
    run = Run(0)
    feed(
        run,
        (0, {"epoch": 5, "step": 90}),
        (1, {"epoch": 2, "step": 90}),
        (2, {"epoch": 2, "step": 4}),
        (9, {"epoch": 2, "step": 6}),
    )
    assert (run.restarts, run.step) == (2, 6)


def test_several_ranks_in_one_pane_are_one_run() -> None:
    run = Run(0)
    for now in range(40):
        for rank in range(4):
            feed(run, (now, {"step": 10 * now + 7 - 2 * rank}))
    assert run.restarts == 0
    assert run.steps_per_second(39) == pytest.approx(10)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [([0, 1], 0.15), ([1, 2], 0.15)],
    ids=["from 0", "from 1"],
)
def test_progress_counts_epochs_from_where_they_begin(epochs: list[int], expected: float) -> None:
    run = Run(0)
    for now, epoch in enumerate(epochs):
        feed(run, (now, {"epoch": epoch, "epochs": 10, "step": 50, "steps": 100}))
    assert run.progress == pytest.approx(expected)


def test_progress_never_passes_one() -> None:
    run = Run(0)
    feed(run, (0, {"step": 101, "steps": 100}))
    assert run.progress == 1
    feed(run, (1, {"step": 0, "steps": 0}))
    assert run.progress is None


def test_losses_that_are_no_numbers_are_counted_and_not_shown() -> None:
    run = Run(0)
    feed(run, (0, {"step": 1, "loss": 0.5}), (1, {"step": 2, "loss": math.nan}),
         (2, {"step": 3, "loss": math.inf}))  # fmt: skip
    assert run.nonfinite == 2
    assert run.losses == {"train": 0.5}


def test_metrics_are_the_last_that_were_finite() -> None:
    run = Run(0)
    feed(run, (0, {"step": 1, "accuracy": 0.5, "val_f1": 0.25}), (5, {"step": 1, "accuracy": 0.5}))
    assert (run.metrics, run.moved) == ({"accuracy": 0.5, "val_f1": 0.25}, 0)
    feed(run, (6, {"step": 1, "accuracy": 0.75}), (7, {"step": 1, "accuracy": math.nan}))
    assert (run.metrics["accuracy"], run.moved, run.nonfinite) == (0.75, 6, 0)


def test_a_validation_tells_metrics_and_no_step() -> None:
    run = Run(0)
    feed(run, (0, {"step": 50, "steps": 100}))
    run.take(Progress({"step": 3, "steps": 20, "val_accuracy": 0.5}, "val", format="bar"), 1)
    assert (run.step, run.metrics) == (50, {"val_accuracy": 0.5})


def test_a_bar_and_a_log_line_do_not_take_turns() -> None:
    run = Run(0)
    for now in range(5):
        feed(run, (now, {"step": now, "steps": 10}), form="bar")
        feed(run, (now, {"step": 1000 + now, "loss": 1.0 / (now + 1)}))
    assert (run.step, run.restarts) == (4, 0)
    assert run.losses["train"] == pytest.approx(0.2)
    feed(run, (100, {"step": 1100}))  # the bar is gone
    assert run.step == 1100


def test_a_validation_bar_is_no_step() -> None:
    run = Run(0)
    feed(run, (0, {"step": 50, "steps": 100}))
    run.take(Progress({"step": 3, "steps": 20, "steps_per_second": 455}, "val", format="bar"), 1)
    assert (run.step, run.steps) == (50, 100)
    assert run.steps_per_second(1) is None
