"""When a filesystem will be full: its growth over hours, estimated so that outliers count little.

The growth is the median of the slopes between any two looks (Theil and Sen). Whether there is
any is told by how many of the pairs rise less how many fall (Kendall): a training's checkpoints
are steady growth, one large file is not, and neither is a log that was just rotated.
"""

from __future__ import annotations

from collections import deque
from itertools import combinations
from statistics import median
from typing import Final

LOOK_SECONDS: Final = 300.0
LOOKS: Final = 72
"""Six hours."""

FEWEST_LOOKS: Final = 13
"""An hour."""

STEADY: Final = 0.7
"""So many more of the pairs rise than fall, as a share; after one jump it is 0.5 at most."""

MOST_DAYS: Final = 365.0
"""What takes longer is no growth that anybody has to know of."""

_DAY: Final = 86400.0


class Growth:
    """Follows one filesystem."""

    def __init__(self) -> None:
        self._size = 0.0
        self._looks: deque[tuple[float, float]] = deque(maxlen=LOOKS)
        self._pace = 0.0

    def look(self, now: float, size: float, available: float) -> float | None:
        """Take note of how full it is; return the days until it is full, None where unknown.

        Args:
            now: In seconds, of a clock that never goes back.
            size: Its bytes; where they change it is another filesystem, or was made larger.
            available: The bytes that are left.
        """
        if size != self._size:
            self._size = size
            self._looks.clear()
            self._pace = 0.0
        if not self._looks or now - self._looks[-1][0] >= LOOK_SECONDS:
            # A machine that slept, or a mount that was gone: what was before is no history of now.
            if self._looks and now - self._looks[-1][0] > LOOK_SECONDS * FEWEST_LOOKS:
                self._looks.clear()
            self._looks.append((now, available))
            self._pace = estimate_pace(list(self._looks))
        if self._pace <= 0:
            return None
        days = available / self._pace / _DAY
        return days if days <= MOST_DAYS else None


def estimate_pace(looks: list[tuple[float, float]]) -> float:
    """Return how many bytes a second are used up; 0 where that is not steady, or not known.

    Args:
        looks: Seconds and the bytes that were left, each later than the one before.
    """
    if len(looks) < FEWEST_LOOKS:
        return 0.0
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(looks, 2)]
    falling = sum(slope < 0 for slope in slopes)
    rising = sum(slope > 0 for slope in slopes)
    if falling - rising < STEADY * len(slopes):
        return 0.0
    return max(0.0, -median(slopes))
