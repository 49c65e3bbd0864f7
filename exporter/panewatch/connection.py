"""One connection: how long its client may take for what.

uvicorn's HTTP/1.1 protocol parses and answers; this module adds the limits that it
leaves to a proxy: a whole request head in time, an answer that is read in time.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from panewatch import tls

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from panewatch.config import WebSettings
    from panewatch.http_counters import HttpCounters

MAX_HEAD: Final = 16 * 1024
_MAX_DISCARDED: Final = 4 * 1024 * 1024


class Connection(H11Protocol):
    """One connection, cut off when its client takes too long to ask or to read."""

    def __init__(
        self, config: uvicorn.Config, state: ServerState, *, settings: WebSettings,
        allowed_sans: tuple[str, ...], counters: HttpCounters,
        closed: Callable[[Connection], None],
    ) -> None:  # fmt: skip
        super().__init__(config, state, {})
        self._settings = settings
        self._allowed_sans = allowed_sans
        self._counters = counters
        self._closed = closed
        self._established = False
        self._discarding = False
        self._discarded = 0
        self._served = 0
        self._head_timer = _Timer(self.loop, self._cut_off_sender)
        self._write_timer = _Timer(self.loop, self._cut_off_reader)

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's type leaves out None
        return cycle is not None and not cycle.response_complete

    @property
    def unfinished(self) -> bool:
        """Whether an answer is being made or not yet all handed to the system."""
        return self._established and (self.busy or self.flow.write_paused)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._established = True
        # With these limits "paused" means that there is something left to write. Not 0:
        # asyncio's TLS takes that for a pause that never ends.
        transport.set_write_buffer_limits(high=1, low=0)
        self._head_timer.start(self._settings.header_timeout)
        if self._allowed_sans and not self._is_allowed_subject(transport):
            self._counters.reject("unauthorized")
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._head_timer.stop()
        self._write_timer.stop()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self._closed(self)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self.transport.is_closing():  # TLS delivers what came before the goodbye
            return
        if self._discarding:
            self._discarded += len(data)
            if self._discarded > _MAX_DISCARDED:
                self.transport.abort()
            return
        super().data_received(data)
        if self.busy:
            self._head_timer.stop()

    def send_400_response(self, msg: str) -> None:
        """Answer a head that is not HTTP or too large, and end the connection."""
        if self.busy or self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        code = 431 if len(self.conn.trailing_data[0]) > MAX_HEAD else 400
        body = f"{msg}\n".encode("ascii")
        headers = [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(len(body))),
            ("x-content-type-options", "nosniff"),
            ("connection", "close"),
        ]
        reason = HTTPStatus(code).phrase.encode()
        start = h11.Response(status_code=code, headers=headers, reason=reason)
        for event in (start, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self._counters.count("other", code)
        if self.transport.can_write_eof():
            # Closing while the client still sends would make its kernel drop the answer.
            self._discarding = True
            self.transport.write_eof()
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, once this answer has left."""
        self._served += 1
        super().on_response_complete()
        self._unset_keepalive_if_required()  # the head timer covers idle and slow alike
        self._settle()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        # Not restarted by what the client reads in small sips: this is for the whole answer.
        if not self._write_timer.running:
            self._write_timer.start(self._settings.write_timeout)

    def resume_writing(self) -> None:
        """Go on: everything that was written has left."""
        super().resume_writing()
        self._settle()

    def shutdown(self) -> None:
        """Close now, or after the answer that is under way."""
        if self.busy:
            self.cycle.keep_alive = False
        elif self._established:
            self.transport.close()

    def abort(self) -> None:
        """Close now, whatever is under way."""
        if self._established:
            self.transport.abort()

    def _settle(self) -> None:
        if not self.unfinished:
            self._write_timer.stop()
            if not self._head_timer.running and not self.transport.is_closing():
                self._head_timer.start(self._settings.header_timeout)

    def _cut_off_sender(self) -> None:
        if self._discarding:
            self.transport.abort()
        elif self._served and not self.conn.trailing_data[0]:
            self.transport.close()  # between two requests: only idle
        elif not self.busy:
            self._counters.reject("header_timeout")
            self.transport.abort()

    def _cut_off_reader(self) -> None:
        self._counters.reject("write_timeout")
        self.transport.abort()

    def _is_allowed_subject(self, transport: asyncio.Transport) -> bool:
        return not tls.subject_names(transport.get_extra_info("peercert")).isdisjoint(
            self._allowed_sans
        )


class _Timer:
    """Calls a function once, a while after it was last started, unless it was stopped."""

    def __init__(self, loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
        self._loop = loop
        self._act = act
        self._handle: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        return self._handle is not None

    def start(self, delay: float) -> None:
        self.stop()
        self._handle = self._loop.call_later(delay, self._fire)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        self._act()
