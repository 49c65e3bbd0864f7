"""Trainings in real panes: where one ends and the next begins, and that each is told of once."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from panes.conftest import tmux  # noqa: F401  # a fixture
from panes.private_tmux import PrivateTmux
from panewatch.config import Config
from panewatch.panes.collector import PanesCollector
from panewatch.panes.noticeboard import Noticeboard
from panewatch.panes.screens.in_use import ScreensInUse
from panewatch.training.collector import FAMILIES, TrainingCollector
from panewatch.training.observer import TrainingObserver
from polling import wait_until

EXPORTER = Path(__file__).parents[2] / "exporter"

PRINTS = """
import pathlib, sys, time
def wait(name):
    while not pathlib.Path(name).exists():
        time.sleep(0.01)
for word in sys.argv[1:]:
    if word.startswith("/"):
        wait(word)
    else:
        print(word[::-1], flush=True)
"""

TELLS = """
import pathlib, sys, time
from panewatch.training.callback import TrainingMonitor
folder, run, seen, until = sys.argv[1:]
while not pathlib.Path(seen).exists():
    time.sleep(0.01)
with TrainingMonitor(run=run, directory=folder, interval=0.05) as monitor:
    for number, batch in enumerate(monitor.watch([[1, 2]] * 1000, epoch=1)):
        loss = 0.5 if number else "nan"
        print(f"epoch 1 step {number + 1}/1000 loss: {loss} lr: 0.25", flush=True)
        time.sleep(0.02)
        if pathlib.Path(until).exists():
            break
"""


class Watched:
    """The runs that the collectors of an exporter tell of."""

    def __init__(self, panes: PanesCollector, training: TrainingCollector, config: Config) -> None:
        self._panes, self._training, self._config = panes, training, config

    def look(self) -> dict[str, dict[str, float]]:
        """Return the series of each run by name, with what differs."""
        list(self._panes.collect())
        self._training.reconfigure(self._config)  # to look at the files at once
        runs: dict[str, dict[str, float]] = {}
        for family in self._training.collect():
            for sample in family.samples:
                labels = dict(sample.labels)
                if "run" not in labels:
                    continue
                series = runs.setdefault(labels.pop("run"), {})
                name = sample.name.removeprefix("panewatch_training_")
                series[" ".join([name, *(value for value in labels.values() if value)])] = (
                    sample.value
                )
        return runs

    def states(self) -> set[str]:
        """Return the states of the panes, of a look at all that there is."""
        self.look()
        return {
            sample.labels["state"]
            for family in self._panes.collect()
            for sample in family.samples
            if sample.name == "panewatch_pane_state" and sample.value
        }

    def find(self, name: str, value: float | None, *, run: str = "") -> dict[str, float]:
        """Wait until the only run has a series with this value, None for no such series."""

        def look() -> dict[str, float]:
            runs = self.look()
            if len(runs) != 1 or not next(iter(runs)).endswith(run):
                return {}
            (series,) = runs.values()
            return series if series.get(name) == value else {}

        return wait_until(look, 20, what=f"{name} = {value}")


@contextmanager
def watching(server: PrivateTmux, *, state: str = "idle", **sections: object) -> Iterator[Watched]:
    """Run the collectors of panes and trainings, with quick intervals."""
    quick = {"list_interval": 0.05, "min_interval": 0.02, "busy_interval": 0.05,
             "max_interval": 0.1, "working_for": 3.2}  # fmt: skip
    config = Config.model_validate(
        {
            "panes": quick,
            "tmux": {"sockets": [server.socket]},
            "training": {"textfile_directory": str(server.folder / "files")},
            **sections,
        }
    )
    board, screens = Noticeboard(), ScreensInUse()
    screens.prepare(config)
    panes = PanesCollector(
        config,
        observe=lambda config: (TrainingObserver(config),),
        find_screens=screens.find,
        board=board,
        elsewhere=FAMILIES,
    )
    training = TrainingCollector(config, board)
    panes.start()
    try:
        watched = Watched(panes, training, config)
        wait_until(lambda: watched.states() == {state}, what=f"a pane that is {state}")
        yield watched
    finally:
        panes.stop()


class Shell:
    """A shell in a pane, and the programs that are typed there."""

    def __init__(self, server: PrivateTmux) -> None:
        self.server = server
        self.pane = server.start("exec bash --norc --noprofile", width=160)
        (server.folder / "prints.py").write_text(PRINTS)
        (server.folder / "tells.py").write_text(TELLS)

    def type(self, line: str) -> None:
        self.server.run("send-keys", "-t", self.pane, "-l", line)
        self.server.run("send-keys", "-t", self.pane, "Enter")

    def name(self, mark: str) -> str:
        """The file that a program waits for."""
        return str(self.server.folder / mark)

    def let(self, mark: str) -> None:
        """Let a program go on that waits for this mark."""
        Path(self.name(mark)).touch()

    def prints(self, *words: str) -> str:
        # Backwards, that the command line itself is no progress.
        told = [word if word.startswith("/") else word[::-1] for word in words]
        return shlex.join([sys.executable, str(self.server.folder / "prints.py"), *told])

    def start(self, watched: Watched, mark: str, command: str) -> None:
        """Have the shell run what waits for ``mark``, and let it go on once it is seen to run."""
        wait_until(lambda: watched.states() == {"idle"}, 20, what="the prompt")
        self.type(command)
        wait_until(lambda: watched.states() == {"working"}, 20, what="a program that runs")
        self.let(mark)

    def tells(self, run: str, *marks: str) -> str:
        words = [sys.executable, str(self.server.folder / "tells.py"),
                 str(self.server.folder / "files"), run, *map(self.name, marks)]  # fmt: skip
        return f"PYTHONPATH={EXPORTER} {shlex.join(words)}"


@pytest.fixture
def shell(tmux: PrivateTmux) -> Shell:  # noqa: F811  # the fixture
    return Shell(tmux)


FIRST = "epoch 9 step 90 loss: nan"
SECOND = "epoch 1 step 1 loss: 0.5"


def test_a_training_after_another_is_another_run(shell: Shell) -> None:
    with watching(shell.server) as watched:
        shell.start(watched, "1", shell.prints(shell.name("1"), FIRST, shell.name("a")))
        series = watched.find("nonfinite_total", 1)
        assert "last_progress_timestamp_seconds" in series
        shell.let("a")
        series = watched.find("last_progress_timestamp_seconds", None)
        assert (series["epoch"], series["nonfinite_total"]) == (9, 1)
        shell.start(watched, "2", shell.prints(shell.name("2"), SECOND, shell.name("b")))
        series = watched.find("epoch", 1)
        assert (series["nonfinite_total"], series["restarts_total"]) == (0, 0)


def test_a_training_that_follows_at_once_is_another_run(shell: Shell) -> None:
    with watching(shell.server) as watched:
        first = shell.prints(shell.name("1"), FIRST, shell.name("a"))
        second = shell.prints(SECOND, shell.name("b"), "epoch 1 step 2 loss: 0.4")
        shell.start(watched, "1", f"{first}; {second}")
        watched.find("nonfinite_total", 1)
        shell.let("a")
        series = watched.find("epoch", 1)
        shell.let("b")
        series = watched.find("step", 2)
        assert (series["nonfinite_total"], series["restarts_total"]) == (0, 0)


def test_a_training_in_an_interpreter_lasts_until_its_prompt(shell: Shell) -> None:
    with watching(shell.server) as watched:
        shell.type(sys.executable)
        shell.type("import pathlib, time")
        done = f"pathlib.Path({shell.name('a')!r}).exists()"
        rest = f"[time.sleep(0.01) for _ in iter(lambda: {done}, True)]"
        shell.type(f"print('epoch 9 step 90 loss: nan'); {rest}")
        watched.find("nonfinite_total", 1)
        wait_until(lambda: watched.states() == {"idle"}, what="an interpreter that rests")
        series = watched.find("nonfinite_total", 1)
        assert "last_progress_timestamp_seconds" in series
        shell.let("a")
        watched.find("last_progress_timestamp_seconds", None)
        shell.type("print('epoch 1 step 1 loss:', 0.5)")
        assert watched.find("epoch", 1)["nonfinite_total"] == 0


def two(runs: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return runs if len(runs) == 2 else {}


def test_a_training_with_a_callback_is_told_of_once(shell: Shell) -> None:
    with watching(shell.server) as watched:
        shell.start(watched, "1", shell.tells("resnet", "1", "a"))
        series = watched.find("loss train", 0.5, run="resnet")  # only the pane tells it
        place = " callback tmux.sock main 0 0"
        assert series["info" + place] == 1
        assert [name for name in series if name.startswith("info")] == ["info" + place]
        assert series["metric learning_rate"] == 0.25
        assert series["nonfinite_total"] == 1  # the callback was told of no loss
        assert "steps" not in series  # those of the pane are not the callback's
        wait_until(lambda: watched.look()["resnet"]["batch_seconds_count"], 20, what="batches")
        shell.let("a")
        series = watched.find("last_progress_timestamp_seconds", None, run="resnet")
        assert series["info" + place] == 1
        shell.start(watched, "2", shell.prints(shell.name("2"), SECOND, shell.name("b")))
        runs = wait_until(lambda: two(watched.look()), 20, what="another run")
        (other,) = runs.keys() - {"resnet"}
        assert runs[other]["epoch"] == 1
        assert "last_progress_timestamp_seconds" in runs[other]


BARS = """
import pathlib, sys, time
until = pathlib.Path(sys.argv[1])
step = 0
while not until.exists():
    if step < 7 or pathlib.Path(sys.argv[2]).exists():
        step = min(99, step + 1)
        print(f"\\rtrain: {step:3d}%|###   | {step}/100 [00:07<01:30,  1.00s/it, loss=0.5]", end="")
        sys.stdout.flush()
    time.sleep(0.02)
