"""What a profiler trace tells: where the time of its steps went, and what to do about it.

Times are seconds. Names are as the trace has them, without control characters and cut after
some thousand characters: they are whatever the training program called them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Part = Literal["data_wait", "compute", "memcpy", "idle", "other"]

PARTS: Final[tuple[Part, ...]] = ("data_wait", "compute", "memcpy", "idle", "other")
"""What an instant of a step can be; each is exactly one of them."""

FINDINGS: Final = (
    "data_bound",
    "copy_bound",
    "communication_bound",
    "sync_bound",
    "launch_bound",
    "small_kernels",
    "python_bound",
    "device_idle",
)
"""Every finding that there is, causes before the consequence."""

OTHER: Final = "other"
"""Name of the row that holds what a table has no room for."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the time of all steps was of one kind.

    Attributes:
        part: One of ``PARTS``.
        ratio: 0 to 1; those of one profile add up to 1, or are all 0 where it has no time.
    """

    part: Part
    ratio: float


@dataclass(frozen=True, slots=True)
class Operator:
    """All calls of one operator or kernel.

    Attributes:
        name: Its name, or ``OTHER`` for all that a table has no room for.
        device: Where it ran.
        calls: How often it ran.
        self_seconds: Its time without that of what it called.
        total_seconds: Its time with that; calls of itself inside itself count again.
    """

    name: str
    device: Literal["cpu", "cuda"]
    calls: int
    self_seconds: float
    total_seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the profiler's schedule.

    Attributes:
        number: As the profiler counts it; None where the trace marks no steps and stands for
            one as a whole.
        seconds: How long it took.
    """

    number: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that makes the steps slow.

    Attributes:
        name: One of ``FINDINGS``.
        advice: What to change, for people.
        evidence: The figures that it rests on, for people.
        share: How much of the time of all steps it is about, 0 to 1.
    """

    name: str
    advice: str
    evidence: str
    share: float


@dataclass(frozen=True, slots=True)
class Profile:
    """What one trace tells.

    Attributes:
        rank: Which process of a distributed training; None where nothing tells.
        world_size: How many processes there were; None where the trace does not tell.
        device_name: The first accelerator; empty where nothing ran on one.
        steps: In the order of time.
        seconds: The time of all steps, each instant once.
        operators: On the CPU, by their own time, the longest first; at most as many as were
            asked for, then one row ``OTHER`` where more were there.
        kernels: On the accelerator, kernels and copies, in the same way. Their times are those
            of the streams and add up to more than the device was busy where streams overlap.
        shares: One for each of ``PARTS``, in their order.
        findings: What stands out, in the order of ``FINDINGS``.
        events: Events of the trace that were understood.
        skipped: Events that make no sense (times that are no numbers or negative, no object)
            and those beyond what is kept.
        truncated: The trace ends in the middle, or is too broken to be read to its end; what was
            whole is in here.
        communication_ratio: How much of the time of all steps the device only communicated with
            others, or waited for them; it is in the share ``other``.
    """

    rank: int | None
    world_size: int | None
    device_name: str
    steps: tuple[Step, ...]
    seconds: float
    operators: tuple[Operator, ...]
    kernels: tuple[Operator, ...]
    shares: tuple[Share, ...]
    findings: tuple[Finding, ...]
    events: int
    skipped: int
    truncated: bool
    communication_ratio: float = 0.0
