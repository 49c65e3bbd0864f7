"""The examples of docs/profiles.md run, and its tables say what the code does."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from panewatch.config import Config
from panewatch.training.callback import TrainingProfiler
from panewatch.training.profiles import contract, shelf
from training.test_callbacks import stand_ins
from training.test_profiler import read_steps, torch

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text("utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PROFILERS = {"TrainingProfiler", "LightningProfiler", "TrainerProfiler"}

__all__ = ["stand_ins", "torch"]


def read_first_column(heading: str) -> list[str]:
    """The names in the first column of the table that begins so."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)))


@pytest.mark.usefixtures("stand_ins", "torch")
@pytest.mark.parametrize("example", PYTHON, ids=lambda text: text.splitlines()[0])
def test_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANEWATCH_TRAINING__PROFILES_DIRECTORY", str(tmp_path))
    kept: list[Any] = []
    names = {
        "loader": [([1, 2], [0, 1])] * 120, "train": lambda *_: 0.5, "model": object(),
        "Trainer": lambda callbacks, **_: kept.extend(callbacks),
    }  # fmt: skip
    exec(example, names)  # noqa: S102  # the page's own words
    if "with " in example:
        (file,) = tmp_path.iterdir()
        assert file.name.startswith("resnet.")
        assert read_steps(file) == [102, 103, 104, 105, 106]
    else:
        (callback,) = kept
        assert type(callback).__name__ in PROFILERS
        assert isinstance(callback.profiler, TrainingProfiler)


def test_there_is_an_example_for_each_profiler() -> None:
    assert {
        name for name in PROFILERS for example in PYTHON if f"import {name}" in example
    } == PROFILERS


@pytest.mark.usefixtures("stand_ins")
def test_what_hydra_would_build_can_be_built() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for settings in yaml.safe_load(example)["callbacks"]:
        module, _, name = settings.pop("_target_").rpartition(".")
        assert getattr(importlib.import_module(module), name)(**settings)


def test_every_argument_is_in_the_table_with_its_default() -> None:
    told = read_first_column("argument")
    parameters = inspect.signature(TrainingProfiler).parameters
    assert sorted(told) == sorted(parameters)
    table = PAGE.partition("| argument |")[2].partition("\n\n")[0]
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    for names, default in re.findall(r"^\|([^|]*)\|([^|]*)\|", table, re.MULTILINE)[1:]:
        found = [defaults[name] for name in re.findall(r"`(\w+)`", names)]
        if re.fullmatch(r"[ 0-9,]+|true|false", default.strip()):
            assert [str(value).lower() for value in found[: len(default.split(","))]] == [
                part.strip() for part in default.split(",")
            ]


def test_every_reason_is_in_the_table() -> None:
    assert sorted(read_first_column("reason")) == sorted(contract.FAILURES)


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    text = " ".join(PAGE.split())
    config = Config()
    assert f"every {config.collectors.profiles.interval:.0f} seconds" in text
    assert f"changed for {shelf._SETTLED_SECONDS:.0f} seconds" in text
    assert f"Of {shelf.MOST_RUNS} runs at most" in text
    assert f"at most {shelf._MOST_TRIES} bad files" in text
    assert config.training.profiles_expire_after == 86400
