from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
import structlog

from polling import wait_until
from server.certificates import Authority
from server.serving import TEXT, Running, read_all
from server.tls_client import (
    GET,
    MUTUAL,
    PLAIN,
    client_context,
    configure,
    is_refused,
    scrape,
    start_tls,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from server.serving import Exposition

    Serve = Callable[..., Running]


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
