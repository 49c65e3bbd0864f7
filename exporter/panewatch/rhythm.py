"""When the next scrape is to be expected.

To turn what is known into an exposition costs as much as to find it out. A Prometheus asks
every 15 seconds to the millisecond: in between nobody looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

_LEAD_SECONDS: Final = 2.0
"""How long before a scrape everything is kept fresh: a sweep and a sample have to fit in."""

_SAME_SECONDS: Final = 0.2
"""Scrapes that come within this time come together, and will the next time."""

_LEAST_PERIOD: Final = 2 * _LEAD_SECONDS
"""Who asks more often finds everything kept fresh all the time."""

_OFF_SHARE: Final = 0.05
_OFF_SECONDS: Final = 0.3
"""How far apart the rounds of a rhythm may be: a part of the period, and at least so much."""

_MOST_SCRAPERS: Final = 3
_REMEMBERED: Final = 3 * _MOST_SCRAPERS
_GONE_SECONDS: Final = 60.0
"""Nobody looks any more where no scrape came for so long, beyond when it should have come."""


_RESTLESS_SECONDS: Final = 150.0
"""For so long everything is kept fresh after a scrape out of turn: who asks every minute or two
beside another one has no rhythm that would show."""


class _Beat(NamedTuple):
    """Scrapes that come again and again: how many of them in a period of how many seconds."""

    scrapes: int
    seconds: float


class Rhythm:
    """Learns when scrapes come, and tells when the next one is near.

    Any thread may call either method. Where scrapes come without a rhythm one is always
    near, until none has come for a minute; and so for a while after one that was out of turn.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._known: tuple[tuple[float, ...], _Beat | None] = (), None
        self._restless_until = 0.0

    def note(self) -> None:
        """Note a scrape."""
        now = self._clock()
        times, beat = self._known
        if times and now - times[-1] < _SAME_SECONDS:
            return
        if beat is not None and abs(now - _expect(times, beat)) > _allow(beat.seconds):
            self._restless_until = now + _RESTLESS_SECONDS
        times = (*times[1 - _REMEMBERED :], now)
        self._known = times, _find_beat(times)

    def is_near(self) -> bool:
        """Tell whether somebody may look within the next seconds."""
        now = self._clock()
        times, beat = self._known
        if beat is None:
            return now - (times[-1] if times else self._begun) < _GONE_SECONDS
        expected = _expect(times, beat)
        near = expected - _LEAD_SECONDS <= now < expected + _GONE_SECONDS
        return near or now < self._restless_until


def _expect(times: Sequence[float], beat: _Beat) -> float:
    """Return when the next scrape of a rhythm comes."""
    return times[-beat.scrapes] + beat.seconds


def _allow(seconds: float) -> float:
    """Return by how much the rounds of a rhythm of this period may differ."""
    return max(_OFF_SECONDS, _OFF_SHARE * seconds)


def _find_beat(times: Sequence[float]) -> _Beat | None:
    """Return the rhythm of the last scrapes; None where they have none that can be relied on."""
    for scrapes in range(1, _MOST_SCRAPERS + 1):
        if len(times) <= 2 * scrapes:
            break
        periods = [
            later - earlier
            for earlier, later in zip(
                times[-2 * scrapes - 1 : -scrapes], times[-scrapes - 1 :], strict=True
            )
        ]
        longest, shortest = max(periods), min(periods)
        if shortest >= _LEAST_PERIOD and longest - shortest <= _allow(longest):
            return _Beat(scrapes, sum(periods) / len(periods))
    return None
