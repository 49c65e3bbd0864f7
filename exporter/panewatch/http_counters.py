"""What the HTTP server counts of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from panewatch.contract import HTTP_PATHS, HTTP_REJECTED, HTTP_REJECTIONS, HTTP_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

_CODES: Final = (200, 401, 405, 429, 500, 503)
_OTHER_CODES: Final = (400, 401, 404, 429, 431, 503)


class HttpCounters:
    """Counts of answers and rejections; written in the server's thread, read in any."""

    def __init__(self) -> None:
        self._requests = {
            (path, code): 0
            for path in HTTP_PATHS
            for code in (_OTHER_CODES if path == "other" else _CODES)
        }
        self._rejected = dict.fromkeys(HTTP_REJECTIONS, 0)

    def count(self, path: str, code: int) -> None:
        """Count an answer; a path that does not exist counts as ``other``."""
        key = (path if path in HTTP_PATHS else "other", code)
        self._requests[key] = self._requests.get(key, 0) + 1

    def reject(self, reason: str) -> None:
        """Count a connection or request that was turned away."""
        self._rejected[reason] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield both families, every label value from the start."""
        requests = HTTP_REQUESTS.family()
        for (path, code), value in tuple(self._requests.items()):
            requests.add_metric((path, str(code)), value)  # type: ignore[attr-defined] # on every family class
        yield requests
        rejected = HTTP_REJECTED.family()
        for reason, value in tuple(self._rejected.items()):
            rejected.add_metric((reason,), value)  # type: ignore[attr-defined]
        yield rejected
