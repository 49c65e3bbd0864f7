"""The `process` collector: panewatch's own process, as the standard ``process_`` families."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import psutil
from prometheus_client import ProcessCollector
from prometheus_client.core import GaugeMetricFamily

from panewatch.diagnose import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric


class OwnProcessCollector:
    """Tells what panewatch itself uses.

    ::

        process_cpu_seconds_total 1.27
        process_resident_memory_bytes 5.5e+07
        process_virtual_memory_bytes 3.1e+08
        process_start_time_seconds 1.79e+09
        process_open_fds 14
        process_max_fds 1024
        process_threads 6

    CPU time leaves out the commands that panewatch runs.
    """

    name: ClassVar[str] = "process"

    def __init__(self) -> None:
        self._standard = ProcessCollector(registry=None)
        self._process = psutil.Process()

    def collect(self) -> Iterable[Metric]:
        """Yield the families; one whose source cannot be read is left out."""
        yield from self._standard.collect()
        yield GaugeMetricFamily(
            "process_threads", "Number of threads.", value=self._process.num_threads()
        )


def diagnose() -> Iterator[Finding]:
    """Tell whether what the system knows of this process can be read."""
    found = {family.name for family in OwnProcessCollector().collect()}
    ok = "process_resident_memory_bytes" in found and "process_open_fds" in found
    detail = (
        f"CPU time, memory, open files and threads of panewatch itself: {len(found)} metrics"
        if ok
        else "/proc is not mounted or may not be read"
    )
    yield Finding("process", ok, detail)
