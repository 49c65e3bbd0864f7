"""Small files under ``/proc``, read many times a second."""

from __future__ import annotations

import os


def read_proc(path: str, size: int = 4096) -> bytes | None:
    """Return the first ``size`` bytes of a file, None where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, size)
    except OSError:
        return None
    finally:
        os.close(descriptor)
