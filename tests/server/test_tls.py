from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import warnings
from typing import TYPE_CHECKING

import pytest
import structlog

from polling import wait_until
from server.certificates import Authority
from server.serving import TEXT, Running, read_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from server.serving import Exposition

    Serve = Callable[..., Running]

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
PLAIN = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
MUTUAL = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"


def client_context(folder: Path, certificate: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.crt", folder / f"{certificate}.key")
    return context


def start_tls(running: Running, context: ssl.SSLContext, name: str = "localhost") -> ssl.SSLSocket:
    """Connect; an IP address as the name sends no server name indication."""
    return context.wrap_socket(running.connect(), server_hostname=name)


def scrape(running: Running, context: ssl.SSLContext, name: str = "localhost") -> bytes:
    with start_tls(running, context, name) as client:
        client.sendall(GET)
        return read_all(client)


def is_refused(running: Running, context: ssl.SSLContext) -> bool:
    """Tell whether no answer came; with TLS 1.3 a client learns it only when it reads."""
    try:
        return scrape(running, context) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def configure(folder: Path, text: str) -> str:
    path = folder / "web.config.yml"
    path.write_text(text)
    return str(path)


@pytest.fixture
def running(serve: Serve, folder: Path) -> Running:
    return serve(config_file=configure(folder, PLAIN), header_timeout=2.0)


def serial(running: Running, context: ssl.SSLContext, name: str) -> int:
    with start_tls(running, context, name) as client:
        found = client.getpeercert() or {}
        return int(str(found["serialNumber"]), 16)


NAMES = ["localhost", "127.0.0.1"]


@pytest.mark.parametrize("name", NAMES)
def test_metrics_are_served_over_tls(running: Running, folder: Path, name: str) -> None:
    raw = scrape(running, client_context(folder), name)
    assert raw.startswith(b"HTTP/1.1 200 OK")
    assert raw.endswith(TEXT)


def test_a_large_answer_arrives_whole_over_tls(
    running: Running, folder: Path, exposition: Exposition
) -> None:
    exposition.body = b"".join(b'panewatch_x{n="%d"} 1.0\n' % n for n in range(200_000))
    assert scrape(running, client_context(folder)).endswith(exposition.body)


def test_a_tls_1_1_client_is_refused(running: Running, folder: Path) -> None:
    context = client_context(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")  # or the client itself would refuse
    assert is_refused(running, context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert scrape(running, context).endswith(TEXT)


def test_the_minimum_version_holds(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN + "  min_version: TLS13\n"))
    old, new = client_context(folder), client_context(folder)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert is_refused(running, old)
    assert scrape(running, new).endswith(TEXT)


def test_the_maximum_version_holds(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN + "  max_version: TLS12\n"))
    with start_tls(running, client_context(folder)) as client:
        assert client.version() == "TLSv1.2"


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ],
)
def test_cipher_suites_hold_for_tls_1_2(serve: Serve, folder: Path, suite: str, name: str) -> None:
    text = f"{PLAIN}  max_version: TLS12\n  cipher_suites: [{suite}]\n"
    running = serve(config_file=configure(folder, text))
    with start_tls(running, client_context(folder)) as client:
        assert (client.cipher() or ("",))[0] == name


def test_only_tls_1_3_suites_leave_only_tls_1_3(serve: Serve, folder: Path) -> None:
    text = f"{PLAIN}  cipher_suites: [TLS_AES_128_GCM_SHA256]\n"
    running = serve(config_file=configure(folder, text))
    context = client_context(folder)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert is_refused(running, context)


@pytest.mark.parametrize("preferred", [True, False])
def test_the_order_of_suites_is_whose_it_is_set_to_be(
    serve: Serve, folder: Path, preferred: bool
) -> None:
    ours, theirs = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"
    text = (
        f"{PLAIN}  max_version: TLS12\n  prefer_server_cipher_suites: {str(preferred).lower()}\n"
        "  cipher_suites:\n    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n"
        "    - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n"
    )
    running = serve(config_file=configure(folder, text))
    context = client_context(folder)
    context.set_ciphers(f"{theirs}:{ours}")
    with start_tls(running, context) as client:
        assert (client.cipher() or ("",))[0] == (ours if preferred else theirs)


def test_the_curve_holds(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, f"{PLAIN}  curve_preferences: [CurveP521]\n"))
    wrong, right = client_context(folder), client_context(folder)
    wrong.set_ecdh_curve("X25519")
    right.set_ecdh_curve("secp521r1")
    assert is_refused(running, wrong)
    assert scrape(running, right).endswith(TEXT)


@pytest.mark.parametrize("name", NAMES)
def test_a_new_certificate_is_used_from_the_next_handshake_on(
    running: Running, folder: Path, authority: Authority, name: str
) -> None:
    context = client_context(folder)
    before = serial(running, context, name)
    with start_tls(running, context, name) as old:
        issued = authority.issue(folder, "server")
        assert before != issued.serial_number
        assert serial(running, context, name) == issued.serial_number
        old.sendall(GET)  # a connection that is open goes on
        assert read_all(old).endswith(TEXT)


