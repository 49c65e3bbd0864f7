from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from polling import wait_until
from server.serving import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.serving import Exposition, Running

    Serve = Callable[..., Running]

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


def test_metrics_are_text_by_default(serve: Serve) -> None:
    answer = serve().get("/metrics")
    assert answer.status_code == 200
    assert answer.content == TEXT
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert "Content-Encoding" not in answer.headers


def test_metrics_are_openmetrics_where_asked_for(serve: Serve, exposition: Exposition) -> None:
    answer = serve().get("/metrics", Accept=OPENMETRICS)
    assert answer.content == TEXT + b"# EOF\n"
    expected = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.headers["Content-Type"] == expected
    assert exposition.calls == [(True, False)]


def test_metrics_are_compressed_where_asked_for(serve: Serve) -> None:
    running = serve()
    answer = running.get("/metrics", **{"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content == TEXT
    raw = running.ask(
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )
    assert gzip.decompress(raw.partition(b"\r\n\r\n")[2]) == TEXT


def test_a_large_exposition_arrives_whole(serve: Serve, exposition: Exposition) -> None:
    exposition.body = b"".join(b'panewatch_x{n="%d"} 1.0\n' % n for n in range(200_000))
    assert serve().get("/metrics").content == exposition.body


def test_head_has_the_headers_and_no_body(serve: Serve) -> None:
    running = serve()
    raw = running.ask(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"content-length: %d" % len(TEXT) in head.lower()
    assert body == b""


def test_queries_and_fragments_of_urls_select_nothing(serve: Serve, exposition: Exposition) -> None:
    running = serve()
    query = "?target=http://169.254.169.254/&collect[]=panes&name[]=up"
    assert running.get(f"/metrics{query}").content == TEXT
    assert exposition.calls == [(False, False)]
    assert running.counter("http_requests_total", path="/metrics", code="200") == 1


def test_landing_page_names_itself_and_its_links(serve: Serve) -> None:
    answer = serve().get("/")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    for text in ("panewatch", "1.2.3", 'href="metrics"', 'href="-/healthy"', 'href="-/ready"'):
        assert text in answer.text


def test_health_and_readiness(serve: Serve) -> None:
    ready = threading.Event()
    running = serve(ready=ready.is_set)
    assert running.get("/-/healthy").status_code == 200
    answer = running.get("/-/ready")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    ready.set()
    assert running.get("/-/ready").status_code == 200
    assert running.counter("http_requests_total", path="/-/ready", code="503") == 1
    assert running.counter("http_requests_total", path="/-/ready", code="200") == 1


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "//metrics", "/-/", "/METRICS"])
def test_other_paths_are_not_found(serve: Serve, path: str) -> None:
    running = serve()
    assert running.get(path).status_code == 404
    assert running.counter("http_requests_total", path="other", code="404") == 1


@pytest.mark.parametrize(
    "target",
    [b"/../etc/passwd", b"/metrics/../metrics", b"/%2e%2e/metrics", b"/metrics%00", b"/%ff%fe",
     b"http://169.254.169.254/metrics", b"*", b"/<script>", b"/" + b"a" * 10_000],
)  # fmt: skip
def test_strange_targets_are_not_found(serve: Serve, target: bytes) -> None:
    raw = serve().ask(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)
    assert raw.startswith(b"HTTP/1.1 404 ")
    assert raw.endswith(b"\r\n\r\nnot found\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy"])
def test_other_methods_are_not_allowed(serve: Serve, method: str, path: str) -> None:
    running = serve()
    answer = running.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert running.counter("http_requests_total", path=path, code="405") == 1


def test_every_answer_has_the_protecting_headers_and_no_server_name(serve: Serve) -> None:
    running = serve()
    for path in ("/metrics", "/", "/-/healthy", "/nothing"):
        headers = running.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "deny"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Cache-Control"] == "no-store"
        assert "Date" in headers
        assert "Server" not in headers


def test_every_label_value_is_there_from_the_start(serve: Serve) -> None:
    samples = [sample for family in serve().server.collect() for sample in family.samples]
    assert {sample.value for sample in samples} == {0}
    paths = {sample.labels.get("path") for sample in samples} - {None}
    assert paths == {"/metrics", "/", "/-/healthy", "/-/ready", "other"}
    reasons = {sample.labels.get("reason") for sample in samples} - {None}
    assert reasons == {
        "connections", "requests", "header_timeout", "write_timeout", "unauthorized"
    }  # fmt: skip


def test_a_failing_exposition_is_an_error_and_the_next_one_is_served(
    serve: Serve, exposition: Exposition, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = serve()
    monkeypatch.setattr(exposition, "body", None)  # bytes are expected
    answer = running.get("/metrics")
    assert (answer.status_code, answer.text) == (500, "the exposition failed\n")
    monkeypatch.undo()
    assert running.get("/metrics").status_code == 200


def test_requests_share_an_exposition_that_is_being_made(
    serve: Serve, exposition: Exposition, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    make = type(exposition).__call__

    def make_slowly(self: Exposition, openmetrics: bool, compressed: bool) -> bytes:
        begun.set()
        assert go_on.wait(20)
        return make(self, openmetrics, compressed)

    monkeypatch.setattr(type(exposition), "__call__", make_slowly)
    running = serve()
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(running.get, "/metrics") for _ in range(10)]
        assert begun.wait(10)
        wait_until(lambda: running.server._app._in_progress == 10, what="10 requests")
        # Other pages are not held up.
        assert running.get("/-/healthy").status_code == 200
        go_on.set()
        assert [answer.result().content for answer in answers] == [TEXT] * 10
    assert exposition.calls == [(False, False)]


def test_100_concurrent_scrapes_are_all_answered_whole(
    serve: Serve, exposition: Exposition
) -> None:
    exposition.body = b"".join(b'panewatch_x{n="%d"} 1.0\n' % n for n in range(20_000))
    running = serve()
    together = threading.Barrier(100)

    def scrape(number: int) -> bytes:
        together.wait(30)
        wanted = {"Accept": OPENMETRICS} if number % 2 else {}
        return running.get("/metrics", **wanted).content

    with ThreadPoolExecutor(100) as pool:
        bodies = list(pool.map(scrape, range(100)))
    assert set(bodies) == {exposition.body, exposition.body + b"# EOF\n"}
    assert running.counter("http_requests_total", path="/metrics", code="200") == 100
