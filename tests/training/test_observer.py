"""What becomes of the lines and bars of panes: runs as metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from panewatch.config import Config
from panewatch.exposition import render
from panewatch.panes.model import (
    EndedCommand,
    Frame,
    Identity,
    Line,
    PaneKey,
    PaneUpdate,
    Screen,
)
from panewatch.training.contract import RUNS
from panewatch.training.observer import TrainingObserver

KEY = PaneKey(1, 1, "%1")
RUN = "default/work:0.1"


class Looks:
    """An observer, and the clock by which it looks."""

    def __init__(self, config: Config | None = None) -> None:
        self.now = 1000.0
        self.observer = TrainingObserver(
            config or Config(), lambda: self.now + 1e9, lambda: self.now
        )

    def look(
        self,
        *lines: str,
        screen: Sequence[str] = ("",),
        wait: float = 1.0,
        state: str = "working",
        alternate: bool = False,
        restarted: bool = False,
        command: str = "python",
        told: Screen = Screen(),  # noqa: B008  # a tuple: it never changes
        ended: Sequence[float] = (),
        continued: Sequence[str] = (),
    ) -> None:
        """Look after ``wait`` seconds; ``ended`` are the ages of commands that have ended."""
        self.now += wait
        self.observer.observe(
            PaneUpdate(
                key=KEY,
                identity=Identity("default", "work", "0", "1"),
                frame=Frame(screen, len(screen) - 1, alternate),
                lines=[Line(line, continued=line in continued) for line in lines],
                gap=False,
                command=command,
                state=state,
                monotonic=self.now,
                screen=told,
                ended=[
                    EndedCommand("python", "", self.now + 1e9 - age - 60, 60, None, exact=True)
                    for age in ended
                ],
                restarted=restarted,
            )
        )

    def values(self) -> dict[str, float]:
        """The series of the run, by name and what differs."""
        found: dict[str, float] = {}
        for family in self.observer.collect():
            for sample in family.samples:
                assert sample.labels["run"] == RUN
                name = sample.name.removeprefix("panewatch_training_")
                more = sample.labels.get("split") or sample.labels.get("metric")
                found[f"{name} {more}" if more else name] = sample.value
        return found


def test_a_run_follows_its_pane_before_that_is_looked_at() -> None:
    looks = Looks()
    looks.look("epoch 1/4 step 10/100 loss=0.5 lr=0.01")
    moved = Identity("default", "renamed", "3", "1")
    looks.observer.move({KEY: moved, KEY._replace(pane_id="%9"): moved})
    runs = {s.labels["run"] for family in looks.observer.collect() for s in family.samples}
    assert runs == {"default/renamed:3.1"}


def test_lines_become_a_run() -> None:
    looks = Looks()
    for step in range(6):
        looks.look(f"epoch 1/4 step {10 * step}/100 loss={1 / (step + 1):.3f} lr=0.01")
    values = looks.values()
    assert values["epoch"] == 1
    assert (values["step"], values["steps"]) == (50, 100)
    assert math.isclose(values["steps_per_second"], 10)
    assert math.isclose(values["loss train"], 0.167)
    assert values["metric learning_rate"] == 0.01
    assert math.isclose(values["progress_ratio"], 0.125)
    assert math.isclose(values["eta_seconds"], 35)
    assert values["last_progress_timestamp_seconds"] == looks.now + 1e9


def test_a_bar_is_followed_while_it_is_redrawn() -> None:
    looks = Looks()
    looks.look("Epoch 1/2")
    for step in range(5):
        bar = f"train:  {step}%|▏    | {step}/100 [00:0{step}<01:40,  1.00s/it]"
        looks.look(screen=["earlier text", bar])
    assert looks.values()["step"] == 4
    assert math.isclose(looks.values()["steps_per_second"], 1)


BAR = "train:  {0}%|     | {0}/100 [00:0{0}<01:40,  1.00s/it, loss=nan]"
OUTER = "epochs:  30%|███       | 3/10 [10:00<20:00, 200s/epoch]"


@pytest.mark.parametrize("state", ["working", "idle", "finished", "unknown"])
@pytest.mark.parametrize("command", ["bash", "ssh"])
def test_a_bar_that_stood_there_begins_no_run(state: str, command: str) -> None:
    looks = Looks()
    old = ["train.py", OUTER, BAR.format(7), "$ "]
    for _ in range(3):
        looks.look(screen=old, state=state, command=command)
    looks.look(screen=[*old, "$ make"])  # it scrolls, and something else runs
    looks.look(screen=[*old[1:], "gcc", "gcc"])
    assert not looks.values()


def test_what_stood_on_the_primary_screen_begins_no_run_either() -> None:
    looks = Looks()
    looks.look(screen=["vi"], alternate=True)
    looks.look(screen=["", BAR.format(7), "$ "])
    assert not looks.values()


def test_a_bar_that_moves_while_nobody_knows_the_state_waits_for_that() -> None:
    looks = Looks()
    for step in range(4):
        looks.look(screen=["", BAR.format(step)], state="unknown")
    assert not looks.values()
    looks.look(screen=["", BAR.format(4)])
    assert looks.values()["step"] == 4


def test_a_training_at_work_is_a_run_once_its_bar_moves() -> None:
    looks = Looks()
    looks.look(screen=["$ train", OUTER, BAR.format(7)])
    assert not looks.values()
    looks.look(screen=["$ train", OUTER, BAR.format(8)])
    values = looks.values()
    assert (values["epoch"], values["epochs"]) == (3, 10)  # of the bar that stands beside it
    assert values["nonfinite_total"] == 1
    looks.look(screen=["$ train", OUTER, BAR.format(9)])
    values = looks.values()
    assert (values["step"], values["steps"], values["epoch"]) == (9, 100, 3)


def test_a_bar_that_may_be_anything_begins_no_run() -> None:
    looks = Looks()
    looks.look()
    looks.look(screen=[" 12%|█▏        | 12/100 [00:12<01:28,  1.00s/it]"])
    assert not looks.values()
    looks.look("{'loss': '2.08', 'epoch': '0.12'}")
    looks.look(screen=[" 13%|█▎        | 13/100 [00:13<01:27,  1.00s/it]"])
    assert looks.values()["step"] == 13


def test_a_run_that_stands_loses_its_rate_and_keeps_its_place() -> None:
    looks = Looks()
    for step in range(5):
        looks.look(f"step {step}/100 loss 0.5{step} 10 samples/s")
    before = looks.values()
    looks.look(wait=601)
    values = looks.values()
    assert (before["stalled"], values["stalled"]) == (0, 1)
    assert values["step"] == 4
    gone = {"steps_per_second", "samples_per_second", "eta_seconds"}
    assert gone <= before.keys()
    assert not gone & values.keys()
    assert values["last_progress_timestamp_seconds"] == before["last_progress_timestamp_seconds"]


def test_a_run_that_ended_stays_a_moment_and_goes() -> None:
    looks = Looks()
    looks.look("step 1/2 loss 0.5", "step 1/2 lr 0.1")
    looks.look("step 2/2 loss 0.4", state="finished", command="bash")
    values = looks.values()
    assert (values["step"], values["loss train"]) == (2, 0.4)  # printed before it ended
    assert "last_progress_timestamp_seconds" not in values
    assert "eta_seconds" not in values
    looks.look(state="idle", command="bash", wait=298)
    assert looks.values() == values
    looks.look(state="idle", command="bash", wait=3)
    assert not looks.values()


def test_what_a_shell_shows_at_its_prompt_is_no_run() -> None:
    looks = Looks()
    looks.look("step 1/2 loss 0.5", state="idle", command="bash")
    looks.look(state="idle", command="bash", wait=1.5)
    looks.look(state="idle", command="bash", wait=1.5)
    looks.look("step 1/2 loss 0.5", alternate=True)
    assert not looks.values()
    looks.look("step 1/2 loss 0.5", state="idle", command="bash", ended=[0.5])  # `cat train.log`
    looks.look()
    assert not looks.values()


def test_what_came_before_the_shell_was_seen_to_run_it_is_told() -> None:
    looks = Looks()
    looks.look("epoch 9 step 90 loss: nan", state="idle", command="bash")
    assert not looks.values()
    looks.look(state="idle", told=Screen("idle"), wait=0.5)
    looks.look(wait=0.5)
    assert looks.values()["nonfinite_total"] == 1


def test_a_training_after_another_in_a_shell_is_another_run() -> None:
    looks = Looks()
    looks.look("epoch 9 step 90 loss: nan")
    looks.look(state="finished", command="bash")
    assert looks.values()["nonfinite_total"] == 1
    looks.look("loading data")
    assert looks.values()["epoch"] == 9
    looks.look("epoch 1 step 1 loss: 0.1")
    values = looks.values()
    assert (values["nonfinite_total"], values["restarts_total"], values["epoch"]) == (0, 0, 1)


def test_what_ends_and_begins_between_two_looks_is_told_apart() -> None:
    looks = Looks()
    looks.look("epoch 8 step 80 loss: nan")
    looks.look("epoch 9 step 90 loss: nan", "epoch 1 step 1, loss: 0.1", ended=[0.5])
    values = looks.values()
    assert (values["nonfinite_total"], values["restarts_total"], values["epoch"]) == (0, 0, 1)
    looks.look("epoch 2 step 2 loss: nan", ended=[5])  # told late: it ended before this one began
    assert looks.values()["nonfinite_total"] == 1
    looks.look("epoch 3 step 3 loss: nan", ended=[0.5])
    values = looks.values()
    assert (values["nonfinite_total"], values["epoch"]) == (2, 3)
    assert "last_progress_timestamp_seconds" not in values
    looks.look("epoch 4 step 4 loss: 0.1")
    assert looks.values()["nonfinite_total"] == 0


@pytest.mark.parametrize("command", ["python3", "ssh", "docker"])
def test_what_rests_in_silence_may_be_training(command: str) -> None:
    looks = Looks()
    for epoch in range(3):
        looks.look(f"epoch {epoch + 1}/9 step {epoch} loss: nan", command=command)
        looks.look(state="idle", command=command, wait=20)
    values = looks.values()
    assert (values["nonfinite_total"], values["epoch"]) == (3, 3)
    assert "last_progress_timestamp_seconds" in values
    looks.look(state="idle", command=command, told=Screen("idle"))
    assert "last_progress_timestamp_seconds" not in looks.values()
    looks.look("epoch 4/9 step 3 loss: nan", command=command)
    assert looks.values()["nonfinite_total"] == 1


def test_what_shows_what_another_prints_ends_in_silence_and_goes_on() -> None:
    looks = Looks()
    looks.look("epoch 1/9 step 1 loss: nan", command="tail")
    looks.look(state="idle", command="tail", wait=20)
    assert "last_progress_timestamp_seconds" not in looks.values()
    looks.look("epoch 2/9 step 2 loss: nan", command="tail")
    values = looks.values()
    assert values["nonfinite_total"] == 2
    assert "last_progress_timestamp_seconds" in values


def test_a_loss_in_a_line_that_goes_on_is_counted_once() -> None:
    looks = Looks()
    looks.look("step 3 loss nan")
    rest = "step 3 loss nan val_loss inf"
    looks.look(rest, continued=[rest])
    assert looks.values()["nonfinite_total"] == 2
    whole = f"{rest} lr 0.1"
    looks.look(whole, continued=[whole])
    assert looks.values()["nonfinite_total"] == 2
    looks.look(whole)  # the same again on purpose
    assert looks.values()["nonfinite_total"] == 4


def test_a_loss_on_the_screen_is_counted_once_when_its_line_ends() -> None:
    looks = Looks()
    line = "{'loss': 'nan', 'epoch': '0.12'}"
    looks.look()
    looks.look(screen=["", line])
    assert looks.values()["nonfinite_total"] == 1
    looks.look(line, screen=["", line, ""])
    assert looks.values()["nonfinite_total"] == 1


def test_a_bar_that_is_drawn_again_counts_its_loss_once_a_step() -> None:
    looks = Looks()
    bar = "train:  {0}%|     | {0}/100 [00:0{1}<01:40,  1.00s/it, loss=nan]"
    for step, second in ((3, 3), (3, 4), (4, 5), (4, 6)):
        looks.look(screen=["", bar.format(step, second)])
    assert looks.values()["nonfinite_total"] == 2


def test_losses_that_are_no_numbers_are_counted() -> None:
    looks = Looks()
    looks.look("step 1 loss 0.5", "step 2 loss nan", "step 3 loss inf")
    assert looks.values()["nonfinite_total"] == 2
    assert looks.values()["loss train"] == 0.5


def test_a_pane_that_is_gone_takes_its_run_along() -> None:
    looks = Looks()
    looks.look("step 1 loss 0.5")
    looks.observer.forget(KEY)
    assert not looks.values()


def test_it_can_be_switched_off() -> None:
    config = Config.model_validate({"training": {"enabled": False}})
    looks = Looks(config)
    looks.look("step 1 loss 0.5")
    assert not list(looks.observer.collect())
    looks.observer.reconfigure(Config())
    looks.look("step 2 loss 0.5")
    assert looks.values()["step"] == 2


def test_its_series_are_well_formed() -> None:
    looks = Looks()
    for step in range(5):
        looks.look(f"epoch 1/4 step {step}/100 loss=0.3 val_loss=0.4 lr=0.01 12 samples/s 30 tok/s")
    families = list(looks.observer.collect())
    text = "".join(part for family in families for part in render(family).text)
    parsed = {sample.name for family in parse(text) for sample in family.samples}
    assert parsed == {sample.name for family in families for sample in family.samples}
    assert len(parsed) == len(RUNS)


def test_another_command_in_a_pane_begins_another_run() -> None:
    looks = Looks()
    looks.look("epoch 9 step 90 loss: nan")
    looks.look("epoch 1 step 1 loss: 0.1", restarted=True)
    run = looks.observer._panes[KEY].run
    assert run is not None
    assert (run.restarts, run.nonfinite, run.epoch) == (0, 0, 1)


def test_a_run_is_forgotten_on_the_alternate_screen_too() -> None:
    looks = Looks(Config.model_validate({"training": {"forget_after": "1h"}}))
    looks.look("epoch 9 step 90 loss: 0.5")
    looks.look(wait=3599, alternate=True)
    assert looks.observer._panes[KEY].run is not None
    looks.look(wait=2, alternate=True)
    assert looks.observer._panes[KEY].run is None
