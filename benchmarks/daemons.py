"""Real exporters in processes of their own on free loopback ports, and what they use."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from terminals import wait_for

ROOT = Path(__file__).resolve().parents[1]
NODE_EXPORTER = "prometheus-node-exporter"
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since the process began, and bytes that are resident now.

    ``children`` are the CPU seconds of ended children, and theirs, that were waited for.
    """

    at: float
    own: float
    children: float
    resident: int


def measure(pid: int) -> Usage:
    """Read what a living process has used from ``/proc``."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, children_user, children_system = map(int, stat[11:15])
    return Usage(
        at=time.monotonic(),
        own=(user + system) / _TICKS,
        children=(children_user + children_system) / _TICKS,
        resident=int(stat[21]) * _PAGE,
    )


class Exporter:
    """An exporter that listens on ``port``; it ends with the ``with`` block, or by ``end``.

    Args:
        command: How it is started.
        folder: Where its log is put.
        environment: What it has beside what this process has.
        listen: The option by which it is told its port.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        listen: str = "--web.listen-address=127.0.0.1:{port}",
    ) -> None:
        self._name = " ".join(command)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._log = folder / f"{self.port}.log"
        path = os.pathsep.join([str(ROOT / "exporter"), *filter(None, [os.getenv("PYTHONPATH")])])
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, listen.format(port=self.port)], stdout=log, stderr=log,
                env=os.environ | {"PYTHONPATH": path} | dict(environment or {}),
            )  # fmt: skip
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        try:
            wait_for(self._answers, 30, f"{self._name} answers")
        except BaseException:
            self.end()
            sys.stderr.write(self._log.read_text()[-2000:])
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def status(self) -> int | None:
        """The status with which it has ended, None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """End it, and wait until it has."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise ChildProcessError(f"{self._name} ended with {self._process.returncode}")
        try:
            return bool(self.scrape())
        except OSError:
            return False

    def scrape(self) -> str:
        """Return the exposition, over a new connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            return scrape(connection)
        finally:
            connection.close()


def scrape(connection: http.client.HTTPConnection) -> str:
    """Return the exposition, over a connection that is kept."""
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise ConnectionError(f"answered {answer.status}")
    return body.decode()


def start_panewatch(tmux_socket: str, folder: Path) -> Exporter:
    """Return panewatch at its defaults, about to watch one tmux server."""
    return Exporter(
        [sys.executable, "-m", "panewatch", "serve", f"--tmux.socket={tmux_socket}"], folder
    )


def start_node_exporter(folder: Path) -> Exporter | None:
    """Return node_exporter without its limit of 40 requests, None where it is not installed."""
    binary = shutil.which(NODE_EXPORTER) or shutil.which("node_exporter")
    if binary is None:
        return None
    return Exporter([binary, "--web.max-requests=0"], folder)


def wait_for_panes(exporter: Exporter, count: int) -> None:
    """Wait until the exporter has read ``count`` panes."""
    wait_for(
        lambda: exporter.scrape().count("\npanewatch_pane_info{") == count,
        60,
        f"{count} panes are read",
    )
