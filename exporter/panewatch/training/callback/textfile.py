"""One training as a text file in the format of Prometheus, with a line about who wrote it.

The exporter takes nothing else: ``docs/training.md`` says what a file may hold.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Final, Literal, NamedTuple

from panewatch.training.callback.measurement import BOUNDS, Measured
from panewatch.training.callback.origin import Origin

_MARK: Final = "# panewatch-training "
LONGEST_HEADER: Final = 1024

State = Literal["running", "finished", "failed"]
STATES: Final = ("running", "finished", "failed")


class Writer(NamedTuple):
    """What the first line tells: who wrote the file, and of what."""

    run: str
    framework: str
    state: State
    origin: Origin


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file tells. What is None is not known, and left out."""

    run: str
    framework: str
    origin: Origin
    state: State
    measured: Measured
    stands: bool
    """No batch has ended for so long that speeds are no longer true."""
    moved: float
    """When it last moved on, in Unix time."""
    epoch: float | None = None
    epochs: int | None = None
    step: int | None = None
    steps: int | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    nonfinite: int = 0
    restarts: int = 0
    memory: Mapping[str, int] = field(default_factory=dict)
    dataset_samples: int | None = None
    write_failures: int = 0

    @property
    def progress(self) -> float | None:
        """How much is done, from 0 to 1."""
        if self.steps and self.step is not None:
            return min(1.0, max(0.0, self.step / self.steps))
        if self.epochs and self.epoch is not None:
            return min(1.0, max(0.0, self.epoch / self.epochs))
        return None

    @property
    def eta(self) -> float | None:
        """Seconds until it ends, at the speed that it has."""
        rate = self.measured.per_second(self.measured.recent_batches)
        if not rate or not self.steps or self.step is None:
            return None
        return max(0, self.steps - self.step) / rate


def render(facts: Facts) -> str:
    """Return the text of a file."""
    lines = [_write_header(facts)]
    for name, kind, series in _list_families(facts):
        rows = [(suffix, labels, value) for suffix, labels, value in series if value is not None]
        if not rows:
            continue
        lines.append(f"# TYPE panewatch_training_{name} {kind}")
        lines += [
            f"panewatch_training_{name}{suffix}{_write_labels(facts.run, labels)} {value!r}"
            for suffix, labels, value in rows
        ]
    return "\n".join(lines) + "\n"


def parse_header(line: bytes) -> Writer | None:
    """Return what a first line tells; None where it is none of ours."""
    text = line.decode("ascii", "replace").rstrip("\n")
    if len(line) >= LONGEST_HEADER or not text.startswith(_MARK):
        return None
    words = dict(_WORD.findall(text))
    state = words.get("state")
    try:
        origin = Origin(int(words["pid"]), int(words["start"]), words["boot"], words["space"])
        if state not in STATES or words["version"] != "1":
            return None
        return Writer(words["run"], words["framework"], state, origin)
    except (KeyError, ValueError):
        return None


def write(path: Path, text: str) -> None:
    """Put a file in place of the one before, at once: nobody ever reads a half of it.

    Raises:
        OSError: it cannot be written; the one before is as it was.
    """
    beside = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(beside, flags, 0o644), "w", encoding="ascii") as file:  # noqa: PTH123  # with flags
            file.write(text)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


_WORD: Final = re.compile(r"([a-z]+)=([A-Za-z0-9_.-]{0,64})(?= |$)")


def _write_header(facts: Facts) -> str:
    words = {
        "version": "1",
        "run": facts.run,
        "framework": facts.framework,
        "state": facts.state,
        **{name: str(value) for name, value in facts.origin._asdict().items()},
    }
    return _MARK + " ".join(f"{key}={value}" for key, value in words.items())


def _write_labels(run: str, labels: Mapping[str, str]) -> str:
    pairs = {"run": run, **labels}
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs.items()) + "}"


_Series = tuple[str, Mapping[str, str], float | None]


def _list_families(facts: Facts) -> Iterator[tuple[str, str, Sequence[_Series]]]:
    """Yield name, type and series of each family."""
    measured, runs = facts.measured, facts.state == "running"
    quick = runs and not facts.stands

    def one(value: float | None) -> Sequence[_Series]:
        return [("", {}, value)]

    yield "epoch", "gauge", one(facts.epoch)
    yield "epochs", "gauge", one(facts.epochs)
    yield "step", "gauge", one(facts.step)
    yield "steps", "gauge", one(facts.steps)
    yield "progress_ratio", "gauge", one(facts.progress)
    yield "loss", "gauge", [("", {"split": key}, value) for key, value in facts.losses.items()]
    yield "metric", "gauge", [("", {"metric": key}, value) for key, value in facts.metrics.items()]
    if quick:
        samples = measured.per_second(measured.recent_samples)
        yield "samples_per_second", "gauge", one(samples)
        yield "steps_per_second", "gauge", one(measured.per_second(measured.recent_batches))
        yield "eta_seconds", "gauge", one(facts.eta)
    yield "nonfinite_total", "counter", one(facts.nonfinite)
    yield "restarts_total", "counter", one(facts.restarts)
    if runs:
        yield "last_progress_timestamp_seconds", "gauge", one(facts.moved)
    yield "batch_seconds", "histogram", list(_list_buckets(measured))
    yield "samples_total", "counter", one(measured.samples)
    yield "data_wait_seconds_total", "counter", one(measured.wait)
    yield "compute_seconds_total", "counter", one(measured.compute)
    yield "memory_bytes", "gauge", [("", {"kind": key}, n) for key, n in facts.memory.items()]
    yield "dataset_samples", "gauge", one(facts.dataset_samples)
    yield "write_failures_total", "counter", one(facts.write_failures)


def _list_buckets(measured: Measured) -> Iterator[_Series]:
    bounds = (*map(str, BOUNDS), "+Inf")
    for bound, count in zip(bounds, accumulate(measured.buckets), strict=True):
        yield "_bucket", {"le": bound}, count
    yield "_count", {}, measured.batches
    yield "_sum", {}, measured.wait + measured.compute
