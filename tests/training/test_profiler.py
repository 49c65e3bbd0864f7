"""The profiler inside a training: when it records, what it leaves, what it must not do."""

from __future__ import annotations

import gzip
import importlib
import json
import logging
import os
import pickle
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import panewatch
from panewatch.training.callback import TrainingProfiler, traces
from panewatch.training.callback.place import find_directory, find_profiles_directory
from panewatch.training.callback.windows import Windows

PACKAGE = "panewatch.training.callback"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(panewatch.__file__).parents[1])}


class Recording:
    """Stands in for ``torch.profiler.profile``: goes by the schedule as that does."""

    def __init__(
        self,
        *,
        schedule: Callable[[int], str],
        on_trace_ready: Callable[[Any], None] | None,
        **options: Any,
    ) -> None:
        self._schedule, self.on_trace_ready = schedule, on_trace_ready
        self.options = options
        self.step_num = 0
        self._action = schedule(0)
        self.steps: list[int] = []
        self.profiler = SimpleNamespace(
            kineto_results=SimpleNamespace(trace_start_ns=lambda: 0 if "lost" in FAULTS else 1)
        )
        BUILT.append(self)

    def start(self) -> None:
        self._fail("start")

    def step(self) -> None:
        self._fail("step")
        before = self._action
        if before in {"record", "save"}:
            self.steps.append(self.step_num)
        self.step_num += 1
        self._action = self._schedule(self.step_num)
        if before == "save":
            self._ready()

    def __exit__(self, *_: object) -> None:
        self._fail("exit")
        if self._action in {"record", "save"}:
            self.steps.append(self.step_num)
            self._ready()

    def export_chrome_trace(self, path: str) -> None:
        self._fail("export")
        events = [{"ph": "X", "name": f"ProfilerStep#{step}"} for step in self.steps]
        text = json.dumps({"traceEvents": events})
        Path(path).write_text(text[: len(text) // 2] if FAULTS.get("half") else text)
        Path(path).chmod(0o664)

    def _ready(self) -> None:
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def _fail(self, what: str) -> None:
        if what in FAULTS:
            raise FAULTS[what]


BUILT: list[Recording] = []
FAULTS: dict[str, Any] = {}


def schedule(*, wait: int, warmup: int, active: int, repeat: int) -> Callable[[int], str]:
    assert (wait, repeat) == (0, 1)

    def act(step: int) -> str:
        if step < warmup:
            return "warmup"
        if step >= warmup + active:
            return "none"
        return "save" if step == warmup + active - 1 else "record"

    return act


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A PyTorch that has nothing but a profiler."""
    package, profiler = ModuleType("torch"), ModuleType("torch.profiler")
    profiler.__dict__.update(schedule=schedule, profile=Recording)
    tracker = SimpleNamespace(_step_dict={})
    inner = ModuleType("torch.autograd.profiler")
    inner.__dict__.update(KinetoStepTracker=tracker, _prepare_profiler=lambda: BUILT[-1].steps)
    monkeypatch.setitem(sys.modules, "torch.autograd.profiler", inner)
    autograd = SimpleNamespace(_profiler_enabled=lambda: False, profiler=inner)
    monkeypatch.setitem(sys.modules, "torch.autograd", autograd)
    package.__dict__.update(profiler=profiler, autograd=autograd, __path__=[])
    monkeypatch.setitem(sys.modules, "torch", package)
    monkeypatch.setitem(sys.modules, "torch.profiler", profiler)
    BUILT.clear()
    FAULTS.clear()
    yield package
    FAULTS.clear()


def make(folder: Path, **options: Any) -> TrainingProfiler:
    return TrainingProfiler(**({"run": "resnet", "directory": str(folder)} | options))


def train(profiler: TrainingProfiler, steps: int) -> None:
    with profiler:
        for _ in range(steps):
            profiler.step()


def read_steps(path: Path) -> list[int]:
    """The steps that a trace holds."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    assert json.loads(text)["traceEvents"] is not None
    return sorted({int(number) for number in re.findall(r'"ProfilerStep#(\d+)"', text)})


@pytest.mark.usefixtures("torch")
def test_a_window_of_steps_is_recorded(tmp_path: Path) -> None:
    profiler = make(tmp_path, skip_first=3, wait=2, warmup=1, active=4)
    train(profiler, 30)
    (trace,) = profiler.traces
    assert [trace] == list(tmp_path.iterdir())
    assert re.fullmatch(r"resnet\.\d{19}\.pt\.trace\.json\.gz", trace.name)
    assert read_steps(trace) == [6, 7, 8, 9]


@pytest.mark.usefixtures("torch")
def test_cycles_are_counted_and_the_oldest_traces_go(tmp_path: Path) -> None:
    other = tmp_path / f"resnet50.{time.time_ns()}.pt.trace.json"
    other.write_text("of another run")
    profiler = make(tmp_path, skip_first=1, wait=0, warmup=1, active=2, repeat=4, keep=2)
    train(profiler, 100)
    assert len(profiler.traces) == 4
    assert sorted(tmp_path.iterdir()) == sorted([*profiler.traces[2:], other])
    assert [read_steps(trace) for trace in profiler.traces[2:]] == [[8, 9], [11, 12]]


@pytest.mark.usefixtures("torch")
def test_a_window_can_be_named(tmp_path: Path) -> None:
    profiler = make(tmp_path, first_step=20, steps=3, warmup=5, repeat=0, compress=False)
    train(profiler, 100)
    (trace,) = profiler.traces
    assert trace.name.endswith(".pt.trace.json")
    assert read_steps(trace) == [20, 21, 22]


@pytest.mark.usefixtures("torch")
def test_the_first_step_can_be_recorded(tmp_path: Path) -> None:
    profiler = make(tmp_path, first_step=0, steps=2)
    train(profiler, 5)
    assert read_steps(profiler.traces[0]) == [0, 1]


@pytest.mark.usefixtures("torch")
def test_a_training_that_fails_leaves_what_was_recorded(tmp_path: Path) -> None:
    profiler = make(tmp_path, first_step=2, steps=50)

    def fail() -> None:
        with profiler:
            for step in range(10):
                profiler.step()
                _ = 1 / (6 - step)

    with pytest.raises(ZeroDivisionError):
        fail()
    assert read_steps(profiler.traces[0]) == [2, 3, 4, 5, 6], "the 7th had not ended"
    assert b'"PartialStep#7"' in gzip.decompress(profiler.traces[0].read_bytes())
    assert [path.name for path in tmp_path.iterdir()] == [profiler.traces[0].name]


@pytest.mark.usefixtures("torch")
def test_a_training_that_ends_in_the_warm_up_leaves_nothing(tmp_path: Path) -> None:
    profiler = make(tmp_path, skip_first=2, warmup=5)
    train(profiler, 4)
    assert BUILT
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(("steps", "recorded"), [(6, []), (7, []), (8, [7]), (9, [7, 8])])
def test_only_steps_that_have_ended_are_told_of(
    tmp_path: Path, steps: int, recorded: list[int]
) -> None:
    profiler = make(tmp_path, skip_first=2, warmup=5, compress=False)
    train(profiler, steps)
    assert BUILT
    assert [read_steps(trace) for trace in profiler.traces] == ([recorded] if recorded else [])
    assert list(tmp_path.iterdir()) == profiler.traces


@pytest.mark.usefixtures("torch")
def test_nothing_of_pytorch_is_touched_outside_the_windows(tmp_path: Path) -> None:
    profiler = make(tmp_path, skip_first=51)
    train(profiler, 50)
    assert not BUILT


@pytest.mark.usefixtures("torch")
def test_steps_after_the_end_are_not_recorded(tmp_path: Path) -> None:
    profiler = make(tmp_path, skip_first=1, warmup=1, active=1)
    train(profiler, 10)
    for _ in range(10):
        profiler.step()
    assert len(profiler.traces) == len(BUILT) == 1


@pytest.mark.usefixtures("torch")
def test_what_is_to_be_recorded_is_handed_on(tmp_path: Path) -> None:
    train(make(tmp_path, skip_first=0, record_shapes=True, with_stack=True), 3)
    assert BUILT[0].options == {
        "record_shapes": True, "profile_memory": False, "with_stack": True,
    }  # fmt: skip


@pytest.mark.usefixtures("torch")
def test_a_trace_is_not_for_others_to_write(tmp_path: Path) -> None:
    profiler = make(tmp_path / "new" / "folder", skip_first=0, compress=False)
    train(profiler, 20)
    assert profiler.traces[0].stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "new" / "folder").stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("fault", ["start", "step", "exit", "export"])
def test_a_profiler_that_fails_costs_no_training_and_no_later_window(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    profiler = make(tmp_path, skip_first=1, warmup=1, active=2, wait=3, repeat=2)
    FAULTS[fault] = RuntimeError("secret words of the program")
    with profiler:
        for _ in range(8):
            profiler.step()
        FAULTS.clear()
        lost = fault != "exit"  # the window had ended, and its trace was written
        for _ in range(20):
            profiler.step()
    assert len(profiler.traces) == 2 - lost
    assert sorted(tmp_path.iterdir()) == profiler.traces
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert told.getMessage() == "panewatch: the profiler of this training failed: RuntimeError"


@pytest.mark.usefixtures("torch")
def test_half_a_trace_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    FAULTS["half"] = True
    profiler = make(tmp_path, skip_first=0)
    train(profiler, 20)
    assert not profiler.traces
    assert not list(tmp_path.iterdir())
    assert "could not write it to its end" in caplog.text


@pytest.mark.usefixtures("torch")
def test_a_disk_that_is_nearly_full_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(free=(1 << 30) - 1)
    monkeypatch.setattr(traces, "shutil", SimpleNamespace(disk_usage=lambda _: usage))
    train(make(tmp_path, skip_first=0), 20)
    assert not list(tmp_path.iterdir())
    assert "the disk is nearly full" in caplog.text


@pytest.mark.usefixtures("torch")
def test_a_directory_that_cannot_be_made_costs_no_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    profiler = make(tmp_path / "file" / "below", skip_first=0)
    train(profiler, 20)
    assert not profiler.traces
    assert "the profiler of this training failed" in caplog.text


@pytest.mark.usefixtures("torch")
def test_no_home_costs_no_training(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "PANEWATCH_TRAINING__PROFILES_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    profiler = TrainingProfiler(skip_first=0)
    train(profiler, 20)
    assert not profiler.traces
    assert "there is no home" in caplog.text


@pytest.mark.parametrize("state", ["recording", "warming up"])
def test_the_profiler_of_somebody_else_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, torch: Any, state: str
) -> None:
    if state == "recording":
        torch.autograd._profiler_enabled = lambda: True
    else:
        torch.autograd.profiler.KinetoStepTracker._step_dict["ProfilerStep"] = 3
    train(make(tmp_path, skip_first=0), 20)
    assert not BUILT
    assert "another profiler of PyTorch is in use" in caplog.text


def test_another_profiler_that_begins_has_precedence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, torch: Any
) -> None:
    inner = torch.autograd.profiler
    prepare = inner._prepare_profiler
    with make(tmp_path, skip_first=1, warmup=1, active=3, repeat=2) as profiler:
        for _ in range(3):
            profiler.step()
        assert inner._prepare_profiler() == [2, 3], "it is theirs, and ours has ended"
        assert inner._prepare_profiler is prepare
        for _ in range(20):
            profiler.step()
    assert [read_steps(trace) for trace in profiler.traces] == [[6, 7, 8]], "the next window"
    assert inner._prepare_profiler is prepare
    assert "another profiler of PyTorch has begun" in caplog.text


@pytest.mark.usefixtures("torch")
def test_what_another_profiler_took_over_is_not_exported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    FAULTS["lost"] = True
    FAULTS["export"] = AssertionError("PyTorch would crash here")
    train(make(tmp_path, skip_first=0), 20)
    assert not list(tmp_path.iterdir())
    assert "has taken it over" in caplog.text


def test_without_pytorch_a_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "torch.profiler", None)
    train(make(tmp_path, skip_first=0), 20)
    assert "ModuleNotFoundError" in caplog.text


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(("every_rank", "names"), [(False, []), (True, ["resnet-rank3"])])
def test_ranks_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every_rank: bool, names: list[str]
) -> None:
    monkeypatch.setenv("RANK", "3")
    profiler = make(tmp_path, skip_first=0, every_rank=every_rank)
    train(profiler, 20)
    assert [trace.name.partition(".")[0] for trace in profiler.traces] == names


