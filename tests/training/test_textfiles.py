"""The files of callbacks as the exporter takes them: whoever can write there may write anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, write_to_textfile

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.exposition import render
from panewatch.panes.model import Identity
from panewatch.panes.noticeboard import Noticeboard
from panewatch.panes.published import Published
from panewatch.training import contract as c
from panewatch.training.callback.origin import read_origin
from panewatch.training.collector import TrainingCollector
from panewatch.training.diagnose import diagnose
from panewatch.training.families import build_families
from panewatch.training.plain_files import RefusedError
from panewatch.training.run import Run
from panewatch.training.textfile import MOST_BYTES, parse
from panewatch.training.textfiles import MOST_FILES, Textfiles
from polling import wait_until
from training.trained import make_monitor, work, write_header

STEP = 'panewatch_training_step{run="resnet"} 7\n'
LIVING = read_origin()._asdict()


class Exporter:
    """A collector whose clocks the tests move."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.now, self.wall = 1000.0, os.stat(folder).st_mtime if folder.exists() else 0.0  # noqa: PTH116  # short
        self.board = Noticeboard()
        training = {"textfile_directory": str(folder), "stalled_after": 60, **settings}
        panes = {"panes": {"enabled": False}}
        self.config = Config.model_validate({"training": training, "collectors": panes})
        self.collector = TrainingCollector(
            self.config, self.board, lambda: self.now, lambda: self.wall
        )

    def look(self, after: float = 0.0) -> dict[str, float]:
        """Take a sample so much later; give the values of all series."""
        self.now += after
        self.wall += after
        self.collector.reconfigure(self.config)  # to look at the files at once
        return {
            series: float(value)
            for family in self.collector.collect()
            for series, _, value in (
                line.rpartition(" ")
                for line in "".join(render(family).text).splitlines()
                if line and not line.startswith("#")
            )
        }


def runs(values: dict[str, float]) -> set[str]:
    return {series.partition('run="')[2].partition('"')[0] for series in values if "run=" in series}


def refused(values: dict[str, float]) -> dict[str, float]:
    name = "panewatch_training_textfile_failures_total"
    found = {s.split('"')[1]: value for s, value in values.items() if s.startswith(name)}
    assert found.keys() == set(c.TEXTFILE_FAILURES)
    return {reason: value for reason, value in found.items() if value}


def put(folder: Path, text: str, name: str = "run.prom") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_a_run_is_shown_while_its_process_lives(tmp_path: Path) -> None:
    put(tmp_path, write_header(**LIVING, framework="torch") + "\n" + STEP)
    values = Exporter(tmp_path).look()
    assert values['panewatch_training_step{run="resnet"}'] == 7
    assert values['panewatch_training_textfiles{state="running"}'] == 1
    (info,) = (series for series in values if series.startswith("panewatch_training_info"))
    assert 'framework="torch"' in info
    assert 'source="callback"' in info
    assert 'pane=""' in info


def test_a_run_that_was_killed_is_gone_at_once(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from panewatch.training.callback import TrainingMonitor\n"
        f"monitor = TrainingMonitor(run='victim', directory={str(tmp_path)!r}, interval=0.05)\n"
        "monitor.start()\n"
        "time.sleep(600)\n"
    )
    exporter = Path(__file__).parents[2] / "exporter"
    with subprocess.Popen([sys.executable, "-c", program], env={"PYTHONPATH": str(exporter)}) as it:
        try:
            wait_until(lambda: list(tmp_path.glob("*.prom")), 30, what="its file")
            watching = Exporter(tmp_path)
            assert runs(watching.look()) == {"victim"}
        finally:
            it.kill()
            it.wait()
        assert runs(watching.look(0.1)) == set()
    assert list(tmp_path.glob("*.prom"))  # the exporter deletes nothing


def test_a_number_that_another_process_has_now_is_no_life(tmp_path: Path) -> None:
    another = LIVING | {"start": int(LIVING["start"]) + 1}
    put(tmp_path, write_header(**another) + "\n" + STEP)
    assert runs(Exporter(tmp_path).look()) == set()


def test_a_run_that_has_ended_stays_for_a_while(tmp_path: Path) -> None:
    exporter = Exporter(tmp_path, textfile_expires_after=100)
    exporter.look()
    put(tmp_path, write_header(**LIVING, state="finished") + "\n" + STEP)
    values = exporter.look()
    assert values['panewatch_training_textfiles{state="finished"}'] == 1
    assert runs(values) == {"resnet"}
    assert runs(exporter.look(90)) == {"resnet"}
    assert runs(exporter.look(20)) == set()


