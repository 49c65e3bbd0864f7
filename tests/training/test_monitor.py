"""What the monitor of a training measures and writes, in real loops."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from panewatch.training.callback import TrainingMonitor
from panewatch.training.callback.rank import name_run
from panewatch.training.callback.samples import count_samples, measure_dataset
from panewatch.training.callback.scalars import Scalars
from polling import wait_until
from training.trained import find_file, make_monitor, read_file, work

EXPORTER = Path(__file__).parents[2] / "exporter"
SERVER_SIDE = ("starlette", "uvicorn", "pydantic", "libtmux", "hyperscan", "prometheus_client",
               "structlog", "psutil", "yaml", "re2", "panewatch.config")  # fmt: skip


class Slow:
    """A loader whose every batch takes a while to come."""

    def __init__(self, batches: list[list[int]], seconds: float) -> None:
        self.batches, self.seconds = batches, seconds
        self.dataset = [each for batch in batches for each in batch]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches:
            work(self.seconds)
            yield batch


def test_importing_it_imports_nothing_of_the_exporter() -> None:
    program = (
        "import sys, panewatch.training.callback\n"
        f"print([name for name in {SERVER_SIDE!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(EXPORTER)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_it_runs_on_the_standard_library_alone(tmp_path: Path) -> None:
    program = (
        "from panewatch.training.callback import TrainingMonitor\n"
        f"with TrainingMonitor(run='alone', directory={str(tmp_path)!r}) as monitor:\n"
        "    for batch in monitor.watch([[1, 2], [3]]): monitor.log(loss=0.5)\n"
    )
    # -S: no site-packages; -E and -s: nothing of the environment but what is put on the path.
    start = f"import sys; sys.path.insert(0, {str(EXPORTER)!r})\n"
    subprocess.run([sys.executable, "-S", "-s", "-c", start + program], check=True)
    told = read_file(tmp_path)
    counted = {name: each[0].value for name, each in told.samples.items() if "total" in name}
    assert counted == {
        "training_nonfinite_total": 0, "training_restarts_total": 0, "training_samples_total": 3,
        "training_data_wait_seconds_total": pytest.approx(0, abs=1),
        "training_compute_seconds_total": pytest.approx(0, abs=1),
        "training_write_failures_total": 0,
    }  # fmt: skip


def test_a_loop_is_measured(tmp_path: Path) -> None:
    with make_monitor(tmp_path, epochs=2) as monitor:
        for epoch in (1, 2):
            for batch in monitor.watch(Slow([[1, 2, 3], [4]], 0.02), epoch=epoch):
                work(0.01)
                monitor.log(loss=1 / len(batch), lr=0.1)
            with monitor.validating():
                work(0.3)
                monitor.log(val_loss=0.25)
        found = monitor.summary()
    assert found["batches"] == 4
    assert found["samples"] == 8
    assert (found["epoch"], found["step"], found["progress_ratio"]) == (2, 4, 1.0)
    assert found["dataset_samples"] == 4
    assert found["data_wait_seconds"] >= 4 * 0.02
    assert found["compute_seconds"] >= 4 * 0.01
    assert found["loss"] == {"train": 1.0, "val": 0.25}
    assert found["metrics"] == {"learning_rate": 0.1}
    assert found["batch_seconds"]["p50"] >= 0.03
    assert found["batch_seconds"]["p99"] == found["batch_seconds"]["max"]
    assert found["memory_bytes"]["peak_host"] > 1 << 20


def test_a_validation_is_no_time_of_the_training(tmp_path: Path) -> None:
    with make_monitor(tmp_path) as monitor:
        for _ in range(3):
            for _ in monitor.watch([[1]]):
                pass
            with monitor.validating():
                work(0.2)
        found = monitor.summary()
    assert found["data_wait_seconds"] + found["compute_seconds"] < 0.5


def test_its_file_is_what_the_exporter_takes(tmp_path: Path) -> None:
    with make_monitor(tmp_path, epochs=1, framework="torch", dataset_bytes=5, cache_bytes=6) as m:
        for batch in m.watch([[1, 2]] * 3):
            m.log(loss=0.5, **{"acc/top 1": len(batch)})
        wait_until(lambda: "training_step" in read_file(tmp_path).samples, what="a step")
        told = read_file(tmp_path)
    assert told.run == "resnet"
    assert told.writer is not None
    assert (told.writer.framework, told.writer.origin.pid) == ("torch", os.getpid())
    assert told.writer.state == "running"
    told = read_file(tmp_path)
    assert told.writer is not None
    assert told.writer.state == "finished"
    sizes = {each.labels["kind"]: each.value for each in told.samples["training_memory_bytes"]}
    assert (sizes["dataset"], sizes["cache"]) == (5, 6)
    assert [each.labels["metric"] for each in told.samples["training_metric"]] == ["top1_accuracy"]
    # What was true only while it ran has gone.
    assert not told.samples.keys() & {
        "training_steps_per_second", "training_samples_per_second", "training_eta_seconds",
        "training_last_progress_timestamp_seconds",
    }  # fmt: skip


def test_a_decorated_function_is_a_step(tmp_path: Path) -> None:
    monitor = make_monitor(tmp_path)

    @monitor.step
    def train(batch: list[int], scale: float = 1.0) -> float:
        return sum(batch) * scale

    with monitor:
        assert train([1, 2, 3], scale=2.0) == 12.0
        assert train([4]) == 4.0
        found = monitor.summary()
    assert (found["batches"], found["samples"], found["loss"]) == (2, 4, {"train": 4.0})
    assert train.__name__ == "train"


def test_a_loop_that_is_left_early_counts_its_last_batch(tmp_path: Path) -> None:
    with make_monitor(tmp_path) as monitor:
        for batch in monitor.watch([[1], [2], [3]]):
            if batch == [2]:
                break
        assert monitor.summary()["batches"] == 2


def test_a_resumed_run_goes_on_counting(tmp_path: Path) -> None:
    with make_monitor(tmp_path, first_step=1000, steps=2000) as monitor:
        for _ in monitor.watch([[1]] * 5, epoch=4):
            pass
        found = monitor.summary()
    assert (found["step"], found["epoch"], found["restarts"]) == (1005, 4, 0)
    assert found["progress_ratio"] == pytest.approx(1005 / 2000)


def test_a_run_that_goes_back_is_counted(tmp_path: Path) -> None:
    with make_monitor(tmp_path) as monitor:
        monitor.log(epoch=3, step=300)
        monitor.log(epoch=2)
        monitor.log(step=200)
        assert monitor.summary()["restarts"] == 2


def test_losses_that_are_no_numbers_are_counted_not_shown(tmp_path: Path) -> None:
    with make_monitor(tmp_path) as monitor:
        for loss in (0.5, math.nan, math.inf, -math.inf):
            monitor.log(loss=loss, acc=math.nan)
        found = monitor.summary()
    assert found["nonfinite_losses"] == 3
    assert found["loss"] == {"train": 0.5}
    assert found["metrics"] == {}


def test_a_metric_too_many_is_left_out(tmp_path: Path) -> None:
    with make_monitor(tmp_path) as monitor:
        monitor.log(**{f"m{place}": place for place in range(100)})
        assert len(monitor.summary()["metrics"]) == 20


class Strange:
    """Fails in every way in which a batch, a loader or a number can."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def __len__(self) -> int:
        raise RuntimeError

    def __float__(self) -> float:
        raise RuntimeError

    def __iter__(self) -> Iterator[Strange]:
        yield self


