from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from panewatch.config import WebSettings
from panewatch.server import ListenError, Server, listen
from panewatch.web_config import WebConfigError
from polling import wait_until
from server.serving import TEXT, read_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from server.serving import Exposition, Running

    Serve = Callable[..., Running]

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def make(exposition: Exposition, **settings: object) -> Server:
    web = WebSettings(**{"listen_address": "127.0.0.1:0", **settings})
    return Server(web, exposition=exposition, ready=lambda: True, version="1")


def test_a_port_in_use_is_an_error_and_leaves_no_thread(
    serve: Serve, exposition: Exposition
) -> None:
    port = serve().port
    threads = threading.active_count()
    second = make(exposition, listen_address=f"127.0.0.1:{port}")
    with pytest.raises(ListenError) as caught:
        second.start()
    assert str(caught.value) == f"cannot listen on 127.0.0.1:{port}: address already in use"
    assert threading.active_count() == threads
    second.stop(1.0)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("no-such-host.invalid:1", ""),
        ("192.0.2.1:1", "cannot assign requested address"),
        ("127.0.0.1:70000", ""),
    ],
)
def test_an_address_that_cannot_be_had_is_named(address: str, reason: str) -> None:
    with pytest.raises(ListenError) as caught:
        listen(address)
    assert str(caught.value).startswith(f"cannot listen on {address}: {reason}")


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", ":0", "[::1]:0"])
def test_every_form_of_address_is_listened_on(address: str) -> None:
    if "::1" in address and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with listen(address) as listening:
        port = listening.getsockname()[1]
        host = "::1" if "::1" in address else "127.0.0.1"
        with socket.create_connection((host, port), timeout=5):
            pass


def test_the_address_is_not_known_before_the_start(exposition: Exposition) -> None:
    with pytest.raises(RuntimeError):
        _ = make(exposition).address


def test_stopping_frees_the_port_and_ends_the_thread(serve: Serve, exposition: Exposition) -> None:
    threads = set(threading.enumerate())
    running = serve()
    port = running.port
    with running.connect() as idle:
        running.get("/metrics")
        running.server.stop(5.0)
        assert read_all(idle) == b""
    assert set(threading.enumerate()) == threads
    again = make(exposition, listen_address=f"127.0.0.1:{port}")
    again.start()
    again.stop(1.0)
    again.stop(1.0)


def test_an_answer_under_way_is_finished_before_the_end(
    serve: Serve, exposition: Exposition, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make_slowly(_self: Exposition, _openmetrics: bool, _compressed: bool) -> bytes:
        begun.set()
        assert go_on.wait(20)
        return TEXT

    monkeypatch.setattr(type(exposition), "__call__", make_slowly)
    running = serve()
    with running.connect() as client:
        client.sendall(GET)
        assert begun.wait(10)
        stopping = threading.Thread(target=running.server.stop, args=(20.0,))
        stopping.start()
        wait_until(lambda: is_refused(running), what="port closed at once")
        go_on.set()
        assert read_all(client).endswith(TEXT)
        stopping.join(10)
    assert not stopping.is_alive()


def is_refused(running: Running) -> bool:
    try:
        running.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_an_answer_that_is_still_read_is_sent_whole(serve: Serve, exposition: Exposition) -> None:
    exposition.body = b"x" * 20_000_000
    running = serve()
    with running.connect() as client:
        client.sendall(GET)
        client.recv(1)
        stopping = threading.Thread(target=running.server.stop, args=(20.0,))
        stopping.start()
        wait_until(lambda: is_refused(running))
        assert read_all(client).endswith(exposition.body)
        stopping.join(10)


def test_an_answer_that_never_ends_does_not_keep_the_server(
    serve: Serve, exposition: Exposition, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hang(_self: Exposition, _openmetrics: bool, _compressed: bool) -> bytes:
        begun.set()
        go_on.wait(60)
        return TEXT

    monkeypatch.setattr(type(exposition), "__call__", hang)
    running = serve()
    with running.connect() as client:
        client.sendall(GET)
        assert begun.wait(10)
        running.server.stop(0.3)
        assert "http" not in {thread.name for thread in threading.enumerate()}
        assert client.recv(100) == b""
    go_on.set()


def test_a_reload_brings_new_limits(serve: Serve) -> None:
    running = serve(max_connections=50)
    running.server.reload(running.web.model_copy(update={"max_connections": 1}))
    with running.connect(), running.connect() as second:
        assert read_all(second) == b""


def test_a_reload_cannot_move_the_server(serve: Serve) -> None:
    running = serve()
    moved = running.web.model_copy(update={"listen_address": ":1234"})
    with pytest.raises(ListenError, match="takes a restart"):
        running.server.reload(moved)
    assert running.get("/metrics").status_code == 200


def test_a_bad_web_config_refuses_the_start(exposition: Exposition, tmp_path: Path) -> None:
    path = tmp_path / "web.config.yml"
    path.write_text("oops: 1\n")
    with pytest.raises(WebConfigError, match="oops: unknown key"):
        make(exposition, config_file=str(path))


def test_a_reload_with_a_bad_web_config_keeps_the_old(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "web.config.yml"
    path.write_text("http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n")
    running = serve(config_file=str(path))
    path.write_text("oops: 1\n")
    with pytest.raises(WebConfigError):
        running.server.reload(running.web)
    answer = running.get("/metrics")
    assert (answer.status_code, answer.headers["X-Frame-Options"]) == (200, "sameorigin")


def test_headers_change_with_the_file(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "web.config.yml"
    path.write_text("http_server_config:\n  headers:\n    X-XSS-Protection: '1'\n")
    running = serve(config_file=str(path))
    assert running.get("/").headers["X-XSS-Protection"] == "1"
    path.write_text("http_server_config:\n  headers:\n    X-XSS-Protection: '0'\n")
    assert running.get("/").headers["X-XSS-Protection"] == "0"
    path.unlink()
    assert running.get("/").headers["X-XSS-Protection"] == "0"


def test_a_rate_limit_turns_away_what_is_too_much(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "web.config.yml"
    path.write_text("rate_limit:\n  interval: 1h\n  burst: 2\n")
    running = serve(config_file=str(path))
    codes = [running.get("/metrics").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert running.counter("http_requests_total", path="/metrics", code="429") == 1