def test_a_process_that_cannot_be_seen_counts_while_it_writes(tmp_path: Path) -> None:
    exporter = Exporter(tmp_path, textfile_expires_after=100)
    put(tmp_path, write_header(**LIVING | {"space": "1"}) + "\n" + STEP)
    assert runs(exporter.look()) == {"resnet"}
    assert runs(exporter.look(90)) == {"resnet"}
    put(tmp_path, write_header(**LIVING | {"space": "1"}) + "\n" + STEP.replace("7", "80"))
    assert runs(exporter.look(90)) == {"resnet"}
    assert runs(exporter.look(110)) == set()


def test_a_file_of_another_machine_is_none(tmp_path: Path) -> None:
    put(tmp_path, write_header(**LIVING | {"boot": "another"}) + "\n" + STEP)
    values = Exporter(tmp_path).look()
    assert runs(values) == set()
    assert refused(values) == {}


def test_a_file_that_stands_has_no_speed_and_stalls(tmp_path: Path) -> None:
    speed = 'panewatch_training_steps_per_second{run="resnet"} 5\n'
    moved = "panewatch_training_last_progress_timestamp_seconds"
    exporter = Exporter(tmp_path)
    text = (
        write_header(**LIVING) + "\n" + STEP + speed + f'{moved}{{run="resnet"}} {exporter.wall}\n'
    )
    put(tmp_path, text)
    values = exporter.look()
    assert values['panewatch_training_steps_per_second{run="resnet"}'] == 5
    assert values['panewatch_training_stalled{run="resnet"}'] == 0
    values = exporter.look(40)
    assert 'panewatch_training_steps_per_second{run="resnet"}' not in values
    assert values['panewatch_training_stalled{run="resnet"}'] == 0
    assert exporter.look(30)['panewatch_training_stalled{run="resnet"}'] == 1


@pytest.mark.parametrize("jump", [86400.0, -3600.0])
def test_a_wall_clock_that_jumps_ends_nothing(tmp_path: Path, jump: float) -> None:
    exporter = Exporter(tmp_path, textfile_expires_after=100)
    put(tmp_path, write_header(**LIVING, state="finished") + "\n" + STEP)
    exporter.look()
    exporter.wall += jump
    assert runs(exporter.look(10)) == {"resnet"}
    assert runs(exporter.look(100)) == set()


def test_of_two_of_one_name_the_first_counts(tmp_path: Path) -> None:
    put(tmp_path, write_header(**LIVING | {"space": "1", "start": 5}) + "\n" + STEP, "b.prom")
    second = STEP.replace("7", "9")
    put(tmp_path, write_header(**LIVING | {"space": "1", "start": 6}) + "\n" + second, "a.prom")
    exporter = Exporter(tmp_path)
    for _ in range(3):
        values = exporter.look(1)
        assert values['panewatch_training_step{run="resnet"}'] == 7
        assert refused(values) == {"duplicate": 1}


GOOD = write_header() + "\n"
BAD: dict[str, tuple[str, str]] = {
    "another metric": ("name", 'up{run="resnet"} 1\n'),
    "another of panewatch": ("name", 'panewatch_tmux_server_up{run="resnet"} 1\n'),
    "what the exporter says itself": ("name", 'panewatch_training_stalled{run="resnet"} 1\n'),
    "a type of another metric": ("name", "# TYPE up gauge\n" + STEP),
    "another type": ("type", "# TYPE panewatch_training_step counter\n" + STEP),
    "no label": ("garbage", "panewatch_training_step 7\n"),
    "a label more": ("label", 'panewatch_training_step{run="resnet",pid="1"} 7\n'),
    "a label twice": ("label", 'panewatch_training_step{run="resnet",run="resnet"} 7\n'),
    "another run": ("label", STEP + 'panewatch_training_epoch{run="other"} 1\n'),
    "a run of a pane": ("label", 'panewatch_training_step{run="default/w:0.1"} 7\n'),
    "a split that there is not": ("label", 'panewatch_training_loss{run="resnet",split="x"} 7\n'),
    "a kind that there is not": (
        "label", 'panewatch_training_memory_bytes{run="resnet",kind="x"} 7\n'),
    "a long label": ("label", f'panewatch_training_step{{run="{"x" * 65}"}} 7\n'),
    "a quote in a label": ("label", 'panewatch_training_step{run="a\\"} 1\nup 0\n"} 7\n'),
    "a template": ("garbage", 'panewatch_training_step{run="{{ x }}"} 7\n'),
    "no number": ("value", STEP.replace("7", "NaN")),
    "no finite number": ("value", STEP.replace("7", "+Inf")),
    "a number too large": ("value", STEP.replace("7", "1e400")),
    "a negative count": ("value", 'panewatch_training_samples_total{run="resnet"} -1\n'),
    "more than all": ("value", 'panewatch_training_progress_ratio{run="resnet"} 1.5\n'),
    "a timestamp": ("garbage", STEP.replace("7", "7 1600000000000")),
    "a series twice": ("duplicate", STEP + STEP),
    "no line": ("garbage", "hello\n"),
    "an empty line": ("garbage", STEP + "\n"),
    "control characters": ("garbage", STEP + "\x1b]0;x\x07\n"),
    "no ASCII": ("garbage", STEP.replace("resnet", "résnet")),
    "half a line": ("garbage", STEP.rstrip("\n")),
    "nothing": ("garbage", ""),
    "many metrics": ("too_large", "".join(
        f'panewatch_training_metric{{run="resnet",metric="m{n}"}} 1\n' for n in range(21))),
    "many bytes": ("too_large", "# x\n" * (MOST_BYTES // 4) + STEP),
    "a bound that is none": ("label", (
        'panewatch_training_batch_seconds_bucket{run="resnet",le="x"} 1\n')),
    "buckets without an end": ("value", (
        'panewatch_training_batch_seconds_bucket{run="resnet",le="1.0"} 1\n'
        'panewatch_training_batch_seconds_count{run="resnet"} 1\n'
        'panewatch_training_batch_seconds_sum{run="resnet"} 1\n')),
    "buckets that shrink": ("value", (
        'panewatch_training_batch_seconds_bucket{run="resnet",le="1.0"} 2\n'
        'panewatch_training_batch_seconds_bucket{run="resnet",le="+Inf"} 1\n'
        'panewatch_training_batch_seconds_count{run="resnet"} 1\n'
        'panewatch_training_batch_seconds_sum{run="resnet"} 1\n')),
    "a sum alone": ("value", 'panewatch_training_batch_seconds_sum{run="resnet"} 1\n'),
}  # fmt: skip


@pytest.mark.parametrize(("reason", "text"), BAD.values(), ids=BAD)
def test_what_may_not_be_there_is_refused(reason: str, text: str) -> None:
    with pytest.raises(RefusedError, match=f"^{reason}$"):
        parse(text.encode())


NAMED = {
    "acc": "accuracy", "val-acc": "val_accuracy", "eval_f1": "val_f1", "train_auc": "auc",
    "acc-top-1": "top1_accuracy", "lr": "learning_rate", "my_score": "my_score", "loss": "loss",
    "perplexity": "perplexity", "best_f1": "best_f1",
}  # fmt: skip


def test_metrics_have_the_names_that_they_have_in_panes() -> None:
    assert list_metrics(*NAMED) == [*NAMED.values()]


def test_two_metrics_never_get_one_name() -> None:
    assert list_metrics("acc", "accuracy", "train_acc") == ["acc", "accuracy", "train_acc"]
    assert list_metrics("acc", "train_acc") == ["accuracy", "train_acc"]


def list_metrics(*names: str) -> list[str]:
    """What metrics of these names are told as."""
    series = (f'panewatch_training_metric{{run="resnet",metric="{name}"}} 1\n' for name in names)
    told = parse("".join(series).encode())
    return [sample.labels["metric"] for sample in told.samples["training_metric"]]


@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))
)
def test_whatever_is_there_is_taken_or_refused(data: bytes) -> None:
    for content in (data, GOOD.encode() + data, GOOD.encode() + STEP.encode() + data):
        reason = ""
        try:
            assert parse(content).run
        except RefusedError as error:
            reason = str(error)
        assert reason in {"", *c.TEXTFILE_FAILURES}


def link(folder: Path) -> None:
    (folder / "run.prom").symlink_to(put(folder, STEP, "target.txt"))


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "run.prom")