def test_nothing_that_is_measured_makes_a_training_fail(tmp_path: Path) -> None:
    with make_monitor(tmp_path, epochs=1) as monitor:
        for batch in monitor.watch(Strange()):
            monitor.log(loss=batch, step="three", epoch=batch, cache_bytes=batch)
        found = monitor.summary()
    assert found["batches"] == 1
    assert found["samples"] is None


def test_an_error_of_the_training_is_its_own(tmp_path: Path) -> None:
    def train() -> None:
        with make_monitor(tmp_path) as monitor:
            for batch in monitor.watch([[1]]):
                batch[1]  # there is none

    with pytest.raises(IndexError):
        train()
    told = read_file(tmp_path)
    assert told.writer is not None
    assert told.writer.state == "failed"


def test_a_directory_that_cannot_be_written_only_counts(tmp_path: Path) -> None:
    folder = tmp_path / "readonly"
    folder.write_text("a file, no directory")
    with make_monitor(folder) as monitor:
        for _ in monitor.watch([[1]] * 3):
            pass
        wait_until(lambda: monitor.summary()["write_failures"] >= 2, what="two failures")
        folder.unlink()
        told = read_file(folder)
    assert told.samples["training_write_failures_total"][0].value >= 2


def test_a_disk_that_is_full_leaves_the_file_before_and_nothing_beside(tmp_path: Path) -> None:
    # A limit on the size of files stands in for the disk: a write fails half way in both.
    program = (
        "import resource, signal\n"
        "from pathlib import Path\n"
        "from panewatch.training.callback.textfile import write\n"
        f"path = Path({str(tmp_path / 'run.prom')!r})\n"
        "write(path, 'before\\n')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n"
        "    write(path, 'x' * 1000)\n"
        "except OSError:\n"
        "    print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(EXPORTER)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "refused\n"
    assert [each.name for each in tmp_path.iterdir()] == ["run.prom"]
    assert (tmp_path / "run.prom").read_text() == "before\n"


def test_a_file_that_cannot_be_replaced_leaves_no_other(tmp_path: Path) -> None:
    from panewatch.training.callback.textfile import write

    (tmp_path / "run.prom").mkdir()
    (tmp_path / "run.prom" / "kept").touch()
    with pytest.raises(OSError, match=r"run\.prom"):
        write(tmp_path / "run.prom", "text\n")
    assert [each.name for each in tmp_path.iterdir()] == ["run.prom"]


def test_a_forked_child_does_not_tell(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from panewatch.training.callback import TrainingMonitor\n"
        f"monitor = TrainingMonitor(run='parent', directory={str(tmp_path)!r}, interval=0.05)\n"
        "with monitor:\n"
        "    for _ in monitor.watch([[1]]): pass\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        monitor.end_batch(samples=5)\n"
        "        monitor.close()\n"
        "        os._exit(0)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    for _ in monitor.watch([[1]]): pass\n"
    )
    subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(EXPORTER)}, check=True, timeout=30
    )
    assert len(list(tmp_path.iterdir())) == 1
    assert read_file(tmp_path).samples["training_samples_total"][0].value == 2


