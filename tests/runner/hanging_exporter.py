"""A whole exporter with one collector that hangs in its first sample, for tests that end it.

Run as: python hanging_exporter.py HOST:PORT
"""

import sys
import time
from collections.abc import Iterable
from typing import ClassVar

from prometheus_client.core import Metric

from panewatch import logs
from panewatch.config import Collectors, CollectorSettings, Config, WebSettings
from panewatch.registry import Entry, list_collectors
from panewatch.service import Service


class Hanging:
    name: ClassVar[str] = "panes"

    def collect(self) -> Iterable[Metric]:
        time.sleep(3600)
        return ()


def main() -> int:
    config = Config(
        web=WebSettings(listen_address=sys.argv[1]),
        collectors=Collectors(
            panes=CollectorSettings(timeout=0.2), process=CollectorSettings(interval=0.05)
        ),
    )
    logs.configure(config.log)
    hanging = Entry("panes", lambda _: Hanging(), lambda _: None, lambda _: ())
    process = next(entry for entry in list_collectors() if entry.name == "process")
    return Service(config, lambda: config, (hanging, process)).run()


if __name__ == "__main__":
    sys.exit(main())
