"""The web configuration in use, read again whenever one of its files changes."""

from __future__ import annotations

import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from panewatch import tls, web_config
from panewatch.problems import Problem
from panewatch.web_config import WebConfig, WebConfigError

if TYPE_CHECKING:
    import ssl

_log = structlog.get_logger(__name__)

# File times have the granularity of the kernel's tick: a file that changed so shortly
# before it was read may have changed again without its time showing it.
_UNSETTLED: Final = 0.1
_RETRY: Final = 1.0

_Stamp: TypeAlias = tuple[int, int, int, int] | None


@dataclass(frozen=True)
class LiveConfig:
    """A configuration and, where it asks for TLS, the context made from its files."""

    config: WebConfig
    context: ssl.SSLContext | None


class WebFiles:
    """Gives the configuration to use now; a broken file leaves the one before in use.

    Thread-safe. An instance without a path gives the default: plain HTTP for everybody.
    """

    def __init__(self, path: str | None) -> None:
        """Read the files.

        Raises:
            WebConfigError: the configuration or a file that it names cannot be used.
        """
        self._lock = threading.Lock()
        self._failed_at: float | None = None
        self._complaint = ""
        self._adopt(path)

    def current(self) -> LiveConfig:
        """Return the configuration, after a look at the times of its files."""
        with self._lock:
            if self._path is not None and self._is_due(self._path):
                self._refresh(self._path)
            return self._live

    @property
    def well(self) -> bool:
        """Whether what is in use is what the files say; False while they cannot be used."""
        return not self._complaint

    def reload(self, path: str | None) -> None:
        """Read the files now, from ``path`` from here on.

        Raises:
            WebConfigError: they cannot be used; everything stays as it was.
        """
        with self._lock:
            self._adopt(path)
            self._complaint = ""

    def _is_due(self, path: str) -> bool:
        if self._failed_at is not None:
            return time.monotonic() - self._failed_at >= _RETRY
        return not self._settled or _stamps((path, *self._live.config.files)) != self._stamps

    def _refresh(self, path: str) -> None:
        try:
            self._adopt(path)
        except WebConfigError as error:
            self._failed_at = time.monotonic()
            if str(error) != self._complaint:
                self._complaint = str(error)
                _log.error(
                    "web configuration not usable, the one before stays", problems=str(error)
                )
        else:
            if self._complaint:
                _log.info("web configuration usable again")
            self._complaint = ""

    def _adopt(self, path: str | None) -> None:
        before, stamps = time.time(), None
        config, context = WebConfig(), None
        if path is not None:
            config = web_config.load(path)
            # Stamps are taken before the certificates are read: a change in between shows.
            stamps = _stamps((path, *config.files))
            context = _build(config)
            _warn_of_readers(config)
        self._path, self._stamps = path, stamps
        self._live = LiveConfig(config, context)
        changed = [stamp[0] / 1e9 for stamp in stamps or () if stamp]
        self._settled = all(abs(before - each) > _UNSETTLED for each in changed)
        self._failed_at = None


def _build(config: WebConfig) -> ssl.SSLContext | None:
    if config.tls is None:
        return None
    try:
        return tls.build_context(config.tls)
    except tls.TlsError as error:  # it changed since it was checked a moment ago
        key = f"tls_server_config.{error.key}"
        raise WebConfigError([Problem(config.path, 0, key, str(error))]) from None


def _warn_of_readers(config: WebConfig) -> None:
    if config.tls and Path(config.tls.key_file).stat().st_mode & stat.S_IROTH:
        _log.warning("every user of this machine can read key_file", path=config.tls.key_file)


def _stamps(paths: tuple[str, ...]) -> tuple[_Stamp, ...]:
    return tuple(_stamp(path) for path in paths)


def _stamp(path: str) -> _Stamp:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino
