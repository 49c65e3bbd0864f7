"""The most memory that this process has had: its own, and on its devices."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

try:
    import resource
except ImportError:  # a system without it
    resource = None  # type: ignore[assignment]


def measure_peaks() -> dict[str, int]:
    """Return bytes as ``peak_host``, and ``peak_device`` once torch has used CUDA.

    The peak of a device is what tensors took there, each device at its own peak. Workers of a
    data loader are processes of their own, and not counted.
    """
    found: dict[str, int] = {}
    if resource is not None:
        unit = 1 if sys.platform == "darwin" else 1024
        found["peak_host"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    torch: Any = sys.modules.get("torch")
    with contextlib.suppress(Exception):  # half imported, or built without CUDA
        if torch is not None and torch.cuda.is_initialized():
            devices = range(torch.cuda.device_count())
            found["peak_device"] = sum(torch.cuda.max_memory_allocated(each) for each in devices)
    return found
