"""Read capacity: how much of it may be used in a minute, and how much a request will take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

_MINUTE: Final = 60.0
_LARGEST_ITEM: Final = 50.0
"""Units that an item of 400 kB takes, read with eventual consistency."""

_LARGEST_PAGE: Final = 128.0
"""Units of a page, which ends at 1 MB."""

_PAGES_A_MINUTE: Final = 4
_FORGETTING: Final = 0.8
_LEAST: Final = 0.5
_SMALLEST_ITEM: Final = 0.001


class Budget:
    """Capacity units that are left of what may be used in a minute.

    In no minute more is used, but by a request that alone takes more: it uses up several minutes.

    Args:
        units: Those of a minute.
        monotonic: Gives seconds.
    """

    def __init__(self, units: float, monotonic: Callable[[], float]) -> None:
        self.units = units
        self._monotonic = monotonic
        self._spent: deque[tuple[float, float]] = deque()

    def wait(self, units: float) -> float:
        """Return in how many seconds ``units`` may be spent."""
        now = self._monotonic()
        while self._spent and self._spent[0][0] <= now:
            self._spent.popleft()
        left = self.units - sum(spent for _, spent in self._spent)
        wait = 0.0
        for until, spent in self._spent:
            if left >= min(units, self.units):
                break
            left, wait = left + spent, until - now
        return wait

    def spend(self, units: float) -> None:
        """Say that a request has used ``units``."""
        last = self._spent[-1][0] if self._spent else 0.0
        until = self._monotonic() + _MINUTE * max(1.0, units / self.units)
        self._spent.append((max(until, last), units))


class Portion:
    """How many items requests of one kind may ask for, learned from those before.

    Args:
        budget: What all requests share.
        most: The most items that one request may ask for; None where only its size is limited.
    """

    def __init__(self, budget: Budget, most: int | None = None) -> None:
        self._budget = budget
        self._most = most
        self._item = _LARGEST_ITEM
        self._learned = False

    @property
    def _units(self) -> float:
        return max(self._budget.units / _PAGES_A_MINUTE, min(self._item, self._budget.units))

    def wait(self) -> float:
        """Return in how many seconds the next request may be sent."""
        return self._budget.wait(min(self._units, _LARGEST_PAGE))

    def count(self) -> int | None:
        """Return for how many items it may ask; None where any number is within the budget."""
        if self._most is None and self._units >= _LARGEST_PAGE:
            return None
        items = max(1, int(self._units / self._item))
        return items if self._most is None else min(items, self._most)

    def spend(self, answer: Any, items: int) -> float:
        """Take in what a request has cost, and return it; 0 where the answer does not say.

        Args:
            answer: What it says as ``ConsumedCapacity``, of one table or a list of them.
            items: For how many items DynamoDB charged.
        """
        known = _read_units(answer)
        units = _LEAST * max(1, items) if known is None else known
        self._budget.spend(units)
        if items:
            before = self._item if self._learned else 0.0
            self._item = max(units / items, _FORGETTING * before, _SMALLEST_ITEM)
            self._learned = True
        return 0.0 if known is None else known


def _read_units(answer: Any) -> float | None:
    answers = answer if isinstance(answer, list) else [answer]
    found = [one.get("CapacityUnits") for one in answers if isinstance(one, dict)]
    units = [float(one) for one in found if isinstance(one, int | float) and 0 <= one < 1e6]  # noqa: PLR2004  # no page costs so much
    return sum(units) if units and len(units) == len(found) else None
