"""The errors of GPUs (XID) that the driver reports as events: a thread waits for them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from panewatch.machine.gpu.nvml import Handle, Nvml, NvmlError, find_address

_WAIT_SECONDS: Final = 1.0
_END_SECONDS: Final = 1.5


class XidCounts:
    """How often which error was reported of which GPU. Any thread may count and read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[int]] = {}

    def watch(self, uuids: Iterable[str]) -> None:
        """Take note of GPUs whose errors will be counted."""
        with self._lock:
            for uuid in uuids:
                self._counts.setdefault(uuid, Counter())

    def add(self, uuid: str, xid: int) -> None:
        """Count an error of a GPU that was taken note of."""
        with self._lock:
            self._counts[uuid][xid] += 1

    def read(self) -> Mapping[str, Mapping[int, int]]:
        """Return what was counted so far, by UUID and number."""
        with self._lock:
            return {uuid: dict(counts) for uuid, counts in self._counts.items()}


class XidWatch:
    """Waits for the errors of some GPUs, in a thread of its own, until it is closed.

    Args:
        nvml: The library; it has to stay open until `close` has told that the thread ended.
        devices: The GPUs, by UUID.
        counts: Where errors are counted.

    Raises:
        NvmlError: the library offers no events.
    """

    def __init__(self, nvml: Nvml, devices: Mapping[str, Handle], counts: XidCounts) -> None:
        self._nvml = nvml
        self._counts = counts
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._wanted: Mapping[str, Handle] | None = None
        self._uuids: dict[int, str] = {}
        if self._register(devices):
            self._thread = threading.Thread(
                target=self._run, name="panewatch-gpu-xids", daemon=True
            )
            self._thread.start()

    def follow(self, devices: Mapping[str, Handle]) -> bool:
        """Wait for the errors of these GPUs instead, within a second; False where nobody waits."""
        self._wanted = devices
        return self._thread is not None

    def close(self, timeout: float = _END_SECONDS) -> bool:
        """End the thread; tell whether it has ended in time. It never does where it hangs."""
        self._ending.set()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._ending.is_set():
            begun = time.monotonic()
            try:
                self._change()
                event = self._nvml.wait_event(self._events, _WAIT_SECONDS)
            except NvmlError:
                # It may answer so at once and for ever, as long as one of the GPUs is lost.
                self._ending.wait(_WAIT_SECONDS)
                continue
            if event is None:
                # Where the driver did not wait this does; an error that comes meanwhile is kept.
                self._ending.wait(max(0.0, begun + _WAIT_SECONDS - time.monotonic()))
            elif event[0] in self._uuids:
                self._counts.add(self._uuids[event[0]], event[1])
        try:
            self._nvml.free_events(self._events)
        except NvmlError:
            return

    def _change(self) -> None:
        """Go over to other GPUs where that is wanted; where it fails, as far as it can be."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            before = self._events
            if self._register(wanted):
                self._nvml.free_events(before)

    def _register(self, devices: Mapping[str, Handle]) -> bool:
        found = self._nvml.watch_errors(devices.values())
        if found is None:
            return False
        self._events, watched = found
        addresses = {find_address(device): uuid for uuid, device in devices.items()}
        self._uuids = {
            address: addresses[address] for address in (find_address(each) for each in watched)
        }
        self._counts.watch(self._uuids.values())
        return True