@pytest.mark.usefixtures("torch")
def test_what_was_left_behind_is_swept(tmp_path: Path) -> None:
    stem = f".other.{time.time_ns()}.pt.trace.json"
    old, young = tmp_path / f"{stem}.gz.tmp", tmp_path / f"{stem}.tmp.tmp"
    kept = [young, tmp_path / ".other.tmp", tmp_path / "mine.json"]
    for path in (old, *kept):
        path.touch()
    for path in (old, *kept[1:]):
        os.utime(path, (1, 1))
    profiler = make(tmp_path, skip_first=0)
    train(profiler, 20)
    assert sorted(tmp_path.iterdir()) == sorted([*kept, *profiler.traces])


@pytest.mark.usefixtures("torch")
def test_a_fork_is_not_the_training(tmp_path: Path) -> None:
    with make(tmp_path, first_step=1, steps=20) as profiler:
        for _ in range(3):
            profiler.step()
        child = os.fork()
        if not child:
            for _ in range(50):
                profiler.step()
            profiler.close()
            os._exit(len(list(tmp_path.iterdir())))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        for _ in range(50):
            profiler.step()
    assert len(profiler.traces) == 1


def test_a_copy_begins_anew(tmp_path: Path) -> None:
    with make(tmp_path, skip_first=7, active=2) as profiler:
        copy = pickle.loads(pickle.dumps(profiler))  # noqa: S301  # its own
    assert copy._options == profiler._options
    assert not copy.traces


