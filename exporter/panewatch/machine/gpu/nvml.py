"""NVML, the library of NVIDIA's driver: the one place that calls it.

The binding is loaded only where the library is: it takes several MiB. Calls may hang for as
long as the driver does; whoever makes them has to have a thread to spare.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

Handle: TypeAlias = Any
"""A device of the library, or a set of events; valid until `Nvml.close`."""

_LIBRARY: Final = "libnvidia-ml.so.1"

_REASONS: Final = {
    0: "unsupported",  # "well, and there is nothing", where the binding expects something
    1: "uninitialized",
    3: "unsupported",
    4: "permission",
    6: "unsupported",  # not found: nothing of the kind
    9: "no_driver",
    10: "timeout",
    12: "no_library",
    13: "missing_symbol",
    15: "lost",
    16: "lost",  # needs a reset
    18: "driver_mismatch",
    21: "unsupported",  # no data
    25: "unsupported",  # a version of the structure that this driver does not know
    26: "unsupported",  # deprecated
    28: "lost",  # no such GPU, of a handle that was good before
}
"""What the error codes of the library mean here; all others are ``unknown``."""


class NvmlError(Exception):
    """A call failed.

    `reason` is ``unsupported``, ``permission``, ``timeout``, ``lost``, ``missing_symbol``,
    ``uninitialized``, ``no_library``, ``no_driver``, ``driver_mismatch`` or ``unknown``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Nvml:
    """The library, once it is open. One thread at a time, but for `wait_event`."""

    def __init__(self) -> None:
        self._binding: Any = None

    def open(self) -> None:
        """Load the library, and have it look for GPUs.

        Raises:
            NvmlError: why that is not possible.
        """
        if self._binding is None:
            try:
                ctypes.CDLL(_LIBRARY)
            except OSError:
                raise NvmlError("no_library") from None
            import pynvml  # noqa: PLC0415 only where there is something to call

            self._binding = pynvml
        self._call("nvmlInit")

    def close(self) -> None:
        """Leave the driver alone again; an error changes nothing about that."""
        try:
            self._call("nvmlShutdown")
        except NvmlError:
            return

    def read_driver(self) -> str:
        """Return the driver's version."""
        return str(self._call("nvmlSystemGetDriverVersion"))

    def count(self) -> int:
        """Return how many GPUs the driver counts, also those that are lost."""
        return int(self._call("nvmlDeviceGetCount"))

    def find(self, index: int) -> Handle:
        """Return the GPU of an index."""
        return self._call("nvmlDeviceGetHandleByIndex", index)

    def read_uuid(self, device: Handle) -> str:
        """Return the UUID of a GPU or MIG device."""
        return str(self._call("nvmlDeviceGetUUID", device))

    def read_name(self, device: Handle) -> str:
        """Return the name of a GPU or MIG device."""
        return str(self._call("nvmlDeviceGetName", device))

    def read_utilization(self, device: Handle) -> float:
        """Return the share of time in which something ran."""
        return float(self._call("nvmlDeviceGetUtilizationRates", device).gpu) / 100

    def read_memory(self, device: Handle) -> tuple[int, int]:
        """Return the bytes in use, and all bytes."""
        try:
            memory = self._call(
                "nvmlDeviceGetMemoryInfo", device, version=self._binding.nvmlMemory_v2
            )
        except NvmlError as error:
            if error.reason not in ("missing_symbol", "unsupported"):
                raise
            # Drivers before 510 count what they keep for themselves as used.
            memory = self._call("nvmlDeviceGetMemoryInfo", device)
        return int(memory.used), int(memory.total)

    def read_temperature(self, device: Handle) -> int:
        """Return the temperature in Celsius."""
        return int(
            self._call("nvmlDeviceGetTemperature", device, self._binding.NVML_TEMPERATURE_GPU)
        )

    def read_slowdown_temperature(self, device: Handle) -> int:
        """Return the temperature in Celsius from which the GPU slows down."""
        threshold = self._binding.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN
        return int(self._call("nvmlDeviceGetTemperatureThreshold", device, threshold))

    def read_power(self, device: Handle) -> float:
        """Return the power in watts."""
        return float(self._call("nvmlDeviceGetPowerUsage", device)) / 1000

    def read_power_limit(self, device: Handle) -> float:
        """Return the limit of the power that holds, in watts."""
        return float(self._call("nvmlDeviceGetEnforcedPowerLimit", device)) / 1000

    def read_energy(self, device: Handle) -> float:
        """Return the energy since the driver was loaded, in joules."""
        return float(self._call("nvmlDeviceGetTotalEnergyConsumption", device)) / 1000

    def read_clock(self, device: Handle, clock: str) -> float:
        """Return a clock in hertz: ``graphics``, ``sm``, ``memory`` or ``video``."""
        kinds = {"graphics": "GRAPHICS", "sm": "SM", "memory": "MEM", "video": "VIDEO"}
        kind = getattr(self._binding, f"NVML_CLOCK_{kinds[clock]}")
        return float(self._call("nvmlDeviceGetClockInfo", device, kind)) * 1e6

    def read_throttle(self, device: Handle) -> int:
        """Return the reasons for which the clocks are low, as the driver's bits."""
        try:
            return int(self._call("nvmlDeviceGetCurrentClocksEventReasons", device))
        except NvmlError as error:
            if error.reason != "missing_symbol":
                raise
            # Its name in drivers before 535.
            return int(self._call("nvmlDeviceGetCurrentClocksThrottleReasons", device))

    def read_pcie(self, device: Handle, direction: str) -> float:
        """Return the bytes per second in a direction; takes 20 ms or more."""
        counter = {"transmit": "TX", "receive": "RX"}[direction]
        kind = getattr(self._binding, f"NVML_PCIE_UTIL_{counter}_BYTES")
        return float(self._call("nvmlDeviceGetPcieThroughput", device, kind)) * 1000

    def read_ecc(self, device: Handle, kind: str) -> int:
        """Return the ``corrected`` or ``uncorrected`` errors since the driver was loaded."""
        error = getattr(self._binding, f"NVML_MEMORY_ERROR_TYPE_{kind.upper()}")
        counter = self._binding.NVML_VOLATILE_ECC
        return int(self._call("nvmlDeviceGetTotalEccErrors", device, error, counter))

    def list_migs(self, device: Handle) -> Iterable[Handle]:
        """Yield the MIG devices of a GPU; none where MIG is off."""
        mode, _ = self._call("nvmlDeviceGetMigMode", device)
        if not mode:
            return
        for index in range(int(self._call("nvmlDeviceGetMaxMigDeviceCount", device))):
            try:
                yield self._call("nvmlDeviceGetMigDeviceHandleByIndex", device, index)
            except NvmlError as error:
                if error.reason != "unsupported":  # nothing at this place
                    raise

    def read_instances(self, device: Handle) -> tuple[int, int]:
        """Return the GPU instance and the compute instance of a MIG device."""
        return (
            int(self._call("nvmlDeviceGetGpuInstanceId", device)),
            int(self._call("nvmlDeviceGetComputeInstanceId", device)),
        )

    def list_processes(self, device: Handle) -> Mapping[int, int | None]:
        """Return the bytes of each process on a GPU, None where the driver does not tell them."""
        memory: dict[int, int | None] = {}
        told = 0
        for kind in ("Compute", "Graphics"):
            try:
                found = self._call(f"nvmlDeviceGet{kind}RunningProcesses", device)
            except NvmlError as error:
                if error.reason not in ("unsupported", "missing_symbol"):
                    raise
                continue
            told += 1
            parts: dict[int, list[int | None]] = {}
            for each in found:  # with MIG, one for each part of the GPU
                parts.setdefault(each.pid, []).append(each.usedGpuMemory)
            # In both lists it is the same memory.
            memory |= {pid: None if None in each else sum(each) for pid, each in parts.items()}  # type: ignore[arg-type] # None was looked for
        if not told:
            raise NvmlError("unsupported")
        return memory

    def list_shares(self, device: Handle, since: int) -> tuple[Mapping[int, float], int]:
        """Return the mean share of each process, and the driver's time of its newest sample.

        Args:
            device: The GPU.
            since: That time of the call before; 0 for all samples that the driver keeps.
        """
        try:
            samples = self._call("nvmlDeviceGetProcessUtilization", device, since)
        except NvmlError as error:
            if error.reason not in ("unsupported", "missing_symbol", "permission"):
                raise
            return {}, since
        shares: dict[int, list[int]] = {}
        for sample in samples:
            if sample.smUtil <= 100:  # noqa: PLR2004 percent; some drivers give garbage above
                shares.setdefault(sample.pid, []).append(sample.smUtil)
            since = max(since, sample.timeStamp)
        return {pid: sum(each) / len(each) / 100 for pid, each in shares.items()}, since

    def watch_errors(self, devices: Iterable[Handle]) -> tuple[Handle, list[Handle]] | None:
        """Return a set of events for `wait_event`, and the GPUs that report into it.

        None where no GPU does.
        """
        kind = self._binding.nvmlEventTypeXidCriticalError
        events = self._call("nvmlEventSetCreate")
        watched = []
        for device in devices:
            try:
                if self._call("nvmlDeviceGetSupportedEventTypes", device) & kind:
                    self._call("nvmlDeviceRegisterEvents", device, kind, events)
                    watched.append(device)
            except NvmlError:
                continue
        if watched:
            return events, watched
        self.free_events(events)
        return None

    def wait_event(self, events: Handle, seconds: float) -> tuple[int, int] | None:
        """Wait for the next error of a GPU: its address and the error's number; or None."""
        try:
            event = self._call("nvmlEventSetWait", events, int(seconds * 1000))
        except NvmlError as error:
            if error.reason == "timeout":
                return None
            raise
        return find_address(event.device), int(event.eventData)

    def free_events(self, events: Handle) -> None:
        """Give up a set of events."""
        self._call("nvmlEventSetFree", events)

    def _call(self, name: str, *arguments: Any, **named: Any) -> Any:
        function: Callable[..., Any] = getattr(self._binding, name)
        try:
            return function(*arguments, **named)
        except self._binding.NVMLError as error:
            raise NvmlError(_REASONS.get(error.value, "unknown")) from None
        except UnicodeDecodeError:
            raise NvmlError("unknown") from None


def find_address(device: Handle) -> int:
    """Return what tells one GPU's handle from another's."""
    return int(ctypes.cast(device, ctypes.c_void_p).value or 0)