def test_a_copy_in_another_process_begins_anew(tmp_path: Path) -> None:
    with make_monitor(tmp_path, epochs=3) as monitor:
        for _ in monitor.watch([[1]]):
            pass
        copy: TrainingMonitor = pickle.loads(pickle.dumps(monitor))  # noqa: S301  # our own
    assert copy._options["epochs"] == 3
    assert copy.summary()["batches"] == 0


def test_each_rank_has_a_run_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    with make_monitor(tmp_path) as monitor:
        find_file(tmp_path)
    assert read_file(tmp_path).run == "resnet-rank3"
    assert monitor.summary()["run"] == "resnet-rank3"


def test_other_ranks_can_be_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    with make_monitor(tmp_path, every_rank=False) as monitor:
        for _ in monitor.watch([[1]]):
            pass
        assert monitor.summary()["batches"] == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("run", "rank", "name"),
    [
        ("resnet", 0, "resnet"),
        ("a b/c:d", 0, "a-b-c-d"),
        ("../../etc", 0, "etc"),
        ("x" * 100, 0, "x" * 64),
        ("x" * 100, 12, "x" * 54 + "-rank12"),
        ("日本", 0, "train"),
    ],
)
def test_a_name_is_safe_as_label_and_file(run: str, rank: int, name: str) -> None:
    assert name_run(run, rank) == name


def test_files_that_are_left_behind_are_swept(tmp_path: Path) -> None:
    from training.trained import write_header

    old = {
        "dead.prom": write_header(pid=2**22 + 1) + "\n",
        "done.prom": write_header(pid=os.getpid(), state="finished") + "\n",
        ".half.prom.new": "",
        "other.prom": "node_textfile 1\n",
        "notes.txt": write_header() + "\n",
    }
    for name, text in old.items():
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (time.time() - 7200,) * 2)
    (tmp_path / "young.prom").write_text(write_header(state="finished") + "\n")
    with make_monitor(tmp_path):
        wait_until(lambda: not (tmp_path / "dead.prom").exists(), what="sweeping")
        wait_until(lambda: not (tmp_path / ".half.prom.new").exists(), what="sweeping")
        wait_until(lambda: not (tmp_path / "done.prom").exists(), what="sweeping")
    kept = {each.name for each in tmp_path.iterdir()}
    assert kept >= {"other.prom", "notes.txt", "young.prom"}


