"""The stand-in for NVIDIA's library: compiled here, loaded by whoever has its folder in its path.

What it tells is text; `fake_nvml.c` says how that is written.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
COMPILER = shutil.which("cc")

UUIDS = [f"GPU-{index:08x}-feed-4ace-8bad-{index:012x}" for index in range(8)]


class FakeNvml:
    """One compiled library, and the file that it reads.

    Args:
        folder: Where both are put.
        without: Functions that it does not have, as in an old driver.
    """

    def __init__(self, folder: Path, without: Iterable[str] = ()) -> None:
        self._folder = folder
        self._state = folder / "state"
        hidden = "".join(f"{name};" for name in without)
        script = folder / "symbols"
        script.write_text(f"{{ global: nvml*; local: {hidden} *; }};\n")
        assert COMPILER
        subprocess.run(
            [COMPILER, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread",
             f"-Wl,--version-script={script}", "-o", folder / "libnvidia-ml.so.1", SOURCE],
            check=True,
        )  # fmt: skip
        self.tell([])

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find it."""
        return {"LD_LIBRARY_PATH": str(self._folder), "FAKE_NVML": str(self._state)}

    def tell(self, lines: Iterable[str]) -> None:
        """Have it tell this from now on."""
        new = self._state.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in lines))
        new.replace(self._state)


def describe_driver(version: str = "570.86.15") -> list[str]:
    return [f"* version {version}"]


def describe_gpu(index: int) -> list[str]:
    """A GPU that has everything but MIG; no value is that of another GPU."""
    values = [
        f"uuid {UUIDS[index]}",
        "name NVIDIA H100 80GB HBM3",
        f"utilization {90 + index}",
        f"memory {(index + 1) << 30} {80 << 30}",
        f"temperature {50 + index}",
        "slowdown_temperature 87",
        f"power {300000 + index * 1500}",
        "power_limit 700000",
        f"energy {123456789000 + index * 250}",
        f"clock_graphics {1980 - index}",
        f"clock_sm {1980 - index}",
        "clock_memory 2619",
        "clock_video 1545",
        f"throttle {0x04 if index else 0x60}",
        f"pcie_transmit {1000 + index}",
        f"pcie_receive {2000 + index}",
        f"ecc_corrected {index}",
        "ecc_uncorrected 0",
        "events 8",
        f"process {4000 + index} {(index + 1) << 29} {40 + index}",
        "process 5000 -",
    ]
    return [f"{index} {value}" for value in values]


def describe_mig(index: int, place: int) -> list[str]:
    values = [
        f"uuid MIG-{index}{place}aaaaaa-dead-5bee-8f00-0123456789ab",
        "name NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        f"memory {(place + 1) << 20} {10 << 30}",
        f"gpu_instance {place + 7}",
        "compute_instance 0",
    ]
    return [f"{index}.{place} {value}" for value in values]


def describe_all(count: int) -> list[str]:
    """A driver with so many GPUs."""
    return [*describe_driver(), *(line for index in range(count) for line in describe_gpu(index))]
