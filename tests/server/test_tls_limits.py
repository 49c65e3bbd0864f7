"""Clients that dawdle over TLS: they delay nobody and are cut off."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

from polling import wait_until
from server.serving import TEXT, Running, read_all
from server.tls_client import (
    GET,
    PLAIN,
    client_context,
    configure,
    is_refused,
    scrape,
    start_tls,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from server.serving import Exposition

    Serve = Callable[..., Running]


@contextlib.contextmanager
def half_open_handshakes(running: Running) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(200)]
        for number, client in enumerate(clients):
            client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[: number % 12])
        yield clients


def count_late(running: Running) -> float:
    return running.counter("http_requests_rejected_total", reason="header_timeout")


def test_half_open_handshakes_delay_nobody(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN), header_timeout=60.0)
    with half_open_handshakes(running):
        assert scrape(running, client_context(folder)).endswith(TEXT)
        assert count_late(running) == 0


def test_half_open_handshakes_are_closed(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN), header_timeout=0.5)
    with half_open_handshakes(running) as clients:
        for client in clients:
            with contextlib.suppress(ConnectionError):
                assert read_all(client) == b""
        wait_until(lambda: count_late(running) == 200)


def test_handshakes_count_as_connections(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN), max_connections=2)
    with running.connect(), running.connect(), running.connect() as third:
        assert read_all(third) == b""
    assert running.counter("http_requests_rejected_total", reason="connections") == 1
    wait_until(lambda: not is_refused(running, client_context(folder)))


def test_a_head_that_does_not_come_after_the_handshake_is_cut_off(
    serve: Serve, folder: Path
) -> None:
    running = serve(config_file=configure(folder, PLAIN), header_timeout=0.4)
    with start_tls(running, client_context(folder)) as client:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert client.recv(10) == b""
        wait_until(lambda: count_late(running) == 1)


def test_a_slow_reader_is_cut_off_over_tls(
    serve: Serve, folder: Path, exposition: Exposition
) -> None:
    exposition.body = b"x" * 20_000_000
    running = serve(config_file=configure(folder, PLAIN), write_timeout=0.5)
    raw = running.connect()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with client_context(folder).wrap_socket(raw, server_hostname="localhost") as client:
        client.sendall(GET)
        assert client.recv(1) == b"H"
        wait_until(
            lambda: running.counter("http_requests_rejected_total", reason="write_timeout") == 1
        )
    wait_until(lambda: not running.server._app._in_progress)


def test_an_idle_tls_client_does_not_hold_up_the_end(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN))
    with start_tls(running, client_context(folder)), running.connect():
        stopping = threading.Thread(target=running.server.stop, args=(30.0,))
        stopping.start()
        stopping.join(10)
        assert not stopping.is_alive()
