"""Reads all GPUs, and gets over what may happen to them and to their driver."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from panewatch.machine.gpu import contract as c
from panewatch.machine.gpu.model import Gpu, GpuProcess, MigDevice, Reading
from panewatch.machine.gpu.nvml import Handle, Nvml, NvmlError
from panewatch.machine.gpu.xids import XidCounts, XidWatch

T = TypeVar("T")

_ABSENT: Final = frozenset({"unsupported", "missing_symbol"})
_OF_SOURCE: Final = frozenset({"uninitialized", "no_driver", "driver_mismatch", "no_library"})
"""Reasons for which no GPU can be read."""


_FIRST_REOPEN_SECONDS: Final = 30.0
_LAST_REOPEN_SECONDS: Final = 600.0


class _LostError(Exception):
    """A GPU is gone, or tells nothing any more."""


@dataclass
class _Session:
    """The library while it is open."""

    driver: str = ""
    count: int = -1
    devices: dict[int, tuple[Handle, str, str]] = field(default_factory=dict)
    """Handle, UUID and name of each GPU that could be read, by index."""
    samples: dict[str, int] = field(default_factory=dict)
    """The driver's time of the newest sample of processes, by UUID."""
    watch: XidWatch | None = None
    watched: frozenset[str] = frozenset()


