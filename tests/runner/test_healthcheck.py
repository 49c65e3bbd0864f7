import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest

from panewatch.config import WebSettings
from panewatch.healthcheck import _build_context, check_health
from panewatch.server import Server
from server.certificates import Authority

Serve = Callable[[str], WebSettings]

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key%s}\n"
CLIENT_CA = ", client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve with a web configuration; give settings that lead there."""
    servers: list[Server] = []

    def start(web_config: str) -> WebSettings:
        file = tmp_path / "web.yml"
        file.write_text(web_config)
        web = WebSettings(listen_address="127.0.0.1:0", config_file=str(file))
        server = Server(web, exposition=lambda *_: b"", ready=lambda: True, version="0")
        servers.append(server)
        server.start()
        return web.model_copy(update={"listen_address": f"127.0.0.1:{server.address[1]}"})

    yield start
    for server in servers:
        server.stop(1.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "", "0.0.0.0", "localhost"])  # noqa: S104
def test_plain(serve: Serve, host: str) -> None:
    web = serve("")
    port = web.listen_address.rpartition(":")[2]
    web = web.model_copy(update={"listen_address": f"{host}:{port}"})
    assert check_health(web) == (True, "HTTP status 200")


def test_a_password_is_not_needed(serve: Serve) -> None:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    web = serve(f"basic_auth_users: {{someone: '{hashed}'}}\n")
    assert check_health(web) == (True, "HTTP status 401")


@pytest.mark.parametrize(
    ("client", "detail"),
    [("", "HTTP status 200"), (CLIENT_CA, "TLS: it wants a client certificate")],
)
def test_tls(serve: Serve, tmp_path: Path, client: str, detail: str) -> None:
    authority = Authority()
    authority.write(tmp_path / "ca.crt")
    authority.issue(tmp_path, "server")
    assert check_health(serve(TLS % client)) == (True, detail)


@pytest.mark.parametrize(
    ("host", "mode"),
    [
        ("127.0.0.1", ssl.CERT_NONE),
        ("::1", ssl.CERT_NONE),
        ("localhost", ssl.CERT_NONE),
        ("192.0.2.1", ssl.CERT_REQUIRED),
        ("localhost.example.org", ssl.CERT_REQUIRED),
    ],
)
def test_only_its_own_certificate_is_taken_unseen(host: str, mode: ssl.VerifyMode) -> None:
    context = _build_context(host)
    assert context.verify_mode == mode
    assert context.check_hostname is (mode == ssl.CERT_REQUIRED)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert check_health(WebSettings(listen_address=address)) == (False, "Connection refused")


def test_something_else_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            connection, _ = other.accept()
            connection.recv(1000)
            connection.sendall(b"SSH-2.0-nonsense\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        well, detail = check_health(WebSettings(listen_address=address))
        thread.join()
    assert not well
    assert detail.startswith("no answer in HTTP: another program listens there, or panewatch with")


def test_plain_http_to_a_port_with_tls(serve: Serve, tmp_path: Path) -> None:
    Authority().issue(tmp_path, "server")
    web = serve(TLS % "").model_copy(update={"config_file": None})
    well, detail = check_health(web)
    assert not well
    assert "panewatch with TLS (give its --web.config.file here too)" in detail