@pytest.mark.parametrize(
    ("batch", "count"),
    [
        ([1, 2, 3], 3),
        (["a", "b"], 2),
        (SimpleNamespace(shape=(16, 3)), 16),
        ((SimpleNamespace(shape=(8, 3)), SimpleNamespace(shape=(8,))), 8),
        ({"ids": SimpleNamespace(shape=(4, 9)), "mask": None}, 4),
        ([{"name": "x", "x": SimpleNamespace(shape=(2,))}], 2),
        (SimpleNamespace(num_graphs=7), 7),
        (SimpleNamespace(shape=()), None),
        (None, None),
        ([], None),
        ("text", None),
    ],
)
def test_samples_are_counted_in_what_loaders_give(batch: object, count: int | None) -> None:
    assert count_samples(batch) == count


def test_a_batch_within_itself_is_not_followed_for_ever() -> None:
    batch: list[object] = []
    batch.append(batch)
    assert count_samples(batch) is None


def test_a_dataset_tells_of_its_size(tmp_path: Path) -> None:
    cache = tmp_path / "cache.arrow"
    cache.write_bytes(b"x" * 77)
    tensor = SimpleNamespace(nbytes=100)

    class Dataset(list[int]):
        tensors = (tensor, tensor)
        cache_files = ({"filename": str(cache)},)

    assert measure_dataset(Dataset([1, 2])) == {"samples": 2, "bytes": 200, "cache": 77}
    assert measure_dataset(None) == {}


class Tensor:
    """A number on a device: to read it there is counted."""

    is_cpu = False
    is_cuda = False
    device = "xpu:0"

    def __init__(self, value: float) -> None:
        self.value, self.reads = value, 0

    def detach(self) -> Tensor:
        return self

    def __float__(self) -> float:
        self.reads += 1
        return self.value


def test_a_number_on_a_device_is_read_now_and_then_only() -> None:
    scalars, tensors = Scalars(), [Tensor(float(place)) for place in range(5)]
    for tensor in tensors:
        scalars.take("loss", tensor)
    assert scalars.copy() == ({}, 0)
    scalars.settle()
    assert scalars.copy() == ({"loss": 4.0}, 0)
    assert [tensor.reads for tensor in tensors] == [0, 0, 0, 0, 1]


def test_a_number_of_cuda_is_copied_while_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for torch: there is no device here. The copy is there when its event says so."""
    arrived = False

    class Host:
        value = math.nan

        def copy_(self, tensor: Tensor, non_blocking: bool) -> None:
            assert non_blocking
            self.value = tensor.value

        def __float__(self) -> float:
            return self.value

    class Cuda(Tensor):
        is_cuda = True
        dtype = "float32"

        def reshape(self, _shape: tuple[()]) -> Cuda:
            return self

    class Event:
        def record(self) -> None:
            pass

        def query(self) -> bool:
            return arrived

    def empty(_shape: tuple[()], dtype: str, pin_memory: bool) -> Host:
        assert pin_memory
        assert dtype == "float32"
        return Host()

    class Device:
        def __init__(self, _device: object) -> None:
            pass

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

    torch = SimpleNamespace(empty=empty, cuda=SimpleNamespace(Event=Event, device=Device))
    monkeypatch.setitem(sys.modules, "torch", torch)
    scalars, tensor = Scalars(), Cuda(0.5)
    scalars.take("loss", tensor)
    scalars.settle()
    scalars.settle()
    assert scalars.copy() == ({}, 0)
    arrived = True
    scalars.settle()
    assert scalars.copy() == ({"loss": 0.5}, 0)
    scalars.take("loss", Cuda(math.nan))
    scalars.finish()
    assert scalars.copy() == ({"loss": 0.5}, 1)
    assert tensor.reads == 0
