"""Whether the exporter of this configuration answers: for containers and scripts."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from typing import TYPE_CHECKING, Final

from panewatch import web_config

if TYPE_CHECKING:
    from panewatch.config import WebSettings

_TIMEOUT: Final = 4.0
_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - no bind


def check_health(web: WebSettings) -> tuple[bool, str]:
    """Ask `/-/healthy` of the configured address; tell whether it answers, and what.

    A server that wants a password or a client certificate is well too. Its certificate
    is not verified where the address is this machine's own.

    Raises:
        WebConfigError: `web.config_file` cannot be used.
    """
    host, _, port = web.listen_address.rpartition(":")
    host = _EVERYWHERE.get(host.strip("[]"), host.strip("[]"))
    tls = web_config.load(web.config_file).tls if web.config_file else None
    if tls is None:
        return _ask(http.client.HTTPConnection(host, int(port), timeout=_TIMEOUT))
    connection = http.client.HTTPSConnection(
        host, int(port), timeout=_TIMEOUT, context=_build_context(host)
    )
    try:
        connection.connect()
    except ssl.SSLError as error:
        connection.close()
        return False, f"TLS: {error.reason}"
    except OSError as error:
        return False, _describe(error)
    well, detail = _ask(connection)
    if not well and tls.client_auth_type == "RequireAndVerifyClientCert":
        return True, "TLS: it wants a client certificate"
    return well, detail


def _ask(connection: http.client.HTTPConnection) -> tuple[bool, str]:
    try:
        connection.request("GET", "/-/healthy")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, _describe(error)
    finally:
        connection.close()
    well = status in {http.client.OK, http.client.UNAUTHORIZED}
    return well, f"HTTP status {status}"


def _describe(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_TIMEOUT:g} s"
    refused = isinstance(error, ConnectionRefusedError)
    if isinstance(error, OSError) and (refused or not isinstance(error, ConnectionError)):
        return error.strerror or type(error).__name__
    return (
        "no answer in HTTP: another program listens there, or panewatch with TLS "
        "(give its --web.config.file here too)"
    )


def _build_context(host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if _is_loopback(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
