"""Which steps of a training are recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of steps, as ``torch.profiler.schedule`` counts them: the first step is 0.

    After ``skip_first`` steps, again and again: ``wait`` steps of nothing, ``warmup`` steps that
    are thrown away, ``active`` steps that are recorded. ``repeat`` is how often; 0 is without end.
    """

    skip_first: int
    wait: int
    warmup: int
    active: int
    repeat: int

    @classmethod
    def choose(cls, first_step: int, steps: int, warmup: int) -> Self:
        """Return the one window of ``steps`` steps from ``first_step`` on, warmed up before it."""
        before = min(warmup, first_step)
        return cls(first_step - before, 0, before, steps, 1)

    def find_first(self) -> int | None:
        """Return the step at which the first warm-up begins; None where nothing is recorded."""
        return self.skip_first + self.wait if self.active else None

    def find_next(self, begin: int) -> int | None:
        """Return where the warm-up after the one at ``begin`` begins; None after the last."""
        cycle = self.wait + self.warmup + self.active
        done = (begin - self.skip_first - self.wait) // cycle + 1
        return begin + cycle if not self.repeat or done < self.repeat else None
