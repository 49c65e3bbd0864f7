"""Prints numbered lines at a steady rate, or in bursts, and says how fast it was.

Usage: printer.py START FIRST COUNT RATE [--burst N] [--clear N] [--report FILE]

Printing begins at START (Unix time). Line ``n`` is due at ``(n - FIRST) / RATE`` seconds
later; what is due is written every 5 ms. With ``--burst`` N lines fall due together; with
``--clear`` the screen is cleared after every N lines.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

_TICK = 0.005
_FILLER = "the quick brown fox jumps over the lazy dog "
_CLEAR = "\x1b[H\x1b[2J"


def write_line(number: int) -> str:
    """Return line ``number``: its number, text of a length that varies, an end mark."""
    return f"#{number:07d} {_FILLER[: number * 37 % len(_FILLER)]}|"


def print_lines(
    first: int, count: int, rate: float, *, start: float, burst: int, clear: int
) -> float:
    """Print, and return the seconds that it took."""
    time.sleep(max(0.0, start - time.time()))
    begin = time.monotonic()
    done = 0
    while done < count:
        due = int((time.monotonic() - begin) * rate)
        due = min(count, due - due % burst)
        if due > done:
            text = "".join(
                f"{write_line(first + n)}\n" + (_CLEAR if clear and (n + 1) % clear == 0 else "")
                for n in range(done, due)
            )
            data = text.encode()
            while data:
                data = data[os.write(1, data) :]
            done = due
        time.sleep(_TICK)
    return time.monotonic() - begin


def main() -> None:
    """Print as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("start", type=float)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("rate", type=float)
    parser.add_argument("--burst", type=int, default=1)
    parser.add_argument("--clear", type=int, default=0)
    parser.add_argument("--report", type=Path)
    words = parser.parse_args()
    seconds = print_lines(
        words.first, words.count, words.rate,
        start=words.start, burst=words.burst, clear=words.clear,
    )  # fmt: skip
    if words.report:
        with words.report.open("a") as report:
            report.write(f"{words.count} {seconds}\n")


if __name__ == "__main__":
    main()
