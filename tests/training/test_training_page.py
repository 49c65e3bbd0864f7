"""The examples of docs/training.md run, and its tables say what the code does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from panewatch.training.callback import TrainingMonitor
from panewatch.training.contract import TEXTFILE_FAILURES
from training.test_callbacks import CLASSES, PACKAGE, stand_ins

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

__all__ = ["stand_ins"]


class Keeper:
    """Stands in for a model and a Trainer: keeps the callbacks that it is given."""

    def __init__(self, callbacks: Any = (), **_: Any) -> None:
        self.callbacks = callbacks
        kept.extend(callbacks)

    def fit(self, _data: object, callbacks: Any, **_: Any) -> None:
        kept.extend(callbacks)


kept: list[Any] = []


@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize("example", PYTHON, ids=lambda text: text.splitlines()[0])
def test_example_runs(
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PANEWATCH_TRAINING__TEXTFILE_DIRECTORY", str(tmp_path))
    kept.clear()
    names = {
        "loader": [([1, 2], [0, 1])] * 3, "batches": [[1, 2]] * 3, "train": lambda *_: 0.5,
        "validate": lambda: 0.25, "Trainer": Keeper, "model": Keeper(), "data": object(),
        "TrainingMonitor": TrainingMonitor,
    }  # fmt: skip
    exec(example, names)  # noqa: S102  # the page's own words
    if "with " in example:
        (file,) = tmp_path.glob("*.prom")
        assert "_batch_seconds_count" in file.read_text()
    else:
        assert len(kept) == 1
        assert type(kept[0]).__name__ in CLASSES.values()
    assert ("p95" in capsys.readouterr().out) == ("summary" in example)


def test_there_is_an_example_for_each_callback() -> None:
    for module, name in CLASSES.items():
        assert any(f"from {PACKAGE}.{module} import {name}" in example for example in PYTHON)


@pytest.mark.usefixtures("stand_ins")
def test_what_hydra_would_build_can_be_built() -> None:
    import importlib

    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for settings in yaml.safe_load(example)["callbacks"]:
        module, _, name = settings.pop("_target_").rpartition(".")
        built = getattr(importlib.import_module(module), name)(**settings)
        assert built.monitor.summary()["run"] == "resnet"


def test_every_argument_is_in_the_table() -> None:
    table = PAGE.partition("| argument |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))))
    assert told == set(inspect.signature(TrainingMonitor).parameters)


def test_every_reason_is_in_the_table() -> None:
    table = PAGE.partition("| reason |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))))
    assert told == set(TEXTFILE_FAILURES)