def listen(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as each:
        each.bind(str(folder / "run.prom"))


def nest(folder: Path) -> None:
    (folder / "run.prom").mkdir()


def open_up(folder: Path) -> None:
    put(folder, STEP).chmod(0o666)


def blow_up(folder: Path) -> None:
    with (folder / "run.prom").open("wb") as file:
        file.truncate(1 << 40)


FILES: list[tuple[Callable[[Path], None], str]] = [
    (link, "not_plain"), (pipe, "not_plain"), (listen, "not_plain"), (nest, "not_plain"),
    (open_up, "owner"), (blow_up, "too_large"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), FILES, ids=[make.__name__ for make, _ in FILES])
def test_what_is_no_file_of_ours_is_refused_once(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path)
    exporter = Exporter(tmp_path)
    for _ in range(3):
        values = exporter.look(10)
        assert refused(values) == {reason: 1}
        assert values['panewatch_training_textfiles{state="refused"}'] == 1
        assert runs(values) == set()


def test_one_bad_file_costs_no_other(tmp_path: Path) -> None:
    put(tmp_path, write_header(**LIVING) + "\n" + STEP)
    put(tmp_path, "garbage\n", "bad.prom")
    values = Exporter(tmp_path).look()
    assert runs(values) == {"resnet"}
    assert refused(values) == {"garbage": 1}


def test_a_file_that_was_mended_is_taken(tmp_path: Path) -> None:
    put(tmp_path, "garbage\n")
    exporter = Exporter(tmp_path)
    exporter.look()
    put(tmp_path, write_header(**LIVING) + "\n" + STEP)
    values = exporter.look(5)
    assert runs(values) == {"resnet"}
    assert refused(values) == {"garbage": 1}
    assert values['panewatch_training_textfiles{state="refused"}'] == 0


def test_only_so_many_files_are_read(tmp_path: Path) -> None:
    for place in range(MOST_FILES + 5):
        text = (
            write_header(**LIVING | {"run": f"r{place}"})
            + "\n"
            + STEP.replace("resnet", f"r{place}")
        )
        path = put(tmp_path, text, f"{place}.prom")
        os.utime(path, (1_600_000_000 + place,) * 2)
    exporter = Exporter(tmp_path)
    values = exporter.look()
    assert len(runs(values)) == MOST_FILES
    assert "r0" not in runs(values)  # the oldest are left out
    assert refused(values) == {"too_many": 5}
    for place in range(MOST_FILES, MOST_FILES + 5):
        (tmp_path / f"{place}.prom").unlink()
    assert "r0" in runs(exporter.look(5))


def test_a_directory_that_is_not_there_is_no_failure(tmp_path: Path) -> None:
    values = Exporter(tmp_path / "none").look()
    assert values['panewatch_training_textfiles{state="running"}'] == 0


def test_a_directory_that_cannot_be_read_is_one(tmp_path: Path) -> None:
    put(tmp_path, write_header(**LIVING) + "\n" + STEP)
    exporter = Exporter(tmp_path / "run.prom")
    with pytest.raises(SourceUnavailable):
        exporter.look()


def test_what_panes_and_callbacks_tell_is_one_family(tmp_path: Path) -> None:
    put(tmp_path, write_header(**LIVING) + "\n" + STEP)
    exporter, identity = Exporter(tmp_path), Identity("default", "work", "0", "1")
    run = Run(0.0)
    run.step = 11.0
    families = tuple(build_families([(identity, run, False)], 0.0, 0.0, 60.0))
    exporter.board.post([Published("default", "up", 0.0, families=families)])
    values = exporter.look()
    assert runs(values) == {"resnet", "default/work:0.1"}
    assert values['panewatch_training_step{run="default/work:0.1"}'] == 11
    exporter.board.post([Published("default", "timeout", 0.0, families=families)])
    assert runs(exporter.look()) == {"resnet"}


def test_a_file_of_prometheus_client_is_taken(tmp_path: Path) -> None:
    """Whatever writes such files, in any language, need not be ours."""
    registry = CollectorRegistry()
    Gauge("panewatch_training_step", "Step.", ["run"], registry=registry).labels("r").set(5)
    gauge = Gauge("panewatch_training_loss", "L.", ["run", "split"], registry=registry)
    gauge.labels("r", "val").set(0.25)
    write_to_textfile(str(tmp_path / "r.prom"), registry)
    (tmp_path / "r.prom").chmod(0o644)
    values = Exporter(tmp_path).look()
    assert values['panewatch_training_loss{run="r",split="val"}'] == 0.25
    Counter("other", "Another.", registry=registry)
    write_to_textfile(str(tmp_path / "r.prom"), registry)
    assert refused(Exporter(tmp_path).look()) == {"name": 1}


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[Path]:
    with make_monitor(tmp_path, epochs=1) as monitor:
        for _ in monitor.watch([[1, 2]] * 4):
            work(0.002)
        wait_until(lambda: "_step{" in "".join(p.read_text() for p in tmp_path.glob("*.prom")))
        yield tmp_path


def test_a_living_training_is_shown_as_promtool_likes_it(measured: Path) -> None:
    exporter = Exporter(measured)
    values = exporter.look()
    assert values['panewatch_training_batch_seconds_count{run="resnet"}'] == 4
    assert values['panewatch_training_samples_total{run="resnet"}'] == 8
    text = "".join(part for family in exporter.collector.collect() for part in render(family).text)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_reading_again_costs_nothing_where_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Textfiles(lambda: 0.0, lambda: 0.0)
    put(tmp_path, write_header(**LIVING) + "\n" + STEP, "still.prom")
    first = files.look(tmp_path)["still.prom"]
    monkeypatch.setattr("panewatch.training.textfiles.parse", lambda _: pytest.fail("read again"))
    assert files.look(tmp_path)["still.prom"] is first


def test_diagnose_tells_what_is_there(measured: Path) -> None:
    put(measured, "garbage\n", "bad.prom")
    config = Config.model_validate({"training": {"textfile_directory": str(measured)}})
    (finding,) = diagnose(config)
    assert not finding.ok
    assert finding.detail == f"1 files of callbacks in {measured}; refused: 1 garbage"