def test_a_certificate_replaced_by_rename_is_used(
    running: Running, folder: Path, authority: Authority
) -> None:
    issued = authority.issue(folder, "new")
    for kind in ("crt", "key"):
        (folder / f"new.{kind}").rename(folder / f"server.{kind}")
    assert serial(running, client_context(folder), "localhost") == issued.serial_number


def test_a_half_written_pair_keeps_the_old_until_it_is_whole(
    running: Running, folder: Path, authority: Authority
) -> None:
    context = client_context(folder)
    before = serial(running, context, "localhost")
    issued = authority.issue(folder, "new")
    with structlog.testing.capture_logs() as logs:
        (folder / "new.crt").rename(folder / "server.crt")
        for _ in range(20):
            assert serial(running, context, "localhost") == before
        complaints = [log for log in logs if log["log_level"] == "error"]
        assert len(complaints) == 1
        assert "not the key of the certificate" in complaints[0]["problems"]
        (folder / "new.key").rename(folder / "server.key")
        wait_until(lambda: serial(running, context, "localhost") == issued.serial_number)


@pytest.mark.parametrize("damage", ["junk", "empty", "removed", "unreadable configuration"])
def test_a_broken_file_keeps_the_old_certificate(
    running: Running, folder: Path, damage: str
) -> None:
    context = client_context(folder)
    before = serial(running, context, "localhost")
    if damage == "removed":
        (folder / "server.key").unlink()
    elif damage == "unreadable configuration":
        configure(folder, "tls_server_config: [")
    else:
        (folder / "server.crt").write_text("junk" if damage == "junk" else "")
    assert serial(running, context, "localhost") == before
    assert scrape(running, context).endswith(TEXT)


def test_a_client_certificate_is_required_and_verified(
    serve: Serve, folder: Path, authority: Authority
) -> None:
    stranger = Authority("another authority")
    stranger.issue(folder, "stranger", client=True)
    authority.issue(folder, "no_client")  # for servers only
    running = serve(config_file=configure(folder, PLAIN + MUTUAL))
    assert scrape(running, client_context(folder, "client")).endswith(TEXT)
    for certificate in ("", "stranger", "no_client"):
        assert is_refused(running, client_context(folder, certificate))


def test_a_client_certificate_is_verified_if_given(serve: Serve, folder: Path) -> None:
    Authority("another authority").issue(folder, "stranger", client=True)
    text = PLAIN + MUTUAL.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    running = serve(config_file=configure(folder, text))
    for certificate in ("", "client"):
        assert scrape(running, client_context(folder, certificate)).endswith(TEXT)
    assert is_refused(running, client_context(folder, "stranger"))


def test_a_new_client_authority_is_used_without_restart(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN + MUTUAL))
    right = client_context(folder, "client")
    stranger = Authority("another authority")
    stranger.issue(folder, "stranger", client=True)
    context = client_context(folder, "stranger")
    stranger.write(folder / "ca.crt")
    assert scrape(running, context).endswith(TEXT)
    assert is_refused(running, right)


@pytest.mark.parametrize(
    ("allowed", "answered"),
    [
        ("client.test", True),
        ("2001:DB8:0::1", True),
        ("127.0.0.1", True),
        ("other.test", False),
        ("*.test", False),
    ],
)
def test_only_allowed_subjects_are_answered(
    serve: Serve, folder: Path, allowed: str, answered: bool
) -> None:
    text = f"{PLAIN}{MUTUAL}  client_allowed_sans: ['{allowed}']\n"
    running = serve(config_file=configure(folder, text))
    context = client_context(folder, "client")
    if answered:
        assert scrape(running, context).endswith(TEXT)
    else:
        assert is_refused(running, context)
        assert running.counter("http_requests_rejected_total", reason="unauthorized") == 1


@contextlib.contextmanager
def half_open_handshakes(running: Running) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(200)]
        for number, client in enumerate(clients):
            client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[: number % 12])
        yield clients


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


def count_late(running: Running) -> float:
    return running.counter("http_requests_rejected_total", reason="header_timeout")


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


@pytest.mark.parametrize(("mode", "warnings_logged"), [(0o600, 0), (0o640, 0), (0o644, 1)])
def test_a_key_that_everybody_can_read_is_warned_of(
    serve: Serve, folder: Path, mode: int, warnings_logged: int
) -> None:
    (folder / "server.key").chmod(mode)
    with structlog.testing.capture_logs() as logs:
        serve(config_file=configure(folder, PLAIN))
    assert sum("can read key_file" in log["event"] for log in logs) == warnings_logged


def test_plain_http_on_the_tls_port_gets_nothing(running: Running) -> None:
    with contextlib.suppress(ConnectionError):
        assert b"panewatch_x" not in running.ask(GET)


def test_tls_can_be_turned_on_without_restart(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, ""))
    assert running.get("/metrics").content == TEXT
    configure(folder, PLAIN)
    assert scrape(running, client_context(folder)).endswith(TEXT)


def test_an_idle_tls_client_does_not_hold_up_the_end(running: Running, folder: Path) -> None:
    with start_tls(running, client_context(folder)), running.connect():
        stopping = threading.Thread(target=running.server.stop, args=(30.0,))
        stopping.start()
        stopping.join(10)
        assert not stopping.is_alive()
