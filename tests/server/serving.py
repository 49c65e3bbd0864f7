"""A server that runs in a test, and the plainest ways to talk to it."""

from __future__ import annotations

import gzip
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from panewatch.config import WebSettings
    from panewatch.server import Server

TEXT = b"# HELP panewatch_x A number.\n# TYPE panewatch_x gauge\npanewatch_x 1.0\n"
TESTDATA = Path(__file__).parent / "testdata"


# One for all: to make one takes httpx longer than the whole rest of a request.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Exposition:
    """Stands for the runner: fixed bytes, and a note of who asked for what."""

    body: bytes = TEXT
    calls: list[tuple[bool, bool]] = field(default_factory=list)

    def __call__(self, openmetrics: bool, compressed: bool) -> bytes:
        self.calls.append((openmetrics, compressed))
        body = self.body + (b"# EOF\n" if openmetrics else b"")
        return gzip.compress(body, 1) if compressed else body


@dataclass
class Running:
    """A server that runs, and how to reach it."""

    server: Server
    web: WebSettings

    @property
    def port(self) -> int:
        return self.server.address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.request("GET", path, **headers)

    def request(self, method: str, path: str, **headers: str) -> httpx.Response:
        given = {"Accept-Encoding": "identity", **headers}
        return httpx.request(method, self.url + path, headers=given, verify=_NO_TLS, timeout=60)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask(self, request: bytes) -> bytes:
        """Send bytes and read until the server closes."""
        with self.connect() as client:
            client.sendall(request)
            return read_all(client)

    def counter(self, family: str, **labels: str) -> float:
        for metric in self.server.collect():
            for sample in metric.samples:
                if sample.name == f"panewatch_{family}" and sample.labels == labels:
                    return sample.value
        raise AssertionError(f"no series {family} {labels}")


def read_all(client: socket.socket) -> bytes:
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)
