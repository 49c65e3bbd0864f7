"""What is answered to which request: the routes, and the gate before them."""

from __future__ import annotations

import asyncio
import functools
import html
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from panewatch import background, negotiation
from panewatch.authentication import BasicAuthentication, Verdict
from panewatch.negotiation import OPENMETRICS_TYPE, TEXT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from panewatch.config import WebSettings
    from panewatch.http_counters import HttpCounters
    from panewatch.web_config import RateLimit
    from panewatch.web_files import LiveConfig

_CHUNK: Final = 64 * 1024
_MAX_BODY: Final = 64 * 1024
_OWN_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LANDING: Final = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>panewatch</title></head>
<body>
<h1>panewatch</h1>
<p>Prometheus exporter for the work that people and coding agents do in tmux panes.</p>
<p>Version {version}</p>
<ul>
<li><a href="metrics">Metrics</a></li>
<li><a href="-/healthy">Health</a></li>
<li><a href="-/ready">Readiness</a></li>
</ul>
</body>
</html>
"""

_log = structlog.get_logger(__name__)


class Pages:
    """The routes. Queries and bodies are never looked at."""

    def __init__(
        self, exposition: Callable[[bool, bool], bytes], ready: Callable[[], bool], version: str
    ) -> None:
        self._exposition = exposition
        self._ready = ready
        self._landing = _LANDING.format(version=html.escape(version))
        self._renderings: dict[tuple[bool, bool], asyncio.Task[bytes]] = {}
        answers = {
            "/": self._land,
            "/metrics": self._expose,
            "/-/healthy": self._tell_health,
            "/-/ready": self._tell_readiness,
        }
        self.app = Starlette(
            routes=[Route(path, answer, methods=["GET"]) for path, answer in answers.items()],
            exception_handlers={HTTPException: _refuse},
        )
        self.app.router.redirect_slashes = False  # a redirect would repeat the Host header

    async def _land(self, _request: Request) -> Response:
        return HTMLResponse(self._landing)

    async def _tell_health(self, _request: Request) -> Response:
        return PlainTextResponse("panewatch is healthy\n")

    async def _tell_readiness(self, _request: Request) -> Response:
        if self._ready():
            return PlainTextResponse("panewatch is ready\n")
        return PlainTextResponse("panewatch is not ready\n", 503, {"Retry-After": "1"})

    async def _expose(self, request: Request) -> Response:
        accept = ",".join(request.headers.getlist("accept"))
        encodings = ",".join(request.headers.getlist("accept-encoding"))
        openmetrics, gzip = negotiation.wants_openmetrics(accept), negotiation.wants_gzip(encodings)
        try:
            body = await self._render(openmetrics, gzip)
        except Exception as error:  # noqa: BLE001 whatever it is, the next request is served
            _log.error("no exposition", error=type(error).__name__)
            return PlainTextResponse("the exposition failed\n", 500)
        headers = {"Vary": "Accept, Accept-Encoding"}
        if gzip:
            headers["Content-Encoding"] = "gzip"
        return _Chunked(body, 200, headers, OPENMETRICS_TYPE if openmetrics else TEXT_TYPE)

    async def _render(self, openmetrics: bool, gzip: bool) -> bytes:
        # Requests that come while one is being rendered share it: one thread for each variant.
        key = (openmetrics, gzip)
        rendering = self._renderings.get(key)
        if rendering is None:
            work = functools.partial(self._exposition, openmetrics, gzip)
            rendering = asyncio.create_task(background.call(work, "exposition"))
            self._renderings[key] = rendering
            rendering.add_done_callback(lambda _: self._renderings.pop(key))
        return await rendering


class Gate:
    """Stands before the routes: limits, rate, password, headers, and the counting."""

    def __init__(
        self, app: ASGIApp, *, settings: Callable[[], WebSettings],
        live: Callable[[], LiveConfig], counters: HttpCounters,
    ) -> None:  # fmt: skip
        self._app = app
        self._settings = settings
        self._live = live
        self._counters = counters
        self._in_progress = 0
        self._authentication = BasicAuthentication()
        self._bucket = _Bucket()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        live = self._live()
        headers = Headers(scope=scope)
        closing = False
        if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
            closing = not await _swallow_body(receive, self._settings().header_timeout)
        refusal = self._refuse_rate(live.config.rate_limit)
        if refusal is None and live.config.users:
            refusal = await self._refuse_stranger(headers, live)
        # A place is taken only from here on, and only until the answer begins: slow
        # bodies, wrong passwords and slow readers take nobody's place.
        if refusal is None and self._in_progress >= self._settings().max_requests:
            self._counters.reject("requests")
            refusal = _turn_away(503, "too many requests in progress\n")
        waiting = True
        self._in_progress += 1

        async def answer(message: Message) -> None:
            nonlocal waiting
            if message["type"] == "http.response.start":
                waiting = False
                self._in_progress -= 1
                self._counters.count(scope["path"], message["status"])
                _complete(message, live.config.headers, closing=closing)
            await send(message)

        try:
            await (refusal or self._app)(scope, receive, answer)
        finally:
            if waiting:
                self._in_progress -= 1

    def _refuse_rate(self, rate: RateLimit) -> Response | None:
        return None if self._bucket.take(rate) else _turn_away(429, "too many requests\n")

    async def _refuse_stranger(self, headers: Headers, live: LiveConfig) -> Response | None:
        given = headers.get("authorization", "")
        verdict = await self._authentication.check(given, live.config.users)
        if verdict is Verdict.ALLOWED:
            return None
        if verdict is Verdict.BUSY:
            self._counters.reject("requests")
            return _turn_away(503, "too many passwords to check\n")
        self._counters.reject("unauthorized")
        challenge = {"WWW-Authenticate": 'Basic realm="panewatch", charset="UTF-8"'}
        return PlainTextResponse("unauthorized\n", 401, challenge)


class _Chunked(Response):
    """Sent in pieces, so that a slow reader holds one piece and not a copy of the whole."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 ASGI's signature
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        body = bytes(self.body) if scope["method"] != "HEAD" else b""
        for start in range(0, max(len(body), 1), _CHUNK):
            piece, more = body[start : start + _CHUNK], start + _CHUNK < len(body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})


