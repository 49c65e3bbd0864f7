"""Where the time of the steps went: each instant is given to one cause.

The first of these that holds at an instant takes it:

1. with a device: it computes; it only communicates; it only copies; the training's own thread
   waits for data; some thread waits for the device; some thread calls an operator or the
   driver; the training's own thread is in something that has a name; nothing.
2. without one: the training's own thread waits for data; some thread computes; the training's
   own thread is in something that has a name; nothing.

Work of the device comes first, because what it overlaps costs nothing. Without a device the
wait comes first, because a loader in the same process computes to make its batches.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from panewatch.training.traces.intervals import Intervals, divide, merge
from panewatch.training.traces.names import Kind
from panewatch.training.traces.profile import PARTS, Part, Share, Step
from panewatch.training.traces.timeline import Timeline

Cause = Literal[
    "compute", "communication", "memcpy", "data_wait", "sync", "host", "named", "nothing"
]

_PARTS: Final[Mapping[Cause, Part]] = {
    "compute": "compute",
    "communication": "other",
    "memcpy": "memcpy",
    "data_wait": "data_wait",
    "sync": "other",
    "host": "other",
    "named": "other",
    "nothing": "idle",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The time of the steps, and what findings rest on.

    Attributes:
        steps: In the order of time.
        seconds: The time of all steps, each instant once.
        ratios: How much of that each cause took, 0 to 1; all 0 where there is no time.
        on_device: Whether a device did anything, at any time.
        syncs: How often the host began to wait for the device within the steps.
        sync_ratio: How much of the time it waited, whether or not the device worked then.
        launches: How often the host sent work to the device, in the whole trace.
        kernels: How many kernels ran, in the whole trace.
        kernel_median: How long the one in the middle took, in seconds.
    """

    steps: tuple[Step, ...]
    seconds: float
    ratios: Mapping[Cause, float]
    on_device: bool
    syncs: int
    sync_ratio: float
    launches: int
    kernels: int
    kernel_median: float

    @property
    def shares(self) -> tuple[Share, ...]:
        """The ratios by the parts of the contract."""
        sums = dict.fromkeys(PARTS, 0.0)
        for cause, ratio in self.ratios.items():
            sums[_PARTS[cause]] += ratio
        return tuple(Share(part, ratio) for part, ratio in sums.items())

    @property
    def device_free(self) -> float:
        """How much of the time no device worked; 0 where there is none."""
        busy = sum(self.ratios[cause] for cause in ("compute", "communication", "memcpy"))
        return max(0.0, 1.0 - busy) if self.on_device and self.seconds else 0.0


def account(timeline: Timeline) -> Account:
    """Walk all threads and say where the time of the steps went."""
    main = timeline.find_main()
    kinds: dict[Kind, list[Intervals]] = {kind: [] for kind in Kind}
    own: dict[Kind, Intervals] = {}
    sync_starts: array[float] = array("d")
    for key in timeline.threads:
        covers, starts = timeline.walk(key)
        sync_starts += starts
        if key == main:
            own = covers
        for kind, cover in covers.items():
            kinds[kind].append(cover)
    for kind, cover in timeline.device.items():
        kinds[kind].append(cover)
    on_device = any(timeline.device.values())
    steps, windows = _find_steps(timeline)
    total = windows.measure()
    sync = merge(kinds[Kind.SYNC])
    waited, _ = divide(windows, sync)
    ratios = _give_away(windows, _order_causes(kinds, own, sync, on_device=on_device))
    names = timeline.names
    return Account(
        steps=steps,
        seconds=total / 1e6,
        ratios=ratios,
        on_device=on_device,
        syncs=_count_within(sync_starts, windows),
        sync_ratio=waited.measure() / total if total else 0.0,
        launches=sum(
            calls for calls, kind in zip(names.calls, names.kinds, strict=True)
            if kind is Kind.LAUNCH
        ),
        kernels=len(timeline.durations),
        kernel_median=median(timeline.durations) / 1e6 if timeline.durations else 0.0,
    )  # fmt: skip


def _order_causes(
    kinds: Mapping[Kind, list[Intervals]],
    own: Mapping[Kind, Intervals],
    sync: Intervals,
    *,
    on_device: bool,
) -> list[tuple[Cause, Intervals]]:
    operators = merge([*kinds[Kind.OPERATOR], *kinds[Kind.CALL], *kinds[Kind.LAUNCH]])
    wait = own.get(Kind.WAIT, Intervals())
    named: tuple[Cause, Intervals] = ("named", own.get(Kind.ANNOTATION, Intervals()))
    if not on_device:
        return [("data_wait", wait), ("compute", operators), named]
    return [
        ("compute", merge(kinds[Kind.KERNEL])),
        ("communication", merge(kinds[Kind.COMMUNICATION])),
        ("memcpy", merge(kinds[Kind.COPY])),
        ("data_wait", wait),
        ("sync", sync),
        ("host", operators),
        named,
    ]


def _give_away(windows: Intervals, causes: list[tuple[Cause, Intervals]]) -> dict[Cause, float]:
    ratios: dict[Cause, float] = dict.fromkeys(_PARTS, 0.0)
    total = windows.measure()
    if not total:
        return ratios
    left = windows
    for cause, instants in causes:
        taken, left = divide(left, instants)
        ratios[cause] = taken.measure() / total
    ratios["nothing"] = max(0.0, 1.0 - sum(ratios.values()))
    return ratios


def _find_steps(timeline: Timeline) -> tuple[tuple[Step, ...], Intervals]:
    """Return the steps, and when any of them was; the whole trace where it marks none."""
    found = sorted(timeline.windows, key=lambda window: (window.start, window.end))
    windows = Intervals()
    if not found:
        windows.add(timeline.first, timeline.last)
        return (Step(None, windows.measure() / 1e6),), windows
    for window in found:
        windows.add(window.start, window.end)
    steps = tuple(Step(window.number, (window.end - window.start) / 1e6) for window in found)
    return steps, windows


def _count_within(times: array[float], windows: Intervals) -> int:
    count = index = 0
    for time in sorted(times):
        while index < len(windows.ends) and windows.ends[index] <= time:
            index += 1
        count += index < len(windows.ends) and windows.starts[index] <= time
    return count
