"""Files that others write, opened without being caught by what else may stand there."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from panewatch.experiments.source import SourceError

# Not to wait for a writer, should somebody put a pipe there at this moment.
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def open_plain(name: str, directory: int | None = None) -> int:
    """Return a descriptor of a plain file; below a directory no link is followed.

    Args:
        name: A path, or with ``directory`` the name of a file in it.
        directory: The descriptor of a directory.

    Raises:
        SourceError: there is none, it may not be read, or it is no plain file.
    """
    below = directory is not None
    try:
        # Opening alone makes some devices do something.
        _check(os.stat(name, dir_fd=directory, follow_symlinks=not below))
        flags = _FLAGS | (os.O_NOFOLLOW if below else 0)
        descriptor = os.open(name, flags, dir_fd=directory)
    except OSError as error:
        raise explain(error) from None
    try:
        _check(os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def explain(error: OSError) -> SourceError:
    """Return why a file or directory could not be read."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return SourceError("absent", "there is no such file or directory")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return SourceError("access", "no permission to read the file or directory")
    if error.errno == errno.ELOOP:
        return SourceError("invalid", "a link stands where a file should be")
    return SourceError("unreachable", "the file or directory cannot be read")


def _check(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SourceError("invalid", "what stands there is no plain file")
