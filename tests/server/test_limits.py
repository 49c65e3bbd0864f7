"""Clients that are slow, many, large or malicious."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
import structlog

from polling import wait_until
from server.serving import TEXT, read_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from server.serving import Exposition, Running

    Serve = Callable[..., Running]

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def is_closed(client: socket.socket) -> bool:
    """Tell whether the other side has closed, throwing away what it sent."""
    client.setblocking(False)
    try:
        return client.recv(65536) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        client.settimeout(10)


def open_connections(running: Running) -> int:
    return sum(
        1
        for each in psutil.Process().net_connections("tcp")
        if each.laddr.port == running.port and each.status == psutil.CONN_ESTABLISHED
    )


@contextlib.contextmanager
def slow_connections(running: Running) -> Iterator[list[socket.socket]]:
    """Open 200 connections with more or less of a request head."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(200)]
        for number, client in enumerate(clients):
            client.sendall(GET[: number % len(GET)])
        yield clients


def test_200_slow_connections_delay_nobody(serve: Serve) -> None:
    running = serve(header_timeout=60.0)
    with slow_connections(running) as clients:
        assert running.get("/metrics").content == TEXT
        assert not any(is_closed(client) for client in clients)


def test_200_slow_connections_are_closed(serve: Serve) -> None:
    running = serve(header_timeout=0.5)
    with slow_connections(running) as clients:
        for client in clients:
            wait_until(partial(is_closed, client), what="a slow connection closed")
    assert running.counter("http_requests_rejected_total", reason="header_timeout") == 200


def test_a_head_that_drips_in_is_cut_off_in_total_time(serve: Serve) -> None:
    running = serve(header_timeout=0.5)
    with running.connect() as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n")

        def drip() -> bool:
            with contextlib.suppress(ConnectionError):
                client.sendall(b"X: y\r\n")
            return is_closed(client)

        wait_until(drip, timeout=5)
    assert running.counter("http_requests_rejected_total", reason="header_timeout") == 1


def test_a_second_head_that_drips_in_is_cut_off_too(serve: Serve) -> None:
    running = serve(header_timeout=0.5)
    with running.connect() as client:
        client.sendall(GET + b"GET /met")
        wait_until(lambda: is_closed(client), timeout=5)
    assert running.counter("http_requests_total", path="/metrics", code="200") == 1
    assert running.counter("http_requests_rejected_total", reason="header_timeout") == 1


def test_an_idle_connection_is_closed_and_not_counted(serve: Serve) -> None:
    running = serve(header_timeout=0.3)
    with running.connect() as client:
        client.sendall(GET)
        assert read_all(client).endswith(TEXT)
    assert running.counter("http_requests_rejected_total", reason="header_timeout") == 0


