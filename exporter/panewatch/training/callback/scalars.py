"""Numbers that a training tells: losses and metrics, also those that are on a device still.

To ask a device for a number waits for all that it was told to do before. A training that runs
ahead of its device would stand still for that, so such a number is copied while the device goes
on, and looked at when the copy is there.
"""

from __future__ import annotations

import sys
from typing import Any, Final

MOST_NAMES: Final = 20


class _Copy:
    """A number on its way from a CUDA device."""

    def __init__(self, tensor: Any) -> None:
        torch: Any = sys.modules["torch"]
        with torch.cuda.device(tensor.device):
            self._host = torch.empty((), dtype=tensor.dtype, pin_memory=True)
            self._host.copy_(tensor.reshape(()), non_blocking=True)
            self._done = torch.cuda.Event()
            self._done.record()

    def read(self) -> float | None:
        """Return the number once it is there."""
        return float(self._host) if self._done.query() else None


class Scalars:
    """The last value of each name, and how many losses were no finite numbers.

    One thread takes in, any may take a copy: nothing that a copy reads is ever half changed.
    """

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._waiting: dict[str, Any] = {}
        self._copies: dict[str, _Copy] = {}
        self._nonfinite = 0

    def take(self, name: str, value: Any) -> None:
        """Take in a number, or an array or tensor that holds one; what else comes is ignored."""
        if name not in self._values and name not in self._waiting and self._count() >= MOST_NAMES:
            return
        if isinstance(value, int | float):
            self._set(name, float(value))
        elif _is_on_device(value):
            self._waiting[name] = value.detach() if hasattr(value, "detach") else value
        else:
            self._read(name, value)

    def settle(self) -> None:
        """Take in the numbers that have come from a device, and send for those told since."""
        for name, copy in tuple(self._copies.items()):
            value = copy.read()
            if value is not None:
                del self._copies[name]
                self._set(name, value)
        for name, tensor in tuple(self._waiting.items()):
            if name in self._copies:
                continue
            del self._waiting[name]
            if getattr(tensor, "is_cuda", False):
                self._copies[name] = _Copy(tensor)
            else:
                self._read(name, tensor)

    def finish(self) -> None:
        """Take in all that is outstanding, and wait for it."""
        outstanding, self._waiting = self._waiting, {}
        self._copies.clear()
        for name, tensor in outstanding.items():
            self._read(name, tensor)

    def copy(self) -> tuple[dict[str, float], int]:
        """Return the last finite value of each name, and how many losses were not finite."""
        return self._values.copy(), self._nonfinite

    def _count(self) -> int:
        return len({*self._values, *self._waiting})

    def _read(self, name: str, value: Any) -> None:
        try:
            # `float` of a tensor that is part of a graph would warn.
            number = float(value.item() if hasattr(value, "item") else value)
        except Exception:  # noqa: BLE001  # whatever it is, it is no number
            return
        self._set(name, number)

    def _set(self, name: str, value: float) -> None:
        if value - value == 0:  # neither infinite nor NaN
            self._values[name] = value
        elif name in {"loss", "val_loss"}:
            self._nonfinite += 1


def _is_on_device(value: Any) -> bool:
    """Tell whether a tensor of torch, or an array of JAX, may have to be waited for."""
    here: bool | None = getattr(value, "is_cpu", None)
    return hasattr(value, "block_until_ready") if here is None else not here
