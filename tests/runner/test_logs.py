"""What the log lets out, what it holds back, and what it does when nobody reads it."""

import contextlib
import fcntl
import json
import logging
import os
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from panewatch import logs
from panewatch.config import LogSettings

CONTROLS = (
    "\x00\x07\x1b]0;title\x07\x1b[31m\x7f\x85\x9b31m\u061c\u200e\u200f\u2028\u202e\u2066\ufeff"
)


@dataclass
class Pipe:
    reader: int
    writer: int

    def read(self) -> str:
        """Read all that is there now."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.reader, 65536):
                data += chunk
        return data.decode()

    def fill(self) -> None:
        os.set_blocking(self.writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"x" * 4096)
        os.set_blocking(self.writer, True)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(logs, "_HOLD", logs.Repeats())
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield Pipe(reader, writer)
    for descriptor in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(descriptor)
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def configure(pipe: Pipe, **settings: Any) -> Any:
    logs.configure(LogSettings(**settings), descriptor=pipe.writer)
    return structlog.get_logger()


def test_logfmt(pipe: Pipe) -> None:
    configure(pipe).info("listening", port=10065, ok=True, text='a "b"')
    line = pipe.read()
    assert line.startswith("time=2")
    assert line.endswith('Z level=info event=listening port=10065 ok=true text="a \\"b\\""\n')


def test_json(pipe: Pipe) -> None:
    configure(pipe, format="json").warning("failed", reason="raised", count=3)
    entry = json.loads(pipe.read())
    assert entry.pop("time").endswith("Z")
    assert entry == {"level": "warning", "event": "failed", "reason": "raised", "count": 3}


def test_level_can_change_while_running(pipe: Pipe) -> None:
    log = configure(pipe, level="error")
    log.warning("hidden")
    configure(pipe, level="warning")
    log.warning("shown")
    assert "event=shown" in pipe.read()


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_no_control_character_gets_out(pipe: Pipe, form: str) -> None:
    log = configure(pipe, format=form)
    event = f"event{CONTROLS}"
    log.error(event, value=CONTROLS, many=[CONTROLS], error=ValueError(CONTROLS))
    logging.getLogger("library").warning("said %s", CONTROLS)
    text = pipe.read()
    assert text.count("\n") == 2
    left = text.replace("\n", "")
    assert not [each for each in left if unicodedata.category(each) in {"Cc", "Cf", "Zl", "Zp"}]


@given(st.text(st.characters(), max_size=3000))
def test_escaped_text_is_short_encodable_and_harmless(text: str) -> None:
    escaped = logs.escape(text)
    escaped.encode()
    assert not any(unicodedata.category(each) == "Cc" for each in escaped)
    assert not set(escaped) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2069")
    assert logs.escape(escaped[: logs.MAX_VALUE]) == escaped[: logs.MAX_VALUE]
    if text.isascii() and text.isprintable() and len(text) <= logs.MAX_VALUE:
        assert escaped == text


class TestRepeats:
    def setup_method(self) -> None:
        self.now = 0.0
        self.hold = logs.Repeats(lambda: self.now)

    def passes(self, **event: Any) -> dict[str, Any] | None:
        try:
            return dict(self.hold(None, "warning", event))
        except structlog.DropEvent:
            return None

    def test_one_a_minute_and_the_next_tells_how_many_were_held(self) -> None:
        event = {"event": "failed", "reason": "raised", "collector": "panes"}
        passed = []
        for second in range(125):
            self.now = float(second)
            passed.append((second, self.passes(**event, detail=second)))
        shown = [(second, each.get("suppressed")) for second, each in passed if each]
        assert shown == [(0, None), (60, 59), (120, 59)]

    @pytest.mark.parametrize("part", ["event", "reason", "collector", "server"])
    def test_lines_that_differ_in_what_matters_all_pass(self, part: str) -> None:
        event = {"event": "e", "reason": "r", "collector": "c", "server": "s"}
        assert self.passes(**event)
        assert not self.passes(**event)
        assert self.passes(**{**event, part: "other"})

    def test_a_line_that_may_repeat_always_passes(self) -> None:
        assert [self.passes(event="reload", repeat=True) for _ in range(3)] == [
            {"event": "reload"}
        ] * 3

    def test_memory_is_bounded(self) -> None:
        for number in range(10_000):
            self.passes(event=str(number))
        assert len(self.hold._seen) <= 1024


def test_a_full_pipe_drops_lines_and_the_next_one_tells(pipe: Pipe) -> None:
    log = configure(pipe)
    pipe.fill()
    for number in range(100):
        log.warning("lost", reason=str(number))
    pipe.read()
    log.warning("seen")
    text = pipe.read()
    assert "event=seen" in text
    assert "lines_dropped=100" in text
    assert "lost" not in text
    log.warning("again")
    assert "lines_dropped" not in pipe.read()


def test_the_pipe_is_not_made_nonblocking_for_those_who_share_it(pipe: Pipe) -> None:
    configure(pipe).info("event")
    assert not fcntl.fcntl(pipe.writer, fcntl.F_GETFL) & os.O_NONBLOCK


@pytest.mark.parametrize("end", ["reader", "writer"])
def test_a_closed_pipe_is_no_error(pipe: Pipe, end: str) -> None:
    log = configure(pipe)
    os.close(getattr(pipe, end))
    log.error("nobody listens")


def test_libraries_log_here_without_the_text_of_their_exceptions(pipe: Pipe) -> None:
    configure(pipe)
    library = logging.getLogger("some.library")
    library.info("not shown")
    library.warning("bad %d", 1, 2)
    library.error("it failed", exc_info=ValueError("canary"))
    lines = pipe.read().splitlines()
    assert len(lines) == 2
    assert 'event="bad %d"' in lines[0]
    assert 'level=error event="it failed" logger=some.library error=ValueError' in lines[1]
    assert "canary" not in "".join(lines)


def test_a_thread_that_ends_by_an_error_is_logged_without_its_text(pipe: Pipe) -> None:
    configure(pipe)

    def fail() -> None:
        raise ValueError("canary")

    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()
    line = pipe.read()
    assert "thread=worker error=ValueError" in line
    assert "canary" not in line
