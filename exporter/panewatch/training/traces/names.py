"""What events are called, and what that says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from panewatch.panes.text import clean
from panewatch.training.traces.profile import OTHER

MOST_NAMES: Final = 20_000
LONGEST_NAME: Final = 4000
"""Characters of a name: those of kernels differ late."""

STEP_NAME: Final = "ProfilerStep*"
_STEP: Final = re.compile(r"ProfilerStep#([0-9]{1,15})")


class Kind(IntEnum):
    """What an event means for where the time goes; those up to ``STEP`` run on the host."""

    OPERATOR = 0
    CALL = 1
    """A call of the device's driver that is none of the next two."""
    LAUNCH = 2
    SYNC = 3
    """The host waits for the device."""
    ANNOTATION = 4
    WAIT = 5
    """The training asks its data loader for a batch."""
    STEP = 6
    KERNEL = 7
    COMMUNICATION = 8
    COPY = 9
    IGNORED = 10


ON_DEVICE: Final = frozenset({Kind.KERNEL, Kind.COMMUNICATION, Kind.COPY})

_CATEGORIES: Final = {
    "cpu_op": Kind.OPERATOR,
    "operator": Kind.OPERATOR,
    "user_annotation": Kind.ANNOTATION,
    "cuda_runtime": Kind.CALL,
    "cuda_driver": Kind.CALL,
    "xpu_runtime": Kind.CALL,
    "xpu_driver": Kind.CALL,
    "mtia_runtime": Kind.CALL,
    "privateuse1_runtime": Kind.CALL,
    "privateuse1_driver": Kind.CALL,
    "runtime": Kind.CALL,
    "kernel": Kind.KERNEL,
    "gpu_memset": Kind.KERNEL,
    "memset": Kind.KERNEL,
    "gpu_memcpy": Kind.COPY,
    "memcpy": Kind.COPY,
}
"""Categories as Kineto has written them over the years, in lower case."""

_LOADER: Final = re.compile(
    r"enumerate\((?:DataLoader|IterDataPipe|MapDataPipe)\)#"  # PyTorch
    r"|\[pl\]\[profile\].*(?:dataloader_next|\.(?:train|val|test|predict)_next)$"  # Lightning
    r"|\[(?:_TrainingEpochLoop|_EvaluationLoop|_PredictionLoop)\]\.\w+_next$"
    r"|(?:get_train_batch|data_wait|dataloader|data_loading|load_batch)$",
    re.IGNORECASE,
)
_SYNC: Final = re.compile(r"(?:cuda|cu|hip|ze|ur|musa|aclrt)[A-Za-z]*Synchronize")
_LAUNCH: Final = re.compile(r"(?:cuda|cu|hip|ze|ur|musa|aclrt)[A-Za-z]*Launch")
_COMMUNICATION: Final = re.compile(r"(?:nccl|rccl|msccl|oneccl)", re.IGNORECASE)
# PyTorch leaves these out of its tables too: they are part of how it measures.
_IGNORED: Final = {
    "profiler::_record_function_enter", "profiler::_record_function_enter_new",
    "profiler::_record_function_exit", "aten::is_leaf", "aten::output_nr", "aten::_version",
}  # fmt: skip

_SPECIAL: Final = {
    Kind.CALL: ((Kind.SYNC, _SYNC), (Kind.LAUNCH, _LAUNCH)),
    Kind.ANNOTATION: ((Kind.WAIT, _LOADER),),
    Kind.KERNEL: ((Kind.COMMUNICATION, _COMMUNICATION),),
}
"""What events of a category are instead, by their names."""


def find_category(name: str) -> Kind:
    """Return what the events of a category are, for short; ``IGNORED`` where they do not count."""
    return _CATEGORIES.get(name.lower(), Kind.IGNORED)


def read_step(name: str) -> int | None:
    """Return the number of a step, None for any other name."""
    match = _STEP.fullmatch(name)
    return int(match[1]) if match else None


def _find_kind(category: Kind, name: str) -> Kind:
    if category is Kind.OPERATOR and name in _IGNORED:
        return Kind.IGNORED
    if category is Kind.ANNOTATION and read_step(name) is not None:
        return Kind.STEP
    for kind, pattern in _SPECIAL.get(category, ()):
        if pattern.match(name):
            return kind
    return category


@dataclass(slots=True)
class Names:
    """The names of a trace, numbered, with what is added up for each.

    ``kinds``, ``texts``, ``calls``, ``selfs`` and ``totals`` are by number; times are in
    microseconds. At most ``MOST_NAMES`` are told apart; the rest goes by ``OTHER``.
    """

    kinds: list[Kind] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    selfs: list[float] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)
    _numbers: dict[tuple[Kind, str], int] = field(default_factory=dict)

    def number(self, category: Kind, raw: str) -> int:
        """Return the number of a name in a category; equal ones have the same."""
        name = clean(raw[:LONGEST_NAME])
        kind = _find_kind(category, name)
        text = STEP_NAME if kind is Kind.STEP else name
        if len(self.texts) >= MOST_NAMES and (kind, text) not in self._numbers:
            text = OTHER
        number = self._numbers.setdefault((kind, text), len(self.texts))
        if number == len(self.texts):
            self.kinds.append(kind)
            self.texts.append(text)
            self.calls.append(0)
            self.selfs.append(0.0)
            self.totals.append(0.0)
        return number