def test_importing_it_imports_no_pytorch() -> None:
    program = (
        "import sys; import panewatch.training.callback\n"
        "print([name for name in sys.modules if name.startswith(('torch', 'pydantic', 'structlog',"
        " 'prometheus_client'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    assert done.stdout.strip() == "[]"


def test_the_directories_are_side_by_side() -> None:
    home = {"HOME": "/home/ada"}
    profiles = find_profiles_directory(None, home)
    training = find_directory(None, home)
    assert profiles
    assert training
    assert (profiles.parent, profiles.name) == (training.parent, "profiles")
    assert find_profiles_directory("/a", home) == Path("/a")
    named = home | {"PANEWATCH_TRAINING__PROFILES_DIRECTORY": "/b"}
    assert find_profiles_directory(None, named) == Path("/b")
    assert find_directory(None, named) == training


COUNTS = st.integers(0, 6)


@given(
    skip_first=COUNTS,
    wait=COUNTS,
    warmup=COUNTS,
    active=st.integers(1, 6),
    repeat=st.integers(0, 3),
)
def test_windows_are_those_of_pytorch(
    skip_first: int, wait: int, warmup: int, active: int, repeat: int
) -> None:
    windows = Windows(skip_first, wait, warmup, active, repeat)
    recorded: set[int] = set()
    begin = windows.find_first()
    while begin is not None and begin < 100:
        recorded |= set(range(begin + warmup, begin + warmup + active))
        begin = windows.find_next(begin)
    # As the documentation of torch.profiler.schedule counts them.
    cycle = wait + warmup + active
    for step in range(100):
        place = step - skip_first
        within = place >= 0 and (not repeat or place < repeat * cycle)
        assert (step in recorded) == (within and place % cycle >= wait + warmup), step


@pytest.mark.parametrize(
    ("framework", "name", "hooks"),
    [
        (
            "lightning",
            "LightningProfiler",
            ("on_train_start", "on_train_batch_end", "on_train_end"),
        ),
        (
            "lightning",
            "LightningProfiler",
            ("on_train_start", "on_train_batch_end", "on_exception"),
        ),
        ("huggingface", "TrainerProfiler", ("on_train_begin", "on_step_end", "on_train_end")),
    ],
)
@pytest.mark.usefixtures("torch")
def test_callbacks_of_frameworks_record_steps(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    framework: str,
    name: str,
    hooks: tuple[str, ...],
) -> None:
    for module, base in (("lightning.pytorch", "Callback"), ("transformers", "TrainerCallback")):
        stand_in = ModuleType(module)
        setattr(stand_in, base, type(base, (), {}))
        monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
    monkeypatch.delitem(sys.modules, f"{PACKAGE}.{framework}", raising=False)
    callback = getattr(importlib.import_module(f"{PACKAGE}.{framework}"), name)(
        run=framework, directory=str(tmp_path), first_step=3, steps=20
    )
    monkeypatch.delitem(sys.modules, f"{PACKAGE}.{framework}")
    begin, step, end = (getattr(callback, hook) for hook in hooks)
    begin(None, None, None) if framework == "huggingface" else begin(None, None)
    for place in range(8):
        step(None, None, None) if framework == "huggingface" else step(
            None, None, None, None, place
        )
    end(*[None] * (2 if (framework, hooks[-1]) == ("lightning", "on_train_end") else 3))
    (trace,) = callback.profiler.traces
    assert read_steps(trace) == [3, 4, 5, 6, 7]


# With PyTorch itself, where it is installed.

TRAINING = """
import torch
from panewatch.training.callback import TrainingProfiler
layer = torch.nn.Linear(8, 8)
"""


def run_real(program: str, *, limit: int | None = None) -> str:
    pytest.importorskip("torch")

    def cap() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    done = subprocess.run(
        [sys.executable, "-c", TRAINING + program], capture_output=True, text=True, check=False,
        preexec_fn=cap, env=ENVIRONMENT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


LOOP = """
FOLDER = {folder!r}
with TrainingProfiler(run="real", skip_first=2, warmup=1, active=3, directory=FOLDER) as profiler:
    for _ in range(12):
        layer(torch.rand(2, 8)).sum().backward()
        profiler.step()
print(len(profiler.traces), "traces")
"""


def test_pytorch_itself_leaves_a_trace(tmp_path: Path) -> None:
    assert "1 traces" in run_real(LOOP.format(folder=str(tmp_path)))
    (trace,) = tmp_path.iterdir()
    assert read_steps(trace) == [3, 4, 5]
    assert b"aten::linear" in gzip.decompress(trace.read_bytes())


def test_pytorch_itself_on_a_full_disk(tmp_path: Path) -> None:
    told = run_real(LOOP.format(folder=str(tmp_path)), limit=1000)
    assert "0 traces" in told
    assert "the profiler of this training failed" in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wait", [0, 2, 4, 30])
def test_pytorch_itself_keeps_the_record_of_another_profiler(tmp_path: Path, wait: int) -> None:
    program = f"""
schedule = torch.profiler.schedule(wait={wait}, warmup=2, active=3, repeat=1)
found = []
ours = TrainingProfiler(run="real", skip_first=2, warmup=1, active=3, directory={str(tmp_path)!r})
with torch.profiler.profile(
    schedule=schedule, on_trace_ready=lambda other: found.append(len(other.events()))
) as theirs, ours:
    for _ in range(40):
        layer(torch.rand(2, 8)).sum().backward()
        theirs.step()
        ours.step()
print("found", found[0] > 20)
"""
    assert "found True" in run_real(program)


@pytest.mark.parametrize("begin", [2, 3, 5])
def test_pytorch_itself_lets_a_later_profiler_take_over(tmp_path: Path, begin: int) -> None:
    program = f"""
ours = TrainingProfiler(
    run="real", skip_first=2, warmup=2, active=4, repeat=2, directory={str(tmp_path)!r}
)
with ours:
    for step in range(20):
        if step == {begin}:
            theirs = torch.profiler.profile()
            theirs.start()
        layer(torch.rand(2, 8)).sum().backward()
        if step == {begin} + 9:
            theirs.stop()
            print("found", len(theirs.events()) > 20)
        ours.step()
print(len(ours.traces), "traces")
"""
    told = run_real(program)
    assert "found True" in told
    assert "0 traces" in told