def test_a_connection_can_be_used_again(serve: Serve) -> None:
    running = serve()
    with httpx.Client() as client:
        for _ in range(5):
            assert client.get(f"{running.url}/metrics").content == TEXT
        assert open_connections(running) == 1


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    raw = serve().ask(
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    codes = [line.split()[1] for line in raw.splitlines() if line.startswith(b"HTTP/1.1")]
    assert codes == [b"200", b"404", b"200"]


def read_slowly(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def test_a_reader_of_one_byte_at_a_time_is_cut_off(serve: Serve, exposition: Exposition) -> None:
    exposition.body = b"x" * 20_000_000
    running = serve(write_timeout=0.5)
    with running.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(GET)
        wait_until(
            lambda: (
                running.counter("http_requests_rejected_total", reason="write_timeout") == 1
                or read_slowly(client)
            ),
            timeout=5,
        )
        wait_until(lambda: open_connections(running) <= 1, what="cut off")
    assert running.counter("http_requests_rejected_total", reason="write_timeout") == 1


def test_a_reader_in_sips_is_cut_off_in_total_time(serve: Serve, exposition: Exposition) -> None:
    exposition.body = b"x" * 100_000_000
    running = serve(write_timeout=0.7)
    with running.connect() as client:
        client.sendall(GET)

        def sip() -> bool:
            client.recv(65536)
            late = running.counter("http_requests_rejected_total", reason="write_timeout")
            return late == 1

        wait_until(sip, timeout=8, what="cut off")


def test_slow_readers_hold_no_copies_and_delay_nobody(serve: Serve, exposition: Exposition) -> None:
    exposition.body = b"x" * 30_000_000
    running = serve(write_timeout=30.0, max_requests=5)
    before = psutil.Process().memory_info().rss
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(running.connect())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(GET)
            assert client.recv(1) == b"H"
        # 20 copies would be 600 MB; the one body was there before.
        assert psutil.Process().memory_info().rss - before < 200_000_000
        assert len(running.get("/metrics").content) == 30_000_000


def test_one_connection_too_many_is_closed_at_once(serve: Serve) -> None:
    running = serve(max_connections=3, header_timeout=30.0)
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(running.connect()) for _ in range(3)]
        with running.connect() as fourth:
            assert read_all(fourth) == b""
        assert running.counter("http_requests_rejected_total", reason="connections") == 1
        assert not any(is_closed(client) for client in kept)
        kept[0].close()
        # The place of one that left is free again.
        wait_until(lambda: try_get(running) == 200)


def try_get(running: Running) -> int:
    try:
        return running.get("/-/healthy").status_code
    except httpx.TransportError:
        return 0


def test_one_request_too_many_is_told_to_come_back(
    serve: Serve, exposition: Exposition, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make(_self: Exposition, _openmetrics: bool, _compressed: bool) -> bytes:
        begun.set()
        assert go_on.wait(20)
        return TEXT

    monkeypatch.setattr(type(exposition), "__call__", make)
    running = serve(max_requests=1)
    with running.connect() as first:
        first.sendall(GET)
        assert begun.wait(10)
        answer = running.get("/metrics")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        go_on.set()
        assert first.recv(65536).startswith(b"HTTP/1.1 200 OK")
    assert running.counter("http_requests_rejected_total", reason="requests") == 1
    assert running.get("/metrics").status_code == 200


def test_a_head_of_one_megabyte_is_refused(serve: Serve) -> None:
    running = serve()
    big = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 1_000_000 + b"\r\n\r\n"
    raw = running.ask(big)
    assert raw.startswith(b"HTTP/1.1 431 ")
    assert running.counter("http_requests_total", path="other", code="431") == 1


@pytest.mark.parametrize(
    "head",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/x\r\n\r\n",
     b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", b"G\xffT / HTTP/1.1\r\nHost: x\r\n\r\n",
     b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_http_is_refused(serve: Serve, head: bytes) -> None:
    running = serve()
    raw = running.ask(head + b"\r\n\r\n")
    assert raw.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nconnection: close\r\n" in raw.lower()
    assert running.counter("http_requests_total", path="other", code="400") == 1
    assert try_get(running) == 200


def test_endless_junk_after_a_refusal_is_cut_off(serve: Serve) -> None:
    running = serve(header_timeout=0.5)
    with running.connect() as client, contextlib.suppress(ConnectionError):
        client.sendall(b"junk\r\n\r\n")
        wait_until(lambda: client.send(b"x" * 65536) == 0, timeout=10)
    wait_until(lambda: open_connections(running) == 0, what="cut off")


def test_a_body_is_read_and_forgotten(serve: Serve) -> None:
    running = serve()
    with httpx.Client() as client:
        for _ in range(2):
            answer = client.request("GET", f"{running.url}/metrics", content=b"x" * 10_000)
            assert answer.content == TEXT
            assert "Connection" not in answer.headers
        assert open_connections(running) == 1


def test_an_endless_body_ends_the_connection_and_not_the_answer(serve: Serve) -> None:
    running = serve(header_timeout=0.5)
    head = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    with running.connect() as client:
        client.sendall(head + b"x" * 1000)
        raw = read_all(client)  # nothing more is sent: after the timeout, the answer
    assert raw.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nconnection: close\r\n" in raw.lower()


def test_slow_bodies_take_no_place(serve: Serve) -> None:
    running = serve(max_requests=1, header_timeout=30.0)
    head = b"GET /metrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    head += b"Content-Length: 10\r\n\r\n"
    with running.connect() as first, running.connect() as second:
        for client in (first, second):
            client.sendall(head)
            assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        assert running.get("/metrics").status_code == 200


def test_http_1_0_is_answered(serve: Serve) -> None:
    raw = serve().ask(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert raw.startswith(b"HTTP/1.1 200 OK")
    assert raw.endswith(TEXT)


def test_an_upgrade_is_not_made(serve: Serve) -> None:
    raw = serve().ask(
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert raw.startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_leaves_early_harms_nobody(serve: Serve, exposition: Exposition) -> None:
    exposition.body = b"x" * 5_000_000
    running = serve()
    for _ in range(20):
        with running.connect() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            client.sendall(GET)
    assert try_get(running) == 200
    wait_until(lambda: running.server._app._in_progress == 0)


def test_running_out_of_file_descriptors_passes(serve: Serve) -> None:
    running = serve()
    clients = [socket.socket() for _ in range(30)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as stack:
        for client in clients:
            stack.enter_context(client).settimeout(10)
        with structlog.testing.capture_logs() as logs:
            # No descriptor is left for the other ends.
            resource.setrlimit(resource.RLIMIT_NOFILE, (clients[0].fileno(), hard))
            try:
                for client in clients:
                    client.connect(("127.0.0.1", running.port))
                wait_until(lambda: logs, what="a complaint")
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for client in clients:
            client.sendall(GET)
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert logs[0]["reason"] == "Too many open files"
