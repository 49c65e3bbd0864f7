"""How many experiments were seen to be completed, each once."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from panewatch.experiments.model import Experiment


class Completions:
    """Counts completed experiments that were not there before.

    What is deleted stays counted; where it is stored again it counts again. Costs 8 bytes for
    each experiment that is there.
    """

    def __init__(self) -> None:
        self.total = 0
        self._known = array("q")
        """Hashes of the ids that are counted and still there, in their order."""

    def add(self, experiments: Iterable[Experiment]) -> None:
        """Count those of all experiments that there are now which are new."""
        found = array(
            "q", sorted({hash(each.id) for each in experiments if each.status == "completed"})
        )
        self.total += sum(not self._is_known(number) for number in found)
        self._known = found

    def _is_known(self, number: int) -> bool:
        place = bisect_left(self._known, number)
        return place < len(self._known) and self._known[place] == number
