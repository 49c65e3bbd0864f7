"""A whole exporter that watches another machine than the one it runs on, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from machine.host.fake_host import COMPILER, FakeHost
from machine.host.machines import SHOWN
from polling import wait_until
from runner.programs import PANEWATCH, Exporter, get

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler (cc) is installed")

_COUNTS = 10
"""Looks at threads, of which one at least is between two samples."""

_SAMPLE = re.compile(r"^panewatch_(\w+(?:\{.*\})?) (\S+)$", re.MULTILINE)
_SETTINGS = """\
web: {listen_address: "127.0.0.1:0"}
collectors:
  panes: {enabled: false}
  errors: {enabled: false}
  training: {enabled: false}
  profiles: {enabled: false}
  repositories: {enabled: false}
  gpu: {enabled: false}
  host: {interval: 50ms}
  process: {interval: 50ms}
host: {timeout: 500ms}
"""


class HostExporter(Exporter):
    """A running exporter."""

    def __init__(self, host: FakeHost, folder: Path, *arguments: str) -> None:
        settings = folder / "panewatch.yml"
        settings.write_text(_SETTINGS)
        super().__init__(
            [*PANEWATCH, f"--config.file={settings}", *arguments], folder, env=host.environment
        )
        self.port = self.find_port()

    def read(self) -> dict[str, float]:
        """Give the value of every series that is panewatch's own, by its text."""
        status, text = get(self.port)
        assert status == 200
        return {name: float(value) for name, value in _SAMPLE.findall(text)}

    def read_host(self) -> dict[str, float]:
        """Give every series of the collector."""
        return {
            name.removeprefix("host_"): value
            for name, value in self.read().items()
            if name.startswith("host_")
        }

    @property
    def success(self) -> bool | None:
        value = self.read().get('collector_success{collector="host"}')
        return None if value is None else bool(value)

    def wait_for(self, series: str, value: float | None, timeout: float = 30.0) -> None:
        """Wait until a series has a value, or until there is none."""
        wait_until(
            lambda: self.success is not None and self.read_host().get(series) == value,
            timeout,
            f"{series} {value}",
        )

    def is_content(self) -> bool:
        """Tell whether it finds nothing wrong with the machine as it is at first."""
        told = self.read()
        mounts = {f'host_filesystem_device_error{{mountpoint="{path}"}}' for path in SHOWN}
        return (
            told.get('collector_success{collector="host"}') == 1
            and {name for name in told if name.startswith("host_filesystem_device")} == mounts
            and not any(told[name] for name in mounts)
        )

    def settle_threads(self) -> int:
        """Count the threads that it has when it waits for nobody."""
        seen: list[int] = []

        def count() -> bool:
            seen.append(self.count_threads())
            return len(seen) == _COUNTS

        wait_until(count, what="some looks at its threads")
        return min(seen)

    def count_threads(self) -> int:
        """Count its threads, those of libraries too."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))
