"""Scrapes an exporter over many connections at once, in a process of its own.

Usage: scraper.py PORT CONNECTIONS ROUNDS PAUSE. In each round all connections send a
request at the same time, as Prometheus words it; the next round begins PAUSE seconds
after the last answer. Prints JSON: ``latencies`` in seconds from sending a request to the
last byte of its answer, ``refused`` and ``torn`` answers, ``series`` and ``bytes`` of one
answer, and the share of the time that this process was busy, ``busy``.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
import zlib
from dataclasses import dataclass, field

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

_REQUEST = (
    b"GET /metrics HTTP/1.1\r\n"
    b"Host: localhost\r\n"
    b"Accept: application/openmetrics-text;version=1.0.0;q=0.5,"
    b"text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n"
    b"Accept-Encoding: gzip\r\n"
    b"\r\n"
)
_LIMIT = 60.0
_WARM_UP = 2


@dataclass(slots=True)
class Answer:
    """An answer while it arrives."""

    sent: float = 0.0
    took: float | None = None
    data: bytearray = field(default_factory=bytearray)

    @property
    def complete(self) -> bool:
        """Whether all of it is there, by its length or its last chunk."""
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = read_header(self.data[:end], b"content-length")
        if length:
            return len(self.data) >= end + 4 + int(length)
        return self.data.endswith(b"\r\n0\r\n\r\n")


def read_header(head: bytes | bytearray, name: bytes) -> bytes:
    """Return the value of a header, empty where there is none."""
    for line in bytes(head).split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


def ask_all(connections: list[socket.socket]) -> list[Answer]:
    """Send a request on every connection, and return the answers when all have come."""
    answers = {connection: Answer() for connection in connections}
    with selectors.DefaultSelector() as selector:
        for connection, answer in answers.items():
            selector.register(connection, selectors.EVENT_READ)
            answer.sent = time.perf_counter()
            connection.sendall(_REQUEST)
        waiting = len(connections)
        deadline = time.monotonic() + _LIMIT
        while waiting and time.monotonic() < deadline:
            for key, _ in selector.select(timeout=1.0):
                asked = key.fileobj
                assert isinstance(asked, socket.socket)
                answer = answers[asked]
                data = receive(asked)
                answer.data += data
                if not data or answer.complete:
                    answer.took = time.perf_counter() - answer.sent if data else None
                    selector.unregister(asked)
                    waiting -= 1
    return list(answers.values())


def receive(connection: socket.socket) -> bytes:
    """Return what has arrived; nothing where the connection is over."""
    try:
        return connection.recv(1 << 20)
    except ConnectionError:
        return b""


def unpack(data: bytes) -> tuple[int, str, str]:
    """Return status, media type and text of a complete answer.

    Raises:
        ValueError, zlib.error: it is not whole.
    """
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    if read_header(head, b"transfer-encoding") == b"chunked":
        body = join_chunks(body)
    if read_header(head, b"content-encoding") == b"gzip":
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        body = unpacker.decompress(body)
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError("the gzip stream does not end with the body")
    kind = read_header(head, b"content-type").decode()
    status = head.split(b" ", 2)[1:2]
    if not status:
        raise ValueError("no status line")
    return int(status[0]), kind, body.decode()


def join_chunks(body: bytes) -> bytes:
    """Return the body that was sent in chunks."""
    parts: list[bytes] = []
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return b"".join(parts)
        parts.append(body[:length])
        body = body[length + 2 :]


class Judge:
    """Tells whole answers from torn and refused ones; equal answers are looked at once."""

    def __init__(self) -> None:
        self.refused = self.torn = self.size = 0
        self.latencies: list[float] = []
        self.last: tuple[str, str] = ("", "")
        self._known: dict[bytes, str] = {}

    def take(self, answers: list[Answer]) -> None:
        """Judge the answers of one round."""
        self._known.clear()
        for answer in answers:
            data = bytes(answer.data)
            if data not in self._known:
                self._known[data] = "torn" if answer.took is None else self._judge(data)
            verdict = self._known[data]
            self.refused += verdict == "refused"
            self.torn += verdict == "torn"
            if verdict == "whole" and answer.took is not None:
                self.latencies.append(answer.took)

    def _judge(self, data: bytes) -> str:
        try:
            status, kind, text = unpack(data)
        except (ValueError, zlib.error):
            return "torn"
        if status != 200:
            return "refused"
        end = "# EOF\n" if "openmetrics" in kind else "\n"
        if not text.endswith(end):
            return "torn"
        self.last, self.size = (kind, text), len(data)
        return "whole"

    def count_series(self) -> int:
        """Parse the last whole answer with a strict parser, and return its series."""
        kind, text = self.last
        parse = parse_openmetrics if "openmetrics" in kind else parse_text
        return sum(len(family.samples) for family in parse(text))


def main() -> None:
    """Scrape as the command line says."""
    port, count, rounds = map(int, sys.argv[1:4])
    pause = float(sys.argv[4])
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    judge = Judge()
    wall = busy = 0.0
    for number in range(_WARM_UP + rounds):
        begin, begin_busy = time.perf_counter(), time.process_time()
        answers = ask_all(connections)
        if number >= _WARM_UP:
            wall += time.perf_counter() - begin
            busy += time.process_time() - begin_busy
            judge.take(answers)
        if not all(answer.complete for answer in answers):
            break
        time.sleep(pause)
    for connection in connections:
        connection.close()
    print(
        json.dumps(
            {
                "latencies": judge.latencies,
                "refused": judge.refused,
                "torn": judge.torn,
                "series": judge.count_series() if judge.latencies else 0,
                "bytes": judge.size,
                "busy": busy / wall,
            }
        )
    )


if __name__ == "__main__":
    main()
