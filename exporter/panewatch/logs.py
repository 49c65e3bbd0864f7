"""The log: one line an event on standard error, as logfmt or JSON.

A line never holds a control character, whatever a value holds. Writing never
raises and never waits: what a full pipe does not take is dropped and counted.
"""

from __future__ import annotations

import logging
import os
import re
import select
import sys
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from panewatch.config import LogSettings

HOLD_SECONDS: Final = 60.0
"""Least time between two lines about the same thing."""

MAX_VALUE: Final = 1024
"""Characters of a value that are written."""

_MAX_KEYS: Final = 1024
_CHUNK: Final = 4096  # a pipe that reports room takes at least this much at once
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def configure(settings: LogSettings, *, descriptor: int = 2) -> None:
    """Send the log of this process, and of the libraries in it, to a file descriptor.

    May be called again, also from another thread: the new settings hold from the
    next line on.
    """
    sink = Sink(descriptor)
    level = getattr(logging, settings.level.upper())
    renderer: Callable[..., str | bytes] = structlog.processors.JSONRenderer()
    if settings.format == "logfmt":
        renderer = structlog.processors.LogfmtRenderer(bool_as_flag=False)
    structlog.configure(
        processors=[
            _HOLD,
            structlog.processors.add_log_level,
            sink.tell_dropped,
            _order,
            escape_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_LibraryHandler()]
    root.setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_end


class Repeats:
    """A structlog processor that holds back repeats of the same line.

    Lines are the same when event, reason, collector and server are. One of them
    passes in `HOLD_SECONDS`; the next one that passes tells in `suppressed` how many
    did not. A line with `repeat=True` always passes, without that key.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Let the event pass.

        Raises:
            structlog.DropEvent: it is held back.
        """
        if event.pop("repeat", False):
            return event
        key = tuple(str(event.get(part)) for part in ("event", "reason", "collector", "server"))
        now = self._monotonic()
        with self._lock:
            since, held = self._seen.get(key, (None, 0))
            if since is not None and now - since < HOLD_SECONDS:
                self._seen[key] = (since, held + 1)
                raise structlog.DropEvent
            self._seen[key] = (now, 0)
            self._seen.move_to_end(key)
            if len(self._seen) > _MAX_KEYS:
                self._seen.popitem(last=False)
        if held:
            event["suppressed"] = held
        return event


class Sink:
    """Writes lines to a file descriptor; never raises, never waits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._dropped = self._told = 0

    def msg(self, line: str) -> None:
        """Write one line, or drop it when the reader does not take it or is gone."""
        data = (line + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            try:
                for start in range(0, len(data), _CHUNK):
                    poll = select.poll()
                    poll.register(self._descriptor, select.POLLOUT)
                    if not any(ready & select.POLLOUT for _, ready in poll.poll(0)):
                        self._dropped += 1
                        return
                    os.write(self._descriptor, data[start : start + _CHUNK])
            except OSError:
                self._dropped += 1
            else:
                self._dropped -= self._told
                self._told = 0

    debug = info = warning = error = critical = msg

    def tell_dropped(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Add `lines_dropped` to the event where lines were lost before it."""
        with self._lock:
            if self._dropped:
                event["lines_dropped"] = self._told = self._dropped
        return event


def escape_values(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Escape control characters in all values, and cut values that are very long."""
    return {
        key: value if isinstance(value, bool | int | float) else escape(str(value))
        for key, value in event.items()
    }


def escape(text: str) -> str:
    r"""Write ESC and all other C0, C1 and bidi controls as ``\x1b``; cut after 1,024 characters."""
    if len(text) > MAX_VALUE:
        text = text[:MAX_VALUE] + "..."
    return _UNSAFE.sub(lambda found: ascii(found.group())[1:-1], text)


def complain(text: str) -> None:
    """Tell the person at the command line what is wrong, line by line, on standard error."""
    sys.stderr.writelines(f"{escape(line)}\n" for line in text.splitlines())


def _order(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Put time, level and event first."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    return {"time": stamp, "level": event.pop("level"), "event": event.pop("event"), **event}


_HOLD: Final = Repeats()  # one for the life of the process: a reload forgets nothing


class _LibraryHandler(logging.Handler):
    """Takes the warnings of libraries into this log, without the text of exceptions."""

    def emit(self, record: logging.LogRecord) -> None:
        details: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0]:
            details["error"] = record.exc_info[0].__name__
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        structlog.get_logger().log(record.levelno, message, **details)


def _log_thread_end(args: threading.ExceptHookArgs) -> None:
    structlog.get_logger().error(
        "thread ended by an error",
        thread=args.thread.name if args.thread else "",
        error=args.exc_type.__name__,
    )
