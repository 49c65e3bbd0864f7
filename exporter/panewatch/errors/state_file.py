"""The small file that outlasts a restart: of this user alone, and never half written."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, TypeAlias

Trouble: TypeAlias = Literal["busy", "corrupt", "foreign", "newer", "unreadable", "unwritable"]

OFF: Final = "off"

_NAME: Final = "incidents.json"
_SERVICE: Final = Path("/var/lib/panewatch")
_MOST_BYTES: Final = 32 << 20


class StateFileError(Exception):
    """The file cannot be used; ``reason`` tells why."""

    def __init__(self, reason: Trouble) -> None:
        super().__init__(reason)
        self.reason: Trouble = reason


def find_path(setting: str | None, environment: Mapping[str, str]) -> Path | None:
    """Return where the file is: as the setting says, else where this system keeps such files.

    Returns:
        None where nothing is to be kept, or the environment names no home to keep it in.
    """
    if setting is not None:
        return None if setting == OFF else Path(setting)
    given = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    if given.startswith("/"):
        return Path(given, _NAME)
    if _is_ours(_SERVICE):
        return _SERVICE / _NAME
    state, home = environment.get("XDG_STATE_HOME", ""), environment.get("HOME", "")
    base = Path(state) if state.startswith("/") else Path(home, ".local", "state")
    return base / "panewatch" / _NAME if base.is_absolute() else None


class StateFile:
    """One such file. It is held from the first use to the end: two users never share it.

    Each thread that writes needs one of its own: what holds the file keeps them apart as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None

    def read(self) -> bytes | None:
        """Return what was written last; None where there is no file.

        Raises:
            StateFileError: it is not ours, or cannot be read.
        """
        self._hold()
        try:
            # A pipe that somebody put there must not hold up anything.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self._path, flags)
        except FileNotFoundError:
            return None
        except OSError as error:
            link = error.errno == errno.ELOOP
            raise StateFileError("foreign" if link else "unreadable") from None
        try:
            _check(os.fstat(descriptor))
        except StateFileError:
            os.close(descriptor)
            raise
        with os.fdopen(descriptor, "rb") as file:
            try:
                content = file.read(_MOST_BYTES + 1)
            except OSError:
                raise StateFileError("unreadable") from None
        if len(content) > _MOST_BYTES:
            raise StateFileError("corrupt")
        return content

    def write(self, content: bytes) -> None:
        """Put ``content`` in the place of what is there, at once or not at all.

        Raises:
            StateFileError: it could not be written, and what was there still is.
        """
        self._hold()
        new = self._path.with_name(f"{self._path.name}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            # One that a crash has left; nobody else has this name.
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, flags, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.rename(self._path)
            self._settle()
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise StateFileError("unwritable") from None

    def set_aside(self) -> None:
        """Move what is there away to ``.bad``, in the place of what was moved there before.

        Raises:
            StateFileError: it is there still.
        """
        self._hold()
        bad = self._path.with_name(f"{self._path.name}.bad")
        # A folder would not take the place of a file.
        with suppress(OSError):
            bad.unlink()
        try:
            self._path.rename(bad)
        except OSError:
            raise StateFileError("unwritable") from None

    def close(self) -> None:
        """Leave the file to others."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _hold(self) -> None:
        """Make sure that nobody else uses the file."""
        if self._lock is not None:
            return
        lock = self._path.with_name(f"{self._path.name}.lock")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = None
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(lock, flags, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if descriptor is not None:
                os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise StateFileError("busy") from None
            raise StateFileError("unwritable") from None
        self._lock = descriptor

    def _settle(self) -> None:
        """Have the new name on the disk too."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _check(status: os.stat_result) -> None:
    """Refuse what others may have written, or is no file."""
    ours = status.st_uid == os.geteuid() and not status.st_mode & 0o022
    if not stat.S_ISREG(status.st_mode) or not ours:
        raise StateFileError("foreign")


def _is_ours(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