class Reader:
    """Reads all GPUs again and again. All calls have to come from one thread.

    Args:
        nvml: The library; a closed one.
        monotonic: The clock of what is tried again.
    """

    def __init__(self, nvml: Nvml, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.failures: Counter[str] = Counter()
        """How many values could not be read, by reason."""
        self.xids = XidCounts()
        """The errors of GPUs that were reported as events; they outlive the GPUs."""
        self._nvml = nvml
        self._monotonic = monotonic
        self._session: _Session | None = None
        self._known: dict[str, None] = {}
        self._left: XidWatch | None = None
        self._reopen_at = float("inf")
        self._reopen_pause = _FIRST_REOPEN_SECONDS

    def read(self) -> Reading:
        """Read everything. Never raises; takes as long as the driver does, maybe for ever."""
        for again in (True, False):
            was_open = self._session is not None
            try:
                return self._read_all(self._open())
            except NvmlError as error:
                self.close()
                # The driver was restarted: it may be well already.
                if not again or not was_open:
                    state = error.reason if error.reason in c.STATES else "error"
                    # What the driver says where it cannot even count them.
                    return Reading(state, lost=tuple(self._known) if state == "lost" else ())
        raise AssertionError  # the second time always returns

    def close(self) -> None:
        """Leave the driver alone, until the next reading."""
        session, self._session = self._session, None
        if session is None:
            return
        if session.watch is None or session.watch.close():
            self._nvml.close()
        else:
            # A library that a thread still waits in must not be closed under it.
            self._left = session.watch

    def _open(self) -> _Session:
        if self._session is None:
            self._nvml.open()
            # From here on there is something to close, whatever comes.
            self._session = _Session()
            try:
                self._session.driver = self._attempt(self._nvml.read_driver) or ""
            except _LostError:
                raise NvmlError("lost") from None
        return self._session

    def _read_all(self, session: _Session) -> Reading:
        count = self._nvml.count()
        if count != session.count:
            session.count, session.devices = count, {}
        by_uuid: dict[str, Gpu] = {}
        for index in range(count):
            if gpu := self._read_gpu(session, index):
                # Another one of the same UUID could not be told apart by any series.
                by_uuid.setdefault(gpu.uuid, gpu)
        gpus, found = tuple(by_uuid.values()), set(by_uuid)
        self._known |= dict.fromkeys(found)
        lost = tuple(uuid for uuid in self._known if uuid not in found)
        self._watch(session, found)
        self._plan_reopening(bool(lost) or len(gpus) < count)
        state = "up" if gpus else "lost" if count or lost else "no_gpu"
        return Reading(state, session.driver, gpus, lost, count - len(gpus))

    def _plan_reopening(self, missing: bool) -> None:
        """Open the library anew now and then while a GPU is missing: it may be back only then.

        Rarely, because that may take the driver seconds.
        """
        now = self._monotonic()
        if not missing:
            self._reopen_at, self._reopen_pause = float("inf"), _FIRST_REOPEN_SECONDS
        elif self._reopen_at == float("inf"):
            self._reopen_at = now + self._reopen_pause
        elif now >= self._reopen_at:
            self._reopen_pause = min(2 * self._reopen_pause, _LAST_REOPEN_SECONDS)
            self._reopen_at = now + self._reopen_pause
            self.close()

    def _watch(self, session: _Session, found: set[str]) -> None:
        """Watch for the errors of all GPUs that were found, and of no others.

        As long as one that is lost is among them, the driver may tell of that and nothing else.
        """
        if found == session.watched:
            return
        devices = {uuid: device for device, uuid, _ in session.devices.values()}
        if session.watch is not None and session.watch.follow(devices):
            session.watched = frozenset(devices)
            return
        if self._left is not None and not self._left.close(timeout=0.0):
            return  # where one hangs there is no second; one that ends is done by the next reading
        self._left = None
        session.watched = frozenset(devices)
        try:
            session.watch = XidWatch(self._nvml, devices, self.xids)
        except (NvmlError, RuntimeError):  # no events here, or no thread left
            session.watch = None

    def _read_gpu(self, session: _Session, index: int) -> Gpu | None:
        try:
            if index not in session.devices:
                session.devices[index] = self._find(index)
            device, uuid, name = session.devices[index]
            values = self._read_values(session, device, uuid)
        except _LostError:
            session.devices.pop(index, None)
            self.failures["lost"] += 1
            return None
        return Gpu(uuid, index, name, **values)

    def _find(self, index: int) -> tuple[Handle, str, str]:
        device = self._attempt(self._nvml.find, index)
        uuid = None if device is None else self._attempt(self._nvml.read_uuid, device)
        if not uuid:
            raise _LostError
        return device, uuid, self._attempt(self._nvml.read_name, device) or ""

    def _read_values(self, session: _Session, device: Handle, uuid: str) -> dict[str, Any]:
        nvml, attempt = self._nvml, self._attempt
        failed = self.failures.total()
        used, total = attempt(nvml.read_memory, device) or (None, None)
        values = {
            "utilization": attempt(nvml.read_utilization, device),
            "memory_used": used,
            "memory_total": total,
            "temperature": attempt(nvml.read_temperature, device),
            "slowdown_temperature": attempt(nvml.read_slowdown_temperature, device),
            "power_watts": attempt(nvml.read_power, device),
            "power_limit_watts": attempt(nvml.read_power_limit, device),
            "energy_joules": attempt(nvml.read_energy, device),
            "clocks": self._read_each(nvml.read_clock, device, c.CLOCKS),
            "throttle": attempt(nvml.read_throttle, device),
            "pcie": self._read_each(nvml.read_pcie, device, c.DIRECTIONS),
            "ecc": self._read_each(nvml.read_ecc, device, c.ECC_KINDS),
            "migs": tuple(
                mig
                for part in attempt(lambda: list(nvml.list_migs(device))) or ()
                if (mig := self._read_mig(part))
            ),
            "processes": self._read_processes(session, device, uuid),
        }
        if self.failures.total() > failed and all(v in (None, {}, ()) for v in values.values()):
            raise _LostError
        return values

    def _read_processes(
        self, session: _Session, device: Handle, uuid: str
    ) -> tuple[GpuProcess, ...] | None:
        memory = self._attempt(self._nvml.list_processes, device)
        if memory is None:
            return None
        shares: Mapping[int, float] = {}
        since = session.samples.get(uuid, 0)
        if found := self._attempt(self._nvml.list_shares, device, since):
            shares, session.samples[uuid] = found
        return tuple(GpuProcess(pid, memory[pid], shares.get(pid)) for pid in sorted(memory))

    def _read_each(
        self, read: Callable[[Handle, str], float], device: Handle, names: tuple[str, ...]
    ) -> Mapping[str, float]:
        values = {name: self._attempt(read, device, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def _read_mig(self, part: Handle) -> MigDevice | None:
        uuid = self._attempt(self._nvml.read_uuid, part)
        instances = self._attempt(self._nvml.read_instances, part)
        if not uuid or instances is None:
            return None
        name = self._attempt(self._nvml.read_name, part) or ""
        used, total = self._attempt(self._nvml.read_memory, part) or (None, None)
        return MigDevice(uuid, *instances, name.rpartition("MIG ")[2], used, total)

    def _attempt(self, read: Callable[..., T], *arguments: Any) -> T | None:
        """Return a value; None where the GPU does not have it, or it could not be read now.

        Raises:
            _LostError: the GPU is lost.
            NvmlError: no GPU can be read.
        """
        try:
            return read(*arguments)
        except NvmlError as error:
            if error.reason in _ABSENT:
                return None
            if error.reason in _OF_SOURCE:
                raise
            if error.reason == "lost":
                raise _LostError from None
            self.failures[error.reason] += 1
            return None
