"""How this process asks the system for memory."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8
"""The number of this parameter in glibc's ``malloc.h``."""

# Objects that are made, and not let go of, before those that hold each other are looked for.
# Hardly any do here, and Python's usual 700 have it look several times a second.
_GARBAGE: Final = (20_000, 20, 20)


def settle() -> None:
    """Set up a process of many threads that runs for long; to be called before they begin.

    By itself glibc gives a heap of its own to each thread, and what one of them lets go of
    none of the others gets. Python lets them run one at a time, so that one heap is enough.
    """
    gc.set_threshold(*_GARBAGE)
    with suppress(AttributeError, OSError):  # another C library has no such parameter
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
