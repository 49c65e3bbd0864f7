"""The HTTP server: its thread, its port, its beginning and its end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import structlog
import uvicorn
from uvicorn.server import ServerState

from panewatch.connection import MAX_HEAD, Connection
from panewatch.http_counters import HttpCounters
from panewatch.listener import Listener
from panewatch.web_app import Gate, Pages
from panewatch.web_files import WebFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric

    from panewatch.config import WebSettings

_BACKLOG = 1024

_log = structlog.get_logger(__name__)


class ListenError(Exception):
    """The server cannot listen where it should; the text says where and why."""


class Server:
    """Serves ``/metrics``, ``/``, ``/-/healthy`` and ``/-/ready`` from a thread of its own.

    Args:
        web: address, limits and the path of ``web.config.yml``.
        exposition: called with (openmetrics, gzip) in a thread that is not the
            server's; returns the finished bytes. Never called twice at once with the
            same arguments: requests that come meanwhile share the result.
        ready: whether ``/-/ready`` answers 200; called in the server's thread, so it
            must return at once.
        version: shown on the landing page.

    Raises:
        WebConfigError: ``web.config_file`` cannot be used.
    """

    def __init__(
        self, web: WebSettings, *, exposition: Callable[[bool, bool], bytes],
        ready: Callable[[], bool], version: str,
    ) -> None:  # fmt: skip
        self._web = web
        self._files = WebFiles(web.config_file)
        self._counters = HttpCounters()
        pages = Pages(exposition, ready, version)
        self._app = Gate(
            pages.app, settings=self._settings, live=self._files.current, counters=self._counters
        )
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._grace = 0.0
        self._address: tuple[str, int] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on; of port 0, the one that was given.

        Raises:
            RuntimeError: the server was not started.
        """
        if self._address is None:
            raise RuntimeError("the server was not started")
        return self._address

    @property
    def web_files_well(self) -> bool:
        """Whether the web configuration in use is what its files say by now."""
        return self._files.well

    def start(self) -> None:
        """Listen and serve; when this returns, connections are accepted.

        Raises:
            ListenError: the address is in use, not allowed or unknown. Nothing is left behind.
        """
        listening = listen(self._web.listen_address)
        host, port = listening.getsockname()[:2]
        begun = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(listening, begun), name="http", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more threads
            listening.close()
            raise ListenError(f"cannot serve {self._web.listen_address}: {error}") from None
        begun.wait()
        self._thread, self._address = thread, (host, port)

    def reload(self, web: WebSettings) -> None:
        """Use new limits and read ``web.config.yml`` and its files again.

        Raises:
            WebConfigError: a file cannot be used; everything stays as it was.
            ListenError: the listen address changed, which takes a restart; likewise.
        """
        if web.listen_address != self._web.listen_address:
            raise ListenError(
                f"web.listen_address changed from {self._web.listen_address} to "
                f"{web.listen_address}: it takes a restart"
            )
        self._files.reload(web.config_file)
        self._web = web

    def stop(self, timeout: float) -> None:
        """Close the port at once, let answers under way finish, then close what is left.

        Returns after at most ``timeout`` seconds, and a little; does nothing where the
        server does not run.
        """
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stopping is None:
            return
        self._grace = timeout
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join(timeout + 1.0)

    def collect(self) -> Iterable[Metric]:
        """Yield what the server counted; may be called from any thread."""
        return self._counters.collect()

    def _settings(self) -> WebSettings:
        return self._web

    def _run(self, listening: socket.socket, begun: threading.Event) -> None:
        try:
            with listening:
                asyncio.run(self._serve(listening, begun))
        except Exception:  # noqa: BLE001 the thread ends here, and nobody else would tell
            _log.exception("the HTTP server ended")
        finally:
            begun.set()

    async def _serve(self, listening: socket.socket, begun: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_report)
        config = uvicorn.Config(
            self._app,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",  # each of its lines can be provoked by any client
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            h11_max_incomplete_event_size=MAX_HEAD,
        )
        config.load()
        listener = Listener(
            listening, config, ServerState(),
            settings=self._settings, live=self._files.current, counters=self._counters,
        )  # fmt: skip
        listener.open()
        begun.set()
        await self._stopping.wait()
        await listener.close(self._grace)


def listen(address: str) -> socket.socket:
    """Open a listening socket, not blocking; ``:PORT`` listens on every address.

    Raises:
        ListenError: with the address and the reason.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    listening = None
    try:
        family, place = _resolve(host, int(port))
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, bool(host))
        listening.bind(place)
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        if listening is not None:
            listening.close()
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ListenError(f"cannot listen on {address}: {reason[:1].lower()}{reason[1:]}") from None
    listening.setblocking(False)
    return listening


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    if not host:
        family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
        return family, ("", port)
    # Without the port, which getaddrinfo would cut to 16 bits.
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # A name such as localhost has both; clients of old know only the first.
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    return found[0][0], (str(found[0][4][0]), port)


def _report(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    # Without the exception's text: a client may have chosen it.
    _log.error("HTTP server", event_loop=context.get("message"),
               error=type(context.get("exception")).__name__)  # fmt: skip
