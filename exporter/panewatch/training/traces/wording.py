"""How times are written for people."""

from __future__ import annotations


def write_time(seconds: float) -> str:
    """Write a time with three digits, in the largest unit that it has one of."""
    if seconds >= 1:
        return f"{seconds:.3g} s" if seconds < 1000 else f"{seconds:.0f} s"  # noqa: PLR2004  # its digits
    if seconds >= 1e-3:  # noqa: PLR2004  # a millisecond
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.3g} µs"
