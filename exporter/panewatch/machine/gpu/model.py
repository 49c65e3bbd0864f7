"""What one reading tells of the GPUs. A value that is not known is None or left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that has something on a GPU.

    Attributes:
        pid: As the driver counts it: in the machine's first process namespace.
        memory: Bytes of the GPU's memory; None where the driver does not tell.
        utilization: Share of the GPU's time that it had lately, 0 to 1; None where the
            driver does not tell, or had no sample of it.
    """

    pid: int
    memory: int | None
    utilization: float | None


@dataclass(frozen=True, slots=True)
class MigDevice:
    """A part of a GPU, as MIG divides it."""

    uuid: str
    gpu_instance: int
    compute_instance: int
    profile: str
    memory_used: int | None
    memory_total: int | None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. Ratios are 0 to 1, sizes bytes, temperatures Celsius, clocks hertz."""

    uuid: str
    index: int
    name: str
    utilization: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature: int | None = None
    slowdown_temperature: int | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    energy_joules: float | None = None
    clocks: Mapping[str, float] = field(default_factory=dict)
    throttle: int | None = None
    """The driver's bits."""
    pcie: Mapping[str, float] = field(default_factory=dict)
    ecc: Mapping[str, float] = field(default_factory=dict)
    migs: tuple[MigDevice, ...] = ()
    processes: tuple[GpuProcess, ...] | None = None
    """None where the driver does not tell."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All GPUs at one time.

    Attributes:
        state: One of the contract's states.
        driver: The driver's version.
        gpus: Those that could be read.
        lost: The UUIDs of those that were read before and could not be now.
        unreadable: How many the driver counts that could not be read; None where it does
            not answer.
    """

    state: str
    driver: str = ""
    gpus: tuple[Gpu, ...] = ()
    lost: tuple[str, ...] = ()
    unreadable: int | None = None
