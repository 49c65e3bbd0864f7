"""The listening socket: how many connections there may be, and with which certificate."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from panewatch.connection import Connection

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    import uvicorn
    from uvicorn.server import ServerState

    from panewatch.config import WebSettings
    from panewatch.http_counters import HttpCounters
    from panewatch.web_files import LiveConfig

_ACCEPT_PAUSE: Final = 0.1
_GOODBYE: Final = 0.2

_log = structlog.get_logger(__name__)


class Listener:
    """Accepts connections on a listening socket, up to the limit, until it is closed.

    The TLS context is looked up for each connection, so that new certificates count
    from the next handshake on, whatever server name the client sends.
    """

    def __init__(
        self, listening: socket.socket, config: uvicorn.Config, state: ServerState, *,
        settings: Callable[[], WebSettings], live: Callable[[], LiveConfig],
        counters: HttpCounters,
    ) -> None:  # fmt: skip
        self._socket = listening
        self._config = config
        self._state = state
        self._settings = settings
        self._live = live
        self._counters = counters
        self._open: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begin to accept connections, in the running event loop."""
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    async def close(self, grace: float) -> None:
        """Let the answers under way finish, for at most ``grace`` seconds, and close all."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        loop.remove_reader(self._socket)
        self._socket.close()
        await asyncio.sleep(0.01)  # asyncio loses a connection that it has only just been given
        for connection in tuple(self._open):
            connection.shutdown()
        await _wait_while(lambda: any(each.unfinished for each in self._open), deadline)
        # What is still open now is TLS that waits for the client's last word.
        await _wait_while(lambda: bool(self._open), min(loop.time() + _GOODBYE, deadline))
        opening = tuple(self._opening)
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.sleep(0)

    def _accept(self) -> None:
        # One at a time: between two, the connections that are open have their turn.
        try:
            connected, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # it left again
        except OSError as error:
            # Out of file descriptors or memory: it passes, but not at once.
            _log.warning("cannot accept a connection", reason=error.strerror)
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.call_later(_ACCEPT_PAUSE, self._resume)
            return
        settings = self._settings()
        if len(self._open) >= settings.max_connections:
            self._counters.reject("connections")
            connected.close()
        else:
            connected.setblocking(False)
            self._start(connected, settings)

    def _resume(self) -> None:
        if self._socket.fileno() >= 0:
            self.open()

    def _start(self, connected: socket.socket, settings: WebSettings) -> None:
        live = self._live()
        connection = Connection(
            self._config, self._state, settings=settings, counters=self._counters,
            allowed_sans=live.config.tls.client_allowed_sans if live.config.tls else (),
            closed=self._open.discard,
        )  # fmt: skip
        self._open.add(connection)
        opening = self._establish(connection, connected, settings, live.context)
        task = asyncio.get_running_loop().create_task(opening)
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _establish(
        self, connection: Connection, connected: socket.socket, settings: WebSettings,
        context: ssl.SSLContext | None,
    ) -> None:  # fmt: skip
        established = False
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                connected,
                ssl=context,
                ssl_handshake_timeout=settings.header_timeout if context else None,
                ssl_shutdown_timeout=settings.write_timeout if context else None,
            )
            established = True
        except ConnectionAbortedError:  # asyncio's name for a handshake that took too long
            self._counters.reject("header_timeout")
        except OSError:  # reset, or no TLS that we speak; ssl.SSLError is one
            pass
        finally:
            if not established:
                self._open.discard(connection)


async def _wait_while(true: Callable[[], bool], deadline: float) -> None:
    # Only while stopping, so that a connection need not tell about each of its steps.
    while true() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 see above
        await asyncio.sleep(0.01)
