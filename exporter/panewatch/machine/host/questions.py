"""Asks filesystems how full they are; one that never answers holds one thread and nobody else."""

from __future__ import annotations

import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

_MOST_THREADS: Final = 256
_END_SECONDS: Final = 2.0
_NOT_OURS: Final = frozenset({errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR})
"""Another user's, or unmounted by now: nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class Space:
    """The bytes of a filesystem: all, and those that any user can still fill."""

    size: float
    available: float


Answer: TypeAlias = Space | Literal["failed", "none"]
"""What a filesystem says: its space, an error, or that there is nothing to say."""


class Place(NamedTuple):
    """A filesystem, by the kernel's number of it, and where it is mounted."""

    device: bytes
    path: bytes


@dataclass
class _Round:
    left: deque[Place]
    answers: dict[Place, Answer] = field(default_factory=dict)
    wanted: int = 0


def read_space(path: bytes) -> Answer:
    """Ask one filesystem. Takes as long as that does, maybe for ever."""
    try:
        found = os.statvfs(path)
    except OSError as error:
        return "none" if error.errno in _NOT_OURS else "failed"
    if not found.f_blocks:
        return "none"
    # Where only root can still write, some tell a negative number: a huge one.
    available = found.f_bavail if found.f_bavail <= found.f_bfree else 0
    return Space(float(found.f_blocks * found.f_frsize), float(available * found.f_frsize))


class Questions:
    """Asks many filesystems again and again, in threads of its own.

    One thread asks all of them, one after the other, as long as all answer. When one does not,
    others ask the rest at once. Who is stuck is not asked again until it has answered; what is
    mounted in its place is.

    Args:
        ask: What asks one; should not raise.
    """

    def __init__(self, ask: Callable[[bytes], Answer] = read_space) -> None:
        self._ask = ask
        self._changed = threading.Condition()
        self._round = _Round(deque())
        self._asked: set[Place] = set()
        """Those that somebody waits for."""
        self._threads: set[threading.Thread] = set()
        self._ending = False

    def put(self, places: Iterable[Place], timeout: float) -> Mapping[Place, Answer]:
        """Return the answers of those that gave one within twice `timeout` seconds.

        Raises:
            RuntimeError: the system has no thread left.
        """
        with self._changed:
            current = [place for place in places if place not in self._asked]
            self._round = round_ = _Round(deque(current), wanted=len(current))
            self._staff(1)
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._is_over(round_), timeout):
                self._staff(len(round_.left))
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_over(round_), timeout)
            # What comes later is not true any more.
            self._round = _Round(deque())
            return dict(round_.answers)

    def end(self) -> None:
        """End the threads; those that are stuck are left behind."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._threads) <= len(self._asked), _END_SECONDS)

    def _staff(self, count: int) -> None:
        """See to it that so many threads are free, as far as there may be so many."""
        free = len(self._threads) - len(self._asked)
        for _ in range(min(count - free, _MOST_THREADS - len(self._threads))):
            thread = threading.Thread(target=self._run, name="panewatch-mount", daemon=True)
            thread.start()
            self._threads.add(thread)

    @staticmethod
    def _is_over(round_: _Round) -> bool:
        return len(round_.answers) == round_.wanted

    def _is_spare(self) -> bool:
        return len(self._threads) - len(self._asked) > 1 and not self._round.left

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._round.left or self._ending or self._is_spare())
                if self._ending or not self._round.left:
                    self._threads.discard(threading.current_thread())
                    self._changed.notify_all()
                    return
                round_ = self._round
                place = round_.left.popleft()
                self._asked.add(place)
            answer = self._ask(place.path)
            with self._changed:
                self._asked.discard(place)
                round_.answers[place] = answer
                self._changed.notify_all()
