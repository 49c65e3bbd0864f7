"""The filesystems of the machine: how full they are, and when they will be."""

from __future__ import annotations

import time
from collections.abc import Callable

from panewatch.config import HostSettings
from panewatch.machine.host.growth import Growth
from panewatch.machine.host.model import Filesystem
from panewatch.machine.host.mounts import Mount, list_mounts
from panewatch.machine.host.questions import Answer, Place, Questions, Space


class Filesystems:
    """Reads them again and again, and remembers how each has grown.

    Args:
        questions: What asks them.
        monotonic: The clock of their growth.
    """

    def __init__(
        self, questions: Questions, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._questions = questions
        self._monotonic = monotonic
        self._growths: dict[Place, Growth] = {}

    def read(self, settings: HostSettings) -> tuple[tuple[Filesystem, ...], int]:
        """Return those that are shown, and how many are not. Takes twice the timeout at most.

        Raises:
            OSError: the table of mounts cannot be read.
            RuntimeError: the system has no thread left.
        """
        mounts = list_mounts(settings.ignored_mount_points, settings.max_filesystems)
        answers = self._questions.put((mount.place for mount in mounts.shown), settings.timeout)
        told = [
            self._tell(mount, answer)
            for mount in mounts.shown
            if (answer := answers.get(mount.place, "failed")) != "none"
        ]
        there = {mount.place for mount in mounts.shown}
        self._growths = {place: each for place, each in self._growths.items() if place in there}
        return tuple(told), mounts.dropped

    def _tell(self, mount: Mount, answer: Answer) -> Filesystem:
        if not isinstance(answer, Space):
            return Filesystem(mount.label, mount.readonly, failed=True)
        growth = self._growths.setdefault(mount.place, Growth())
        days = growth.look(self._monotonic(), answer.size, answer.available)
        return Filesystem(
            mount.label, mount.readonly, failed=False,
            size=answer.size, available=answer.available, days_until_full=days,
        )  # fmt: skip