class _Bucket:
    """The token bucket of ``rate_limit``; it starts full."""

    def __init__(self) -> None:
        self._rate: RateLimit | None = None
        self._tokens = 0.0
        self._at = 0.0

    def take(self, rate: RateLimit) -> bool:
        if not rate.interval:
            return True
        now = time.monotonic()
        if rate != self._rate:
            self._rate, self._tokens, self._at = rate, float(rate.burst), now
        self._tokens = min(rate.burst, self._tokens + (now - self._at) / rate.interval)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _complete(message: Message, configured: Mapping[str, str], *, closing: bool) -> None:
    headers = MutableHeaders(raw=list(message["headers"]))
    headers["Date"] = formatdate(usegmt=True)
    for name, value in {**_OWN_HEADERS, **configured}.items():
        headers[name] = value
    if closing:
        headers["Connection"] = "close"
    message["headers"] = headers.raw


def _turn_away(code: int, text: str) -> Response:
    return PlainTextResponse(text, code, {"Retry-After": "1"})


async def _refuse(_request: Request, error: Exception) -> Response:
    code = error.status_code if isinstance(error, HTTPException) else 500
    headers = {"Allow": "GET, HEAD"} if code == 405 else {}  # noqa: PLR2004 HTTP's number
    text = {404: "not found\n", 405: "method not allowed\n"}.get(code, "refused\n")
    return PlainTextResponse(text, code, headers)


async def _swallow_body(receive: Receive, seconds: float) -> bool:
    """Read a body and forget it; False where it is too long or too slow to be read whole."""
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while size <= _MAX_BODY:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return True
    except TimeoutError:
        pass
    return False
