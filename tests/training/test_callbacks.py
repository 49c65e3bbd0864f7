"""The callbacks of frameworks: driven as the frameworks do, and by them where they are there."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from polling import wait_until
from training.trained import read_file

PACKAGE = "panewatch.training.callback"
CLASSES = {
    "lightning": "LightningMonitor", "huggingface": "TrainerMonitor", "keras": "KerasMonitor",
}  # fmt: skip


class Base:
    """Stands in for the base class of a framework's callbacks."""

    params: dict[str, Any]


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Frameworks that have nothing but the base class."""
    classes = {
        "lightning": {}, "lightning.pytorch": {"Callback": Base},
        "transformers": {"TrainerCallback": Base},
        "keras": {}, "keras.callbacks": {"Callback": Base},
    }  # fmt: skip
    for name, attributes in classes.items():
        module = ModuleType(name)
        module.__dict__.update(attributes, __path__=[])
        monkeypatch.setitem(sys.modules, name, module)
    before = {name: sys.modules.pop(f"{PACKAGE}.{name}", None) for name in CLASSES}
    yield
    for name, module_before in before.items():
        sys.modules.pop(f"{PACKAGE}.{name}", None)
        if module_before is not None:
            sys.modules[f"{PACKAGE}.{name}"] = module_before


def make(framework: str, folder: Path, **options: Any) -> Any:
    module = importlib.import_module(f"{PACKAGE}.{framework}")
    options = {"run": framework, "directory": str(folder), "interval": 0.05} | options
    return getattr(module, CLASSES[framework])(**options)


def batch_of(count: int) -> SimpleNamespace:
    return SimpleNamespace(shape=(count, 3))


@pytest.mark.usefixtures("stand_ins")
def test_lightning_is_followed(tmp_path: Path) -> None:
    callback = make("lightning", tmp_path)
    loop = SimpleNamespace(total_batch_idx=-1)
    trainer = SimpleNamespace(
        max_epochs=2, max_steps=-1, num_training_batches=3, accumulate_grad_batches=1,
        train_dataloader=SimpleNamespace(dataset=[1] * 7), fit_loop=loop, current_epoch=0,
        sanity_checking=False, callback_metrics={"val_loss": 0.25, "other": 1.0},
    )  # fmt: skip
    callback.on_train_start(trainer, None)
    for epoch in range(2):
        trainer.current_epoch = epoch
        callback.on_train_epoch_start(trainer, None)
        for place, count in enumerate((3, 3, 1)):
            callback.on_train_batch_start(trainer, None, batch_of(count), place)
            loop.total_batch_idx += 1
            callback.on_train_batch_end(trainer, None, {"loss": 0.5}, batch_of(count), place)
        callback.on_validation_start(trainer, None)
        callback.on_validation_end(trainer, None)
    found = callback.monitor.summary()
    callback.on_train_end(trainer, None)
    assert (found["batches"], found["samples"], found["step"], found["epoch"]) == (6, 14, 6, 2)
    assert found["progress_ratio"] == 1.0
    assert found["dataset_samples"] == 7
    assert found["loss"] == {"train": 0.5, "val": 0.25}
    told = read_file(tmp_path)
    assert told.writer is not None
    assert (told.writer.framework, told.writer.state) == ("lightning", "finished")


@pytest.mark.usefixtures("stand_ins")
def test_lightning_that_fails_or_is_resumed(tmp_path: Path) -> None:
    callback = make("lightning", tmp_path)
    trainer = SimpleNamespace(
        max_epochs=-1, max_steps=100, num_training_batches=float("inf"),
        accumulate_grad_batches=2, train_dataloader=None,
        fit_loop=SimpleNamespace(total_batch_idx=49),
    )  # fmt: skip
    callback.on_train_start(trainer, None)
    assert callback.monitor.summary()["progress_ratio"] == 0.25
    callback.on_exception(trainer, None, RuntimeError())
    told = read_file(tmp_path)
    assert told.writer is not None
    assert told.writer.state == "failed"


@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize("framework", CLASSES)
def test_another_version_of_a_framework_costs_no_training(framework: str, tmp_path: Path) -> None:
    callback = make(framework, tmp_path)
    hooks = [name for name in dir(callback) if name.startswith("on_")]
    assert len(hooks) >= 6
    for name in hooks:
        getattr(callback, name)(*[object()] * (1 if framework == "keras" else 3))


@pytest.mark.usefixtures("stand_ins")
def test_hugging_face_is_followed(tmp_path: Path) -> None:
    callback = make("huggingface", tmp_path)
    args = SimpleNamespace(world_size=1, train_batch_size=2, gradient_accumulation_steps=2)
    state = SimpleNamespace(global_step=0, max_steps=4, num_train_epochs=2, epoch=0.0)
    loader = SimpleNamespace(dataset=[1] * 7, drop_last=False)
    callback.on_train_begin(args, state, None, train_dataloader=loader)
    for epoch in range(2):
        callback.on_epoch_begin(args, state, None)
        for place in range(2):
            callback.on_step_begin(args, state, None)
            state.global_step += 1
            state.epoch = epoch + (place + 1) / 2
            callback.on_step_end(args, state, None)
            callback.on_log(args, state, None, logs={"loss": 0.5, "learning_rate": 0.1, "x": "y"})
        callback.on_prediction_step(args, state, None)
        callback.on_log(args, state, None, logs={"eval_loss": 0.25})
        callback.on_evaluate(args, state, None)
        callback.on_save(args, state, None)
    found = callback.monitor.summary()
    callback.on_train_end(args, state, None)
    assert (found["batches"], found["samples"], found["step"], found["epoch"]) == (4, 14, 4, 2.0)
    assert found["progress_ratio"] == 1.0
    assert found["restarts"] == 0
    assert found["loss"] == {"train": 0.5, "val": 0.25}
    assert found["metrics"] == {"learning_rate": 0.1}


@pytest.mark.usefixtures("stand_ins")
def test_keras_is_followed(tmp_path: Path) -> None:
    callback = make("keras", tmp_path, batch_size=4)
    callback.params = {"epochs": 2, "steps": 3}
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for place in range(3):
            callback.on_train_batch_begin(place)
            callback.on_train_batch_end(place, {"loss": 0.5})
        callback.on_test_begin()
        callback.on_test_end()
        callback.on_epoch_end(epoch, {"loss": 0.5, "val_loss": 0.25})
    found = callback.measured_by.summary()
    callback.on_train_end()
    assert (found["batches"], found["samples"], found["step"], found["epoch"]) == (6, 24, 6, 2)
    assert found["progress_ratio"] == 1.0
    assert found["loss"] == {"train": 0.5, "val": 0.25}


class Tracker:
    """Stands in for MLflow: remembers what is logged."""

    def __init__(self, run: str | None) -> None:
        self.run, self.logged = run, list[tuple[str, dict[str, float]]]()
        self.entities = SimpleNamespace(Metric=lambda *parts: parts)

    def active_run(self) -> object:
        return self.run and SimpleNamespace(info=SimpleNamespace(run_id=self.run))

    def MlflowClient(self) -> Tracker:  # noqa: N802  # as in MLflow
        return self

    def log_batch(self, run: str, metrics: list[tuple[str, float, int, int]]) -> None:
        self.logged.append((run, {name: value for name, value, _, _ in metrics}))


def track(folder: Path, **options: Any) -> None:
    from training.trained import make_monitor

    with make_monitor(folder, **options) as monitor:
        for _ in monitor.watch([[1, 2]] * 3):
            monitor.log(loss=0.5)


def test_an_active_run_of_mlflow_gets_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Tracker("abc")
    monkeypatch.setitem(sys.modules, "mlflow", tracker)
    track(tmp_path)
    run, last = tracker.logged[-1]
    assert run == "abc"
    assert last["panewatch/batches"] == 3
    assert last["panewatch/loss/train"] == 0.5
    assert "panewatch/batch_seconds/p95" in last


@pytest.mark.parametrize("option", [{}, {"mlflow": False}])
def test_without_a_run_of_mlflow_nothing_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: dict[str, bool]
) -> None:
    tracker = Tracker("abc" if option else None)
    monkeypatch.setitem(sys.modules, "mlflow", tracker)
    track(tmp_path, **option)
    assert not tracker.logged


def test_an_mlflow_that_fails_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Tracker("abc")
    asked: list[object] = []

    def fail(*arguments: object, **_: object) -> None:
        asked.append(arguments)
        raise ConnectionError

    tracker.log_batch = fail  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "mlflow", tracker)
    track(tmp_path)
    assert asked
    assert read_file(tmp_path).samples["training_step"][0].value == 3


def test_an_mlflow_that_hangs_delays_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from training.trained import make_monitor

    tracker, go, asked = Tracker("abc"), threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> None:
        asked.set()
        go.wait(60)

    tracker.log_batch = hang  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "mlflow", tracker)
    try:
        with make_monitor(tmp_path) as monitor:
            assert asked.wait(10)
            for _ in monitor.watch([[1]] * 5):
                pass
            wait_until(lambda: "training_step" in read_file(tmp_path).samples, what="its file")
    finally:
        go.set()


# With MLflow and the frameworks themselves, where they are installed.


def test_mlflow_itself_gets_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # without it the newest asks for more
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    (tmp_path / "files").mkdir()
    with mlflow.start_run() as active:
        track(tmp_path / "files")
    metrics = mlflow.MlflowClient().get_run(active.info.run_id).data.metrics
    assert metrics["panewatch/batches"] == 3
    assert metrics["panewatch/samples"] == 6
    assert metrics["panewatch/loss/train"] == 0.5
    (last,) = mlflow.MlflowClient().get_metric_history(active.info.run_id, "panewatch/step")[-1:]
    assert (last.value, last.step) == (3, 3)


def fit_lightning(folder: Path) -> Any:
    lightning, torch = pytest.importorskip("lightning"), pytest.importorskip("torch")

    class Model(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: Any, _place: int) -> Any:
            return self.layer(batch[0]).pow(2).mean()

        def validation_step(self, batch: Any, _place: int) -> None:
            self.log("val_loss", self.layer(batch[0]).pow(2).mean())

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    callback = make("lightning", folder)
    data = torch.utils.data.TensorDataset(torch.rand(18, 4))
    trainer = lightning.Trainer(
        max_epochs=2, logger=False, enable_checkpointing=False, callbacks=[callback],
        enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    loader = torch.utils.data.DataLoader(data, batch_size=4)
    trainer.fit(Model(), loader, torch.utils.data.DataLoader(data, batch_size=9))
    return callback.monitor


def fit_huggingface(folder: Path) -> Any:
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")

    class Model(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x: Any, labels: Any) -> Any:
            return {"loss": (self.layer(x).squeeze(-1) - labels).pow(2).mean()}

    callback = make("huggingface", folder)
    data = [{"x": torch.rand(4), "labels": torch.tensor(1.0)} for _ in range(18)]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "output"), num_train_epochs=2, per_device_train_batch_size=4,
        logging_steps=1, save_strategy="no", eval_strategy="epoch", report_to=[], use_cpu=True,
        disable_tqdm=True,
    )  # fmt: skip
    transformers.Trainer(
        Model(), arguments, train_dataset=data, eval_dataset=data, callbacks=[callback]
    ).train()
    return callback.monitor


def fit_keras(folder: Path) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        keras = pytest.importorskip("keras")
    except ImportError:
        pytest.skip("keras has no backend here")
    np = pytest.importorskip("numpy")
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = np.random.default_rng(3).random((18, 4))
    callback = make("keras", folder, batch_size=4)
    model.fit(
        data, data[:, :1], batch_size=4, epochs=2, validation_data=(data, data[:, :1]), verbose=0,
        callbacks=[callback],
    )  # fmt: skip
    return callback.measured_by


@pytest.mark.filterwarnings("default")  # what frameworks warn of is theirs
@pytest.mark.parametrize("fit", [fit_lightning, fit_huggingface, fit_keras])
def test_the_framework_itself_is_followed(fit: Any, tmp_path: Path) -> None:
    begun = time.perf_counter()
    found = fit(tmp_path).summary()
    took = time.perf_counter() - begun
    assert (found["batches"], found["step"], found["epoch"]) == (10, 10, 2)
    assert found["samples"] == (40 if fit is fit_keras else 36)
    assert found["progress_ratio"] == 1.0
    assert found["restarts"] == 0
    assert found["loss"].keys() == {"train", "val"}
    assert 0 < found["data_wait_seconds"] + found["compute_seconds"] < took
    assert found["state"] == "finished"
    assert read_file(tmp_path).run == fit.__name__.removeprefix("fit_")
