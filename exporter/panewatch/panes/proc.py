"""Small files under ``/proc``, read many times a second."""

from __future__ import annotations

import os
import weakref


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


class ProcFile:
    """A file under ``/proc`` that stays open: to read it again costs an eighth."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._close: weakref.finalize[[int], ProcFile] | None = None
        self._descriptor = -1

    def read(self, size: int) -> bytes | None:
        """Return the first ``size`` bytes as they are now, None where they cannot be read."""
        try:
            if self._close is None:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                self._close = weakref.finalize(self, os.close, self._descriptor)
            return os.pread(self._descriptor, size, 0)
        except OSError:
            if self._close is not None:
                self._close()
                self._close = None
            return None
