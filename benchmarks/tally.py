"""Numbered lines as a reader saw them, against all that were printed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LINE = re.compile(r"#\d{7} [a-z ]*\|")
_NUMBERED = re.compile(r"#\d")


class Gap:
    """Stands where the reader said that lines may be missing."""


GAP = Gap()


def find_lines(output: bytes) -> list[str]:
    """Return the numbered lines in what programs printed, in order."""
    return _LINE.findall(output.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the lines of one pane.

    ``once``, ``repeated`` and ``missing`` part the lines that were printed. ``foreign``
    counts numbered lines that were seen but never printed so, ``disordered`` those that
    were seen after a later one, ``hidden`` the runs of missing lines without a gap in
    their place.
    """

    printed: int
    once: int
    repeated: int
    missing: int
    foreign: int
    disordered: int
    gaps: int
    hidden: int

    @property
    def exact(self) -> bool:
        """Whether every line was seen once, in order, without a gap."""
        return self.honest and not self.missing and not self.gaps

    @property
    def honest(self) -> bool:
        """Whether nothing was seen twice or wrong, and each loss has a gap."""
        return not (self.repeated or self.foreign or self.disordered or self.hidden)


def tally(printed: Sequence[str], seen: Iterable[str | Gap]) -> Tally:
    """Compare the lines that were printed, all different, with lines and gaps as seen.

    Lines without a number, such as a shell's prompt, are left out.
    """
    places = {line: place for place, line in enumerate(printed)}
    counts: Counter[int] = Counter()
    foreign = disordered = gaps = hidden = 0
    behind = -1
    gap = False
    for line in seen:
        if isinstance(line, Gap):
            gaps += 1
            gap = True
            continue
        place = places.get(line)
        if place is None:
            foreign += bool(_NUMBERED.match(line))
            continue
        counts[place] += 1
        if place > behind + 1 and not gap:
            hidden += 1
        disordered += place <= behind and counts[place] == 1
        behind = max(behind, place)
        gap = False
    if behind < len(printed) - 1 and not gap:
        hidden += 1
    return Tally(
        printed=len(printed),
        once=sum(count == 1 for count in counts.values()),
        repeated=sum(count > 1 for count in counts.values()),
        missing=len(printed) - len(counts),
        foreign=foreign,
        disordered=disordered,
        gaps=gaps,
        hidden=hidden,
    )
