"""How well progress is read from real logs with known answers, where those are at hand."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from panewatch.training.reading import ProgressReader

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="../shared/corpora is not here")

LEAST_RIGHT = 0.99
LEAST_OF_A_FORMAT = 0.95

Label = dict[str, object]


def read_labels(name: str) -> Iterator[Label]:
    file = CORPORA / "labels" / f"{name}.jsonl"
    for line in file.read_text(encoding="utf8").splitlines():
        yield json.loads(line)


def read_wanted(label: Label) -> dict[str, float]:
    names = ("epoch", "step", "loss", "val_loss")
    wanted: dict[str, float] = {name: float(str(label[name])) for name in names if name in label}
    if label.get("percent") == 100 and label["step"] != label["step_total"]:
        del wanted["step"]  # the label was cut to the last digit of 233/233
    if "throughput" in label:
        name = "tokens" if label.get("unit") == "tokens/s" else "samples"
        wanted[f"{name}_per_second"] = float(str(label["throughput"]))
    return wanted


def is_close(a: float | None, b: float) -> bool:
    if a is None:
        return False
    return math.isclose(a, b, rel_tol=0.005) or (math.isnan(a) and math.isnan(b))


def test_real_progress_is_read_right() -> None:
    reader = ProgressReader()
    by_file: dict[str, list[Label]] = defaultdict(list)
    for label in read_labels("training"):
        by_file[str(label["file"])].append(label)
    right: Counter[str] = Counter()
    all_values: Counter[str] = Counter()
    for file, labels in by_file.items():
        lines = (CORPORA / "training" / file).read_bytes().split(b"\n")
        for label in labels:
            raw = lines[int(str(label["line"])) - 1].decode(errors="replace")
            told = [reader.read(part.expandtabs()) for part in raw.split("\r")]
            wanted = read_wanted(label)
            values = [progress.values for progress in told if progress is not None]
            framework = str(label["framework"])
            all_values[framework] += len(wanted)
            right[framework] += max(
                (sum(is_close(v.get(k), x) for k, x in wanted.items()) for v in values), default=0
            )
    shares = {name: right[name] / count for name, count in all_values.items() if count}
    assert sum(right.values()) / sum(all_values.values()) >= LEAST_RIGHT
    assert min(shares.values()) >= LEAST_OF_A_FORMAT, shares
    assert len(shares) >= 20


def test_no_loss_is_made_up_of_logs_of_builds() -> None:
    reader = ProgressReader()
    for label in read_labels("ci_pass"):
        for raw in (CORPORA / "ci" / str(label["file"])).read_bytes().split(b"\n"):
            for part in raw.decode(errors="replace").split("\r"):
                progress = reader.read(part.expandtabs())
                assert progress is None or "loss" not in progress.values, part
