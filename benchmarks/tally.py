"""Numbered lines as a reader saw them, against all that were printed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_LINE = re.compile(r"#\d{7} [a-z ]*\|")
_NUMBERED = re.compile(r"#\d")


class Look(NamedTuple):
    """What one look brought: its new lines, and whether some were lost around them."""

    gap: bool
    lines: Sequence[str]


def find_lines(output: bytes) -> list[str]:
    """Return the numbered lines in what programs printed, in order."""
    return _LINE.findall(output.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the lines of one pane.

    ``once``, ``repeated`` and ``missing`` part the lines that were printed. ``foreign``
    counts numbered lines that were seen but never printed so, ``disordered`` those that
    were seen after a later one, ``hidden`` the runs of missing lines without a gap
    of their own in the looks on either side or between.
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


def tally(printed: Sequence[str], looks: Sequence[Look]) -> Tally:
    """Compare the lines that were printed, all different, with those of all looks.

    Lines without a number, such as a shell's prompt, are left out.
    """
    places = {line: place for place, line in enumerate(printed)}
    counts: Counter[int] = Counter()
    foreign = disordered = hidden = 0
    behind, behind_look = -1, 0
    unused: list[int] = []  # looks whose gap stands for no loss so far
    for number, look in enumerate(looks):
        if look.gap:
            unused.append(number)
        for line in look.lines:
            place = places.get(line)
            if place is None:
                foreign += bool(_NUMBERED.match(line))
                continue
            counts[place] += 1
            if place <= behind:
                disordered += counts[place] == 1
                continue
            if place > behind + 1:
                hidden += not _use_gap(unused, behind_look)
            behind, behind_look = place, number
    if behind < len(printed) - 1:
        hidden += not _use_gap(unused, behind_look)
    return Tally(
        printed=len(printed),
        once=sum(count == 1 for count in counts.values()),
        repeated=sum(count > 1 for count in counts.values()),
        missing=len(printed) - len(counts),
        foreign=foreign,
        disordered=disordered,
        gaps=sum(look.gap for look in looks),
        hidden=hidden,
    )


def _use_gap(unused: list[int], since: int) -> bool:
    """Take the first unused gap of look ``since`` or later, and tell whether there is one."""
    while unused and unused[0] < since:
        del unused[0]
    return bool(unused) and unused.pop(0) >= since
