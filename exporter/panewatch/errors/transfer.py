"""Rates of file transfers, read from the bars of scp, rsync, wget, curl, pip and others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from panewatch import linear

_DECIMAL: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}

_NUMBER = r"(\d{1,12}(?:[.,]\d{1,9})?)"
_RATE: Final = linear.compile(rf"(?:^|[^\d.,]){_NUMBER} ?([KkMGT]?)(i?)([Bb])(?:ytes)?/s\b")
_CURL: Final = linear.compile(
    r"^ {0,2}\d{1,3} +[\d.]+[kMGT]? +\d{1,3} +[\d.]+[kMGT]? +\d{1,3} +[\d.]+[kMGT]? "
    r"+[\d.]+[kMGT]? +[\d.]+[kMGT]? +[\d:-]+ +[\d:-]+ +[\d:-]+ +"
    rf"{_NUMBER}([kMGT]?)\s*$"
)
_UNITS: Final = ("B/s", "b/s", "ytes/s")
_NUMERALS: Final = "0123456789."
_PERCENT_DIGITS: Final = 3
_ALL: Final = 100

_RSYNC: Final = linear.compile(r"^ {2,}[\d.,]+[KMGT]? {1,4}\d{1,3}% ")
_BINARY_TOOLS: Final = ("eta", "ETA", "=>")
_DECIMAL_BAR: Final = "━"
"""What rich draws, for pip and others, which count in powers of 1000."""

_STANDS_SECONDS: Final = 5.0
"""A bar that did not change for so long stands still."""


def read_rate(line: str) -> float | None:
    """Return the rate in bytes per second that a bar shows; None where it is no bar.

    scp, rsync, wget and curl count in powers of 1024, whatever letter they print.
    """
    if "/s" in line and any(map(line.__contains__, _UNITS)):
        found = _RATE.search(line)
        if found is None:
            return None
        number, prefix, infix, unit = found.groups()
        if unit == "b" and not infix and prefix:  # bits, as speed tests print them
            return None
        old_tool = any(map(line.__contains__, _BINARY_TOOLS)) and _DECIMAL_BAR not in line
        binary = bool(infix) or old_tool or _RSYNC.match(line) is not None
        factor = (_BINARY if binary else _DECIMAL)[prefix.lower()]
        return float(number.replace(",", ".")) * factor
    if line[:3].strip(" ").isdigit():
        found = _CURL.match(line)
        if found is not None:
            return float(found.group(1).replace(",", ".")) * _BINARY[found.group(2).lower()]
    return None


class RateWatch:
    """The rate that a pane's bar shows, for as long as the bar moves.

    What a transfer leaves on the screen at its end, and a bar that stands still, tell of
    no rate any more; nor does a line of a log, which never moves.
    """

    __slots__ = ("_moved_at", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._moved_at = -_STANDS_SECONDS

    @property
    def rests(self) -> bool:
        """Whether no bar was shown at the last look."""
        return not self._text

    def look(
        self, lines: Sequence[str], cursor: int, printed: Collection[str], now: float
    ) -> float | None:
        """Return the rate in bytes per second, None where there is none.

        Args:
            lines: The screen.
            cursor: The index of the line that the cursor is on.
            printed: The lines that were finished since the last look.
            now: Monotonic time in seconds.
        """
        text, rate = _find_rate(lines, cursor)
        before, self._text = self._text, text
        if not before or text in printed:
            self._moved_at = now - 2 * _STANDS_SECONDS
        elif text != before:
            self._moved_at = now
        return rate if now - self._moved_at < _STANDS_SECONDS else None


def _find_rate(lines: Sequence[str], cursor: int) -> tuple[str, float | None]:
    """Return the line near the cursor that shows a rate, and the rate."""
    for index in (cursor, cursor - 1):
        if 0 <= index < len(lines):
            rate = read_rate(lines[index])
            if rate is not None:
                return lines[index], rate
    return "", None


def may_show(lines: Sequence[str], cursor: int) -> bool:
    """Tell whether a line near the cursor has a mark of a bar or a rate: few lines do."""
    for index in (cursor, cursor - 1):
        if 0 <= index < len(lines):
            line = lines[index]
            if "%" in line or "/s" in line or line[:3].strip(" ").isdigit():
                return True
    return False


def find_percent(lines: Sequence[str], cursor: int) -> int | None:
    """Return the percentage that a bar near the cursor shows."""
    for index in (cursor, cursor - 1):
        if 0 <= index < len(lines) and "%" in lines[index]:
            percent = _read_percent(lines[index])
            if percent is not None:
                return percent
    return None


def _read_percent(line: str) -> int | None:
    """Return the first number that stands before a percent sign, where it is 100 at most.

    Every look at a bar asks for it: an expression would cost ten times as much.
    """
    for before in line.split("%")[:-1]:
        number = before[len(before.rstrip(_NUMERALS)) :]
        whole, point, part = number.partition(".")
        if whole.isdigit() and len(whole) <= _PERCENT_DIGITS and (part.isdigit() or not point):
            return int(whole) if int(whole) <= _ALL else None
    return None