print()
"""


def test_what_stood_in_a_pane_is_no_run_and_what_is_at_work_is_one(shell: Shell) -> None:
    program = shell.server.folder / "bars.py"
    program.write_text(BARS)
    command = shlex.join([sys.executable, str(program), shell.name("a"), shell.name("b")])

    def show() -> str:
        return shell.server.run("capture-pane", "-p", "-t", shell.pane)

    shell.type(command)
    wait_until(lambda: "7/100" in show(), what="a bar")
    shell.let("a")
    shell.type("PS1='done> '")
    wait_until(lambda: "\ndone>" in show(), what="its end")
    # tmux tells when it started in whole seconds: all that a server holds that may be younger than
    # panewatch counts as printed under its eyes.
    started = int(shell.server.ask("#{start_time}", shell.pane))
    wait_until(lambda: time.time() >= started + 1, what="another second")
    with watching(shell.server) as watched:
        assert watched.look() == {}
        shell.type("sleep 600")  # now something runs below it
        wait_until(lambda: watched.states() == {"working"}, 20, what="another program")
        assert watched.look() == {}
        shell.server.run("send-keys", "-t", shell.pane, "C-c")
        wait_until(lambda: watched.states() != {"working"}, 20, what="the prompt")
    Path(shell.name("a")).unlink()
    shell.type(command)
    wait_until(lambda: show().count("7/100") == 2, what="the bar of another")
    with watching(shell.server, state="working") as watched:
        assert watched.look() == {}
        shell.let("b")
        watched.find("step", 99)
