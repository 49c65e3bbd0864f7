"""What the reader does about GPUs that come back only to a library that is opened anew."""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import Any
from unittest.mock import MagicMock

from panewatch.machine.gpu.nvml import Nvml, NvmlError
from panewatch.machine.gpu.reader import Reader
from panewatch.machine.gpu.xids import XidCounts, XidWatch
from polling import wait_until


class Counting(Nvml):
    """A library with two GPUs, of which one is found only where it was opened often enough."""

    def __init__(self, needed: int) -> None:
        super().__init__()
        self._binding = MagicMock()
        self.opened = self.closed = 0
        self.needed = needed

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        self.closed += 1

    def count(self) -> int:
        return 2

    def find(self, index: int) -> Any:
        if index and self.opened < self.needed:
            raise NvmlError("lost")
        return index

    def read_uuid(self, device: Any) -> str:
        return f"GPU-{device}"

    def read_temperature(self, device: Any) -> int:
        return int(device) + 40

    def _call(self, name: str, *arguments: Any, **named: Any) -> Any:  # noqa: ARG002 as the real
        raise NvmlError("unsupported")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_gpu_that_is_missing_has_the_library_opened_anew_ever_more_rarely() -> None:
    clock, nvml = Clock(), Counting(needed=10**9)
    reader = Reader(nvml, clock)
    reopened = []
    for second in range(0, 3000, 5):
        clock.now = 1000.0 + second
        before = nvml.opened
        assert reader.read().unreadable == 1
        if nvml.opened > before:
            reopened.append(second)
    pauses = [later - earlier for earlier, later in pairwise(reopened)]
    assert pauses == [35, 60, 120, 240, 480, 600, 600, 600], "the reading before it closes it"
    assert nvml.opened == nvml.closed + 1


def test_it_is_back_once_that_helped() -> None:
    clock, nvml = Clock(), Counting(needed=2)
    reader = Reader(nvml, clock)
    assert [gpu.uuid for gpu in reader.read().gpus] == ["GPU-0"]
    clock.now += 31
    assert reader.read().unreadable == 1
    reading = reader.read()
    assert [(gpu.uuid, gpu.temperature) for gpu in reading.gpus] == [("GPU-0", 40), ("GPU-1", 41)]
    assert (reading.state, reading.lost, reading.unreadable) == ("up", (), 0)
    clock.now += 10**6
    reader.read()
    assert nvml.opened == 2, "where nothing is missing it stays open"


def test_a_gpu_that_tells_nothing_though_nothing_fails_is_no_lost_one() -> None:
    """A GPU may lack every value that is looked for; it is there all the same."""

    class Silent(Counting):
        def read_temperature(self, device: Any) -> int:  # noqa: ARG002 as the real one
            raise NvmlError("unsupported")

    reading = Reader(Silent(needed=0)).read()
    assert [gpu.uuid for gpu in reading.gpus] == ["GPU-0", "GPU-1"]
    assert reading.unreadable == 0


def test_a_driver_that_does_not_wait_for_errors_is_not_asked_without_end() -> None:
    class Hasty(Counting):
        asked = 0

        def watch_errors(self, devices: Any) -> Any:
            return "events", list(devices)

        def wait_event(self, events: Any, seconds: float) -> None:  # noqa: ARG002 as the real one
            self.asked += 1

        def free_events(self, events: Any) -> None:
            assert events == "events"

    nvml = Hasty(needed=0)
    watch = XidWatch(nvml, {"GPU-0": ctypes.c_void_p(16)}, XidCounts())
    wait_until(lambda: nvml.asked, what="the first question")
    assert watch.close()
    assert nvml.asked <= 3, "once a second, and not as often as it can be"
