"""One file of a callback, taken or refused as a whole.

Whoever can write there may write anything. Only families of the contract pass, with their
type, their labels, values that make sense, and all of one run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.samples import Sample

from panewatch.contract import MetricSpec
from panewatch.training import contract as c
from panewatch.training.callback.textfile import LONGEST_HEADER, Writer, parse_header
from panewatch.training.plain_files import RefusedError
from panewatch.training.spelling import load_spellings

MOST_BYTES: Final = 64 * 1024
_MOST_SERIES: Final = 300
_MOST_BUCKETS: Final = 40
_MOST_METRICS: Final = 20

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_SERIES: Final = re.compile(r"([a-z][a-z0-9_]{0,79})\{([^{}]{1,300})\} ([0-9A-Za-z.+-]{1,32})")
_LABEL: Final = re.compile(r'([a-z]{1,16})="([A-Za-z0-9_.+-]{1,64})"')
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,25}(\.[0-9]{0,25})?)([eE][+-]?[0-9]{1,3})?")

# The exporter itself says what a run is, and whether it stands.
_TAKEN: Final = {
    spec.full_name: spec
    for spec in (*c.RUNS, *c.CALLBACKS)
    if spec not in {c.TRAINING_INFO, c.TRAINING_STALLED}
}
_PARTS: Final = ("_bucket", "_count", "_sum")
_CLOSED: Final = {"split": c.SPLITS, "kind": c.MEMORY}
_SIGNED: Final = {c.TRAINING_LOSS, c.TRAINING_METRIC}


@dataclass(frozen=True, slots=True)
class Told:
    """What a file tells.

    Attributes:
        run: The run that all of it is about.
        writer: Who wrote it; None where the file does not tell.
        samples: Its samples by the name of their family in the contract.
    """

    run: str
    writer: Writer | None
    samples: Mapping[str, tuple[Sample, ...]]

    def find(self, spec: MetricSpec) -> float | None:
        """Return the value of a family that has one sample; None where it is not told."""
        found = self.samples.get(spec.name)
        return found[0].value if found else None


def parse(data: bytes) -> Told:
    """Read a file.

    Raises:
        RefusedError: something in it may not be there.
    """
    if len(data) > MOST_BYTES:
        raise RefusedError("too_large")
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise RefusedError("garbage") from None
    if not text.endswith("\n"):
        raise RefusedError("garbage")
    writer = parse_header(data[:LONGEST_HEADER].partition(b"\n")[0] + b"\n")
    found: dict[str, list[Sample]] = {}
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for line in text[:-1].split("\n"):
        if line.startswith("#"):
            _check_comment(line)
            continue
        spec, sample = _read(line)
        key = sample.name, frozenset(sample.labels.items())
        if key in seen:
            raise RefusedError("duplicate")
        seen.add(key)
        found.setdefault(spec.name, []).append(sample)
    if len(seen) > _MOST_SERIES or len(found.get(c.TRAINING_METRIC.name, ())) > _MOST_METRICS:
        raise RefusedError("too_large")
    runs = {sample.labels["run"] for samples in found.values() for sample in samples}
    if writer is not None:
        runs.add(writer.run)
    if len(runs) != 1:
        raise RefusedError("label" if runs else "garbage")
    _check_histogram(found.get(c.TRAINING_BATCH_SECONDS.name, ()))
    found[c.TRAINING_METRIC.name] = _name_metrics(found.get(c.TRAINING_METRIC.name, []))
    return Told(runs.pop(), writer, {name: tuple(samples) for name, samples in found.items()})


def _name_metrics(samples: list[Sample]) -> list[Sample]:
    """Give metrics the names that they have where a pane shows them, unless one has it already."""
    spellings = load_spellings()
    told = {sample.labels["metric"]: sample for sample in samples}
    named: list[Sample] = []
    for label, sample in tuple(told.items()):
        name = spellings.name_metric(label)
        if name in told:
            named.append(sample)
            continue
        told[name] = sample
        named.append(sample._replace(labels=sample.labels | {"metric": name}))
    return named


def _check_comment(line: str) -> None:
    words = line.split(" ")
    if words[:2] == ["#", "TYPE"]:
        spec = _TAKEN.get(words[2]) if len(words) == 4 else None  # noqa: PLR2004  # mark, word, name, type
        if spec is None:
            raise RefusedError("name")
        if words[3] != spec.type:
            raise RefusedError("type")


def _read(line: str) -> tuple[MetricSpec, Sample]:
    match = _SERIES.fullmatch(line)
    if match is None:
        raise RefusedError("garbage")
    name, pairs, number = match.groups()
    spec, part = _find_spec(name)
    labels: dict[str, str] = {}
    for pair in pairs.removesuffix(",").split(","):
        label = _LABEL.fullmatch(pair)
        if label is None or label[1] in labels:
            raise RefusedError("label")
        labels[label[1]] = label[2]
    wanted = {*spec.labels, "le"} if part == "_bucket" else {*spec.labels}
    if set(labels) != wanted:
        raise RefusedError("label")
    for key, value in labels.items():
        if key != "le" and not (
            value in _CLOSED[key] if key in _CLOSED else _NAME.fullmatch(value)
        ):
            raise RefusedError("label")
    return spec, Sample(name, labels, _read_value(spec, number))


def _find_spec(name: str) -> tuple[MetricSpec, str]:
    spec = _TAKEN.get(name)
    if spec is not None and spec.type != "histogram":
        return spec, ""
    for part in _PARTS:
        spec = _TAKEN.get(name.removesuffix(part))
        if spec is not None and spec.type == "histogram" and name.endswith(part):
            return spec, part
    raise RefusedError("name")


def _read_value(spec: MetricSpec, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise RefusedError("value")
    value = float(text)
    if not math.isfinite(value) or (value < 0 and spec not in _SIGNED):
        raise RefusedError("value")
    if spec.unit == "ratio" and value > 1:
        raise RefusedError("value")
    return value


def _check_histogram(samples: list[Sample] | tuple[Sample, ...]) -> None:
    """Refuse buckets that do not grow, and a count that is not that of the last."""
    if not samples:
        return
    buckets = [sample for sample in samples if sample.name.endswith("_bucket")]
    rest = {sample.name.rpartition("_")[2]: sample.value for sample in samples[len(buckets) :]}
    bounds = [_read_bound(sample.labels["le"]) for sample in buckets]
    counts = [sample.value for sample in buckets]
    whole = (
        0 < len(buckets) <= _MOST_BUCKETS
        and {"count", "sum"} == set(rest)
        and bounds[-1] == math.inf
        and bounds == sorted(set(bounds))
        and counts == sorted(counts)
        and counts[-1] == rest["count"]
    )
    if not whole:
        raise RefusedError("value")


def _read_bound(text: str) -> float:
    if text == "+Inf":
        return math.inf
    if not _NUMBER.fullmatch(text):
        raise RefusedError("label")
    return float(text)
