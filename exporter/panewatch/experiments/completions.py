"""How many experiments were seen to be completed, each once."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

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

    def watch(self, experiments: Iterable[Experiment]) -> Iterator[Experiment]:
        """Pass on all experiments that there are now; after the last the new ones are counted."""
        found = array("q")
        for experiment in experiments:
            if experiment.status == "completed":
                found.append(hash(experiment.id))
            yield experiment
        found = array("q", sorted(found))
        # The same id may come twice.
        self.total += sum(
            (place == 0 or number != found[place - 1]) and not self._is_known(number)
            for place, number in enumerate(found)
        )
        self._known = found

    def _is_known(self, number: int) -> bool:
        place = bisect_left(self._known, number)
        return place < len(self._known) and self._known[place] == number
