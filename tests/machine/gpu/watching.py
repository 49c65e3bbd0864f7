"""A whole exporter that watches the GPUs of a stand-in for the driver, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from machine.gpu.fake_nvml import COMPILER, FakeNvml
from polling import wait_until
from runner.programs import PANEWATCH, Exporter, get

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler (cc) is installed")

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
HANGS = "1s"
"""After how long a driver counts as one that hangs, where one is to hang."""

_WORKS = "20s"
"""The same where none is to: a sample is slow where the machine is, too."""

_SETTINGS = """\
web: {{listen_address: "127.0.0.1:0"}}
collectors:
  panes: {{enabled: false}}
  errors: {{enabled: false}}
  training: {{enabled: false}}
  repositories: {{enabled: false}}
  gpu: {{interval: 50ms, timeout: 60s}}
  host: {{enabled: false}}
  attribution: {{enabled: false}}
  process: {{interval: 50ms}}
gpu: {{timeout: {timeout}}}
"""


class GpuExporter(Exporter):
    """A running exporter; without a library it finds none."""

    def __init__(
        self, library: FakeNvml | None, folder: Path, *arguments: str, timeout: str = _WORKS
    ) -> None:
        settings = folder / "panewatch.yml"
        settings.write_text(_SETTINGS.format(timeout=timeout))
        super().__init__(
            [*PANEWATCH, f"--config.file={settings}", *arguments],
            folder,
            env=library.environment if library else {},
        )
        self.port = self.find_port()

    def read(self) -> dict[str, float]:
        """Give the value of every series that is panewatch's own, by its text."""
        status, text = get(self.port)
        assert status == 200
        found = {}
        for line in text.splitlines():
            match = _SAMPLE.match(line)
            if match and match[1].startswith("panewatch_"):
                name = match[1].removeprefix("panewatch_")
                found[f"{name}{{{match[2]}}}" if match[2] else name] = float(match[3])
        return found

    def read_gpus(self) -> dict[str, float]:
        """Give every series that tells how one GPU is now."""
        return {
            name: value
            for name, value in self.read().items()
            if 'gpu="' in name and not name.startswith("gpu_xid_errors_total")
        }

    @property
    def state(self) -> str:
        """The one state that the source is in; nothing where there was no sample yet."""
        series = self.read()
        states = [
            name[len('gpu_state{state="') : -len('"}')]
            for name, value in series.items()
            if name.startswith("gpu_state{") and value == 1
        ]
        assert len(states) <= 1
        assert not states or series["gpu_up"] == (states == ["up"])
        return "".join(states)

    @property
    def success(self) -> bool | None:
        value = self.read().get('collector_success{collector="gpu"}')
        return None if value is None else bool(value)

    def wait_for_state(self, state: str, timeout: float = 30.0) -> None:
        wait_until(lambda: self.state == state, timeout, f"state {state}")

    def count_threads(self) -> int:
        """Count its threads, those of libraries too."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def wait_for_threads(self, before: int) -> None:
        """Wait until there are no more threads than before, but for one that was late then."""
        wait_until(lambda: self.count_threads() <= before + 1, what=f"about {before} threads")
