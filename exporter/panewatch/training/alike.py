"""Lines that differ in their numbers only: what one of them tells, the others tell too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from panewatch import linear

_TO_ZERO: Final = str.maketrans("123456789", "0" * 9)
_NONFINITE: Final = linear.compile(r"(?i)\b(?:nan|inf|infinity)\b")


_GROWING: Final = tuple((sign + sign, sign) for sign in "0 #=━█")
"""Numbers, what pads them, and bars."""


def find_shape(text: str) -> str:
    """Return ``text`` with the same short number in place of every one, and bars as short."""
    return _shorten(text.translate(_TO_ZERO))


@lru_cache(maxsize=1024)
def _shorten(shape: str) -> str:
    for two, one in _GROWING:
        while two in shape:
            shape = shape.replace(two, one)
    return shape


def leave_out_overtaken(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Yield lines that came together, each with its shape.

    Of those of one shape only the last is there: it tells where they led to. Only lines with
    a number that is not finite are counted, and so they are all there.
    """
    shapes = [find_shape(text) for text in texts]
    last = {shape: place for place, shape in enumerate(shapes)}
    for place, (text, shape) in enumerate(zip(texts, shapes, strict=True)):
        if last[shape] == place or _is_counted(shape):
            yield text, shape


@lru_cache(maxsize=1024)
def _is_counted(shape: str) -> bool:
    return _NONFINITE.search(shape) is not None
