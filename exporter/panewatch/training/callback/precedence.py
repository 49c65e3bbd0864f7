"""Who may record: PyTorch has one profiler, and crashes where a second takes it over."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


class Precedence:
    """Gives way to any other profiler of PyTorch that begins, until it is withdrawn.

    PyTorch has no public name for that: in a version without the private one nothing happens.

    Args:
        give_way: Ends our own recording; called before the other one begins.
    """

    def __init__(self, give_way: Callable[[], None]) -> None:
        self._module = _import("torch.autograd.profiler")
        prepare = self._prepare = getattr(self._module, "_prepare_profiler", None)
        if prepare is None:
            return

        def prepare_other(*arguments: Any, **named: Any) -> Any:
            self.withdraw()
            give_way()
            return prepare(*arguments, **named)

        self._module._prepare_profiler = prepare_other  # noqa: SLF001  # as said

    def withdraw(self) -> None:
        """Leave PyTorch as it was."""
        if self._prepare is not None:
            self._module._prepare_profiler = self._prepare  # noqa: SLF001  # as said
            self._prepare = None


def is_in_use() -> bool:
    """Tell whether PyTorch records for somebody else.

    One that only waits or warms up can be told by its counter of steps, which has no public name.
    """
    torch = _import("torch")
    counter = getattr(torch.autograd.profiler, "KinetoStepTracker", None)
    return bool(torch.autograd._profiler_enabled() or getattr(counter, "_step_dict", None))  # noqa: SLF001  # as said


def is_lost(recording: Any) -> bool:
    """Tell whether PyTorch has nothing of a recording that ended: to export it would crash."""
    results = getattr(recording.profiler, "kineto_results", None)
    begun = getattr(results, "trace_start_ns", None)
    return begun is not None and begun() <= 0


def _import(name: str) -> Any:
    return importlib.import_module(name)
