"""A TLS server that runs in a test, asked over TLS."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from server.serving import Running, read_all

if TYPE_CHECKING:
    from pathlib import Path

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
