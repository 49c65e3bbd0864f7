"""The git command: the one place that starts it.

A repository says in its own configuration which programs git is to run, and a pane may
stand in one that nobody has looked at. Nothing that a repository names is run: neither
file system monitors, hooks and filters nor remotes that would bring missing objects, and
submodules, which have a configuration of their own, are not entered. Nothing is written.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from panewatch import children

MOST_BYTES = 1 << 22
"""What a call may print; about fifty thousand paths."""

_KEPT_BYTES = 4096
"""What is kept of its complaints."""

_MOST_STUCK = 4
"""Calls that cannot be killed, because a disk does not answer; no more are started then."""

_MOST_FILTERS = 64

_REAPED_SECONDS = 0.5
_NICE = 10

_OPTIONS = (
    "--no-pager",
    "--no-optional-locks",
    # An empty name is understood as "none" by every version; "false" would once have been run.
    "-c", "core.fsmonitor=",
    "-c", "core.hooksPath=/dev/null",
    "-c", "submodule.recurse=false",
    # What looks like a bare repository may be part of what somebody else made.
    "-c", "safe.bareRepository=explicit",
)  # fmt: skip

_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # Objects that are missing stay missing: a remote may be any command. Versions that do
    # not know the first of these know the second, in which no transport is named.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}

_INHERITED = ("PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "TMPDIR")

_NOTHING = (
    "(or any of the parent directories)",
    "(or any parent up to mount point",
    "must be run in a work tree",
    "cannot use bare repository",
    "cannot change to",
)
"""What git says where there is no work tree, which is no failure."""


class GitError(Exception):
    """A call of git that brought nothing; ``reason`` is one of the metric contract."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoRepositoryError(Exception):
    """There is no work tree of a repository at a directory."""


class Git:
    """The git command, as it can be had without running what a repository names.

    Args:
        binary: The git program.
    """

    def __init__(self, binary: str) -> None:
        self._binary = binary
        self._stuck: list[subprocess.Popen[bytes]] = []
        self._environment = _ENVIRONMENT | {
            name: os.environ[name] for name in _INHERITED if name in os.environ
        }
        self.calls = 0
        """Calls made so far."""

    def ask(
        self,
        directory: str,
        *words: str,
        filters: Iterable[str] = (),
        deadline: float,
    ) -> bytes:
        """Run one git command in ``directory`` and return what it printed.

        Args:
            directory: An absolute path. Git goes there itself: where that hangs, it hangs.
            words: The command.
            filters: Names of the filters that the repository's configuration defines.
            deadline: Monotonic time at which the call is killed, with all that it started.

        Raises:
            NoRepositoryError: there is none, or no such directory.
            GitError: git cannot be started, complains, or takes or prints too much.
        """
        if time.monotonic() >= deadline or not self._reap():
            raise GitError("timeout")
        process = self._start([*_OPTIONS, *_disarm(filters), "-C", directory, *words])
        try:
            out, complaint = _read(process, deadline)
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise GitError("timeout") from None
        finally:
            self._end(process)
        if process.returncode:
            raise _explain(complaint)
        return out

    def list_filters(self, directory: str, deadline: float) -> set[str]:
        """Return the names of all filters that are configured for a repository.

        Raises:
            GitError: as for :meth:`ask`.
            NoRepositoryError: as for :meth:`ask`.
        """
        listed = self.ask(
            directory, "config", "--includes", "--list", "-z", "--name-only", deadline=deadline
        )
        keys = listed.decode(errors="surrogateescape").split("\0")
        return {
            key.removeprefix("filter.").rpartition(".")[0]
            for key in keys
            if key.startswith("filter.")
        }

    def _start(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        self.calls += 1
        try:
            process = subprocess.Popen(  # noqa: S603  # no shell; words of ours and a path
                [self._binary, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
            )
        except (FileNotFoundError, PermissionError):
            raise GitError("binary") from None
        except (OSError, MemoryError):
            raise GitError("error") from None
        children.remember(process)
        with suppress(OSError):
            # What is watched comes before who watches it.
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what still runs of a call, and reap it if that can be done now."""
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        if process.poll() is None:
            children.kill(process)
            try:
                process.wait(_REAPED_SECONDS)
            except subprocess.TimeoutExpired:
                self._stuck.append(process)

    def _reap(self) -> bool:
        """Tell whether another call may be started."""
        self._stuck = [process for process in self._stuck if process.poll() is None]
        return len(self._stuck) < _MOST_STUCK


def _disarm(filters: Iterable[str]) -> list[str]:
    """Return the options that make each of these filters do nothing.

    Raises:
        GitError: an option cannot name one of them, or there are too many.
    """
    names = sorted(filters)
    if len(names) > _MOST_FILTERS or any("=" in name or "\n" in name for name in names):
        raise GitError("filters")
    switched_off = ("clean=", "smudge=", "process=", "required=false")
    return [
        word for name in names for end in switched_off for word in ("-c", f"filter.{name}.{end}")
    ]


def _read(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    """Read both streams of a call to their end.

    Raises:
        GitError: that does not come in time, or after too much.
    """
    assert process.stdout is not None  # noqa: S101  # both are pipes
    assert process.stderr is not None  # noqa: S101
    printed, complaint = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, printed)
        selector.register(process.stderr, selectors.EVENT_READ, complaint)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise GitError("timeout")
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.data is printed:
                    printed += chunk
                else:
                    complaint += chunk[: _KEPT_BYTES - len(complaint)]
            if len(printed) > MOST_BYTES:
                raise GitError("output")
    return bytes(printed), bytes(complaint)


def _explain(complaint: bytes) -> Exception:
    text = complaint.decode(errors="replace")
    if any(sign in text for sign in _NOTHING):
        return NoRepositoryError()
    return GitError("ownership" if "dubious ownership" in text else "error")
