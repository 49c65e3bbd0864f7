"""The ``host`` collector: what this machine does, and how much room it has left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from prometheus_client import Metric

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.machine.host.counters import Counters, read_cpus, read_load, read_memory
from panewatch.machine.host.families import build_families
from panewatch.machine.host.filesystems import Filesystems
from panewatch.machine.host.model import Reading
from panewatch.machine.host.questions import Questions

_UNREADABLE: Final = (OSError, ValueError, RuntimeError, LookupError)
"""What psutil and the system raise where a file is missing, refused or of another shape."""


class HostCollector:
    """This machine: CPUs, memory, pressure, disks and filesystems.

    ::

        panewatch_host_cpu_seconds_total{mode="idle"} 275101.3
        panewatch_host_memory_bytes{kind="available"} 2.36e+10
        panewatch_host_filesystem_avail_bytes{mountpoint="/"} 8.1e+10

    A part that cannot be read leaves the others as they are. A filesystem that never answers
    takes a sample two seconds once, by default, and holds nobody up from then on.
    """

    name: ClassVar[str] = "host"

    def __init__(self, config: Config) -> None:
        self._settings = config.host
        self._counters = Counters()
        self._questions = Questions()
        self._filesystems = Filesystems(self._questions)

    def start(self) -> None:
        """Do nothing: the first sample starts what is needed."""

    def stop(self) -> None:
        """Ask no filesystem any more."""
        self._questions.end()

    def reconfigure(self, config: Config) -> None:
        """Go by ``config`` from the next sample on."""
        self._settings = config.host

    def read(self) -> tuple[Reading, list[str]]:
        """Read everything; return it, and the names of what could not be read."""
        reading, failed = Reading(), []
        for name, read in self._list_parts(reading):
            try:
                read()
            except _UNREADABLE:
                failed.append(name)
        return reading, failed

    def collect(self) -> Iterable[Metric]:
        """Yield what can be read.

        Raises:
            SourceUnavailable: something could not be read; the others were yielded.
        """
        reading, failed = self.read()
        yield from build_families(reading)
        if failed:
            raise SourceUnavailable(f"cannot be read: {', '.join(failed)}")

    def _list_parts(self, into: Reading) -> Iterable[tuple[str, Callable[[], None]]]:
        counters = self._counters

        def read_cpu() -> None:
            into.cpu, into.cpus = counters.read_cpu(), read_cpus()

        def read_load_and_memory() -> None:
            into.load, into.memory = read_load(), dict(read_memory())

        def read_pressure() -> None:
            into.pressure = counters.read_pressure()

        def read_disks() -> None:
            into.disks = counters.read_disks()

        def read_filesystems() -> None:
            found = self._filesystems.read(self._settings)
            into.filesystems, into.filesystems_dropped = found

        yield "cpu", read_cpu
        yield "memory", read_load_and_memory
        yield "pressure", read_pressure
        yield "disks", read_disks
        yield "filesystems", read_filesystems
