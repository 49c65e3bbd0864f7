"""What shells write, read back; what they did not write is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.panes.commands.records import LONGEST, Began, Ended, Hello, parse
from panewatch.panes.text import clean


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        (b"H\t12", Hello(12)),
        (b"S\t12\t1795322864363652\tmake -j8", Began(12, 1795322864.363652, "make -j8")),
        (b"S\t12\t0\t", Began(12, None, "")),
        (b"E\t12\t1795322864000000\t500\t0\ttrue", Ended(12, 1795322864.0, 0.0005, 0, "true")),
        (b"E\t12\t0\t0000\t7\ta\tb", Ended(12, None, 0.0, 7, "a b")),
        (b"E\t1\t0\t0\t1\techo 'a\\nb\\\\n'", Ended(1, None, 0.0, 1, r"echo 'a ; b\n'")),
        (b"E\t1\t5000000\t-250\t0\tdate", Ended(1, 5.0, 0.0, 0, "date")),
        (b"E\t1\t0\t1\t0\t\x1b]0;title\x07ls\xff", Ended(1, None, 1e-6, 0, "]0;titlels\ufffd")),
    ],
)
def test_a_record_is_read(raw: bytes, record: object) -> None:
    assert parse(raw) == record


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"H", b"H\t", b"H\t0", b"H\tx", b"HH\t1", b"h\t1", b"X\t1\t2\t3", b"S\t1\t2",
        b"S\t\t2\tls", b"S\t1\tnan\tls", b"S\t1\t1e5\tls", b"S\t1\t\xb2\tls", b"E\t1\t2\t3\tls",
        b"E\t1\t2\t3\t256\tls", b"E\t1\t2\t3\t-x\tls", b"E\t1\t2\t\t0\tls",
        b"E\t1\t" + b"9" * 19 + b"\t3\t0\tls", b"S\t1\t2\t" + b"l" * LONGEST,
    ],
)  # fmt: skip
def test_what_no_shell_of_ours_writes_is_refused(raw: bytes) -> None:
    assert parse(raw) is None


@given(st.binary(max_size=200) | st.lists(st.sampled_from(
    [b"H", b"S", b"E", b"\t", b"\t", b"0", b"7", b"-", b"9" * 18, b"\\", b"n", b"\xff", b"\x1b"]
)).map(b"".join))  # fmt: skip
def test_whatever_is_read_is_safe(raw: bytes) -> None:
    record = parse(raw)
    if record is None:
        return
    assert record.shell > 0
    if isinstance(record, (Began, Ended)):
        assert record.line == clean(record.line)
        assert record.at is None or 0 < record.at < math.inf
    if isinstance(record, Ended):
        assert 0 <= record.seconds < math.inf
        assert 0 <= record.status <= 255


@given(st.text(alphabet="ab\\n'\" ", max_size=40))
def test_a_line_comes_back_as_it_was(line: str) -> None:
    written = line.replace("\\", "\\\\").encode()
    assert parse(b"S\t1\t2\t" + written) == Began(1, 2e-6, line)
