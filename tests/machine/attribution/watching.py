"""A whole exporter that watches one tmux server, and GPUs of a stand-in for the driver."""

from __future__ import annotations

import re
from pathlib import Path

from machine.gpu.fake_nvml import FakeNvml
from machine.gpu.watching import GpuExporter
from runner.programs import PANEWATCH, Exporter

_LABEL = re.compile(r'(\w+)="([^"]*)"')
_SETTINGS = """\
web: {{listen_address: "127.0.0.1:0"}}
tmux: {{sockets: [{socket}]}}
panes: {{list_interval: 100ms, process_interval: 100ms}}
gpu: {{timeout: {timeout}}}
collectors:
  panes: {{interval: 100ms}}
  errors: {{enabled: false}}
  training: {{enabled: false}}
  repositories: {{enabled: false}}
"""


class AttributionExporter(GpuExporter):
    """A running exporter."""

    timeout = "500ms"
    """How long the driver may take."""
    collectors = """\
  host: {enabled: false}
  gpu: {interval: 50ms}
  attribution: {interval: 50ms}
"""
    """How those of the machine are set up."""

    def __init__(self, library: FakeNvml | None, folder: Path, socket: str) -> None:
        settings = folder / "panewatch.yml"
        common = _SETTINGS.format(socket=socket, timeout=self.timeout)
        settings.write_text(common + self.collectors)
        Exporter.__init__(
            self, [*PANEWATCH, f"--config.file={settings}"], folder,
            env=library.environment if library else {},
        )  # fmt: skip
        self.port = self.find_port()

    def read_family(self, name: str) -> dict[tuple[str, ...], float]:
        """Give the values of a metric by the values of its labels but server, window, pane."""
        found = {}
        for series, value in self.read().items():
            if series.partition("{")[0] == name:
                labels = dict(_LABEL.findall(series))
                found[
                    tuple(labels[key] for key in ("session", "gpu", "reason") if key in labels)
                ] = value
        return found
