"""Traces that are broken on purpose, or large in an unusual way: what they cost has an end."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.training.traces import events as events_module
from panewatch.training.traces import source as source_module
from panewatch.training.traces import timeline as timeline_module
from panewatch.training.traces.events import Events
from panewatch.training.traces.reading import read_trace
from panewatch.training.traces.source import Source
from panewatch.training.traces.timeline import Thread, _order
from training.traces.forge import span

BAD = '{"ph": }'


def write(folder: Path, elements: Iterator[str] | list[str], end: str = "]}") -> Path:
    path = folder / "trace.json"
    path.write_text('{"traceEvents": [' + ", ".join(elements) + end)
    return path


def read(path: Path) -> tuple[list[str], Events]:
    with Source(path) as source:
        events = Events(source)
        return [each.name for batch in events for each in batch], events


def build(count: int, size: int = 0) -> list[str]:
    return [json.dumps(span(f"op{n}", n, 1) | {"x": "x" * size}) for n in range(count)]


def test_an_event_that_is_none_costs_its_surroundings(tmp_path: Path) -> None:
    elements = build(40_000)
    elements[7000:7000] = elements[30_000:30_000] = [BAD]
    found, events = read(write(tmp_path, elements))
    assert found == [f"op{n}" for n in range(40_000)]
    assert (events.skipped, events.truncated) == (2, False)
    # Of each of them there are some 400,000 brackets and strings in its piece of two megabytes.
    assert events.trouble < 100_000


def test_large_events_are_decoded_many_at_a_time_after_one_that_is_none(tmp_path: Path) -> None:
    elements = [BAD, *build(100, 100_000)]
    found, events = read(write(tmp_path, elements))
    assert len(found) == 100
    assert events.skipped == 1
    alone = read(write(tmp_path, elements[:10]))[1].trouble
    assert events.trouble < 3 * alone


@pytest.mark.parametrize(
    "element", ["[]", BAD, '{"name": 3}', '{"ph": "X", "ts": {}}', '"x"', "[" * 900 + "]" * 900]
)
def test_what_is_broken_everywhere_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, element: str
) -> None:
    monkeypatch.setattr(events_module, "MOST_TROUBLE", 60_000)
    good = build(11)
    found, events = read(
        write(tmp_path, [*good[:10], *[element] * (500_000 // len(element)), good[10]])
    )
    assert found == [f"op{n}" for n in range(10)]
    assert events.truncated
    # At most what one more piece costs.
    assert events.trouble < 2 * 60_000


@pytest.mark.parametrize("filling", ["[],", '{"a": 1},', '"x",'])
def test_an_event_that_never_ends_is_given_up_before_all_of_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filling: str
) -> None:
    monkeypatch.setattr(events_module, "MOST_TROUBLE", 60_000)
    good = build(1)[0]
    path = write(tmp_path, [good, '{"ph": "X", "args": [' + filling * 100_000], end="0]}]}")
    found, events = read(path)
    assert found == ["op0"]
    assert events.truncated
    assert events.trouble < 2 * 60_000


def test_a_profile_says_what_was_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "MOST_TROUBLE", 60_000)
    profile = read_trace(write(tmp_path, [*build(5), *[BAD] * 40_000]))
    assert (profile.events, profile.truncated) == (5, True)
    assert 100 < profile.skipped < 40_000


class Counting:
    """What unpacks, and counts the bytes that it is given."""

    given = 0

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def decompress(self, data: bytes, most: int) -> bytes:
        Counting.given += len(data)
        unpacked: bytes = self._inner.decompress(data, most)
        return unpacked


def test_packed_parts_that_are_tiny_are_not_copied_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"traceEvents": [span(f"op{n}", n, 1) for n in range(200)]}).encode()
    packed = b"".join(gzip.compress(text[at : at + 8]) for at in range(0, len(text), 8))
    (tmp_path / "trace.json.gz").write_bytes(packed)
    real = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda wbits: Counting(real(wbits)))
    monkeypatch.setattr(Counting, "given", 0)
    found, events = read(tmp_path / "trace.json.gz")
    assert len(found) == 200
    assert not events.truncated
    assert Counting.given < 5 * len(packed)


def test_padding_of_any_length_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"traceEvents": [span("a", 0, 1), span("b", 2, 1)]}).encode()
    path = tmp_path / "trace.json.gz"
    for piece in (7, 64, 1000):
        monkeypatch.setattr(source_module, "_PIECE", piece)
        for zeros in (0, 1, 63, 64, 1000, 5000):
            packed = gzip.compress(text[:60]) + bytes(zeros) + gzip.compress(text[60:])
            path.write_bytes(packed + bytes(zeros))
            found, events = read(path)
            assert (found, events.truncated) == (["a", "b"], False)


def test_events_in_no_order_take_no_more_memory_than_was_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = 60_000
    monkeypatch.setattr(timeline_module, "_PART", 1 << 12, raising=False)
    thread = Thread()
    for number in range(count):
        thread.starts.append(float(number * 7919 % count))
        thread.durations.append(1.0)
        thread.numbers.append(number)
    tracemalloc.start()
    try:
        rows = deque(_order(thread), maxlen=2)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [start for start, *_ in rows] == [count - 2, count - 1]
    assert most < 20 * count


rows_of_thread = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 99)), max_size=40
)


@given(rows_of_thread, st.integers(1, 9))
def test_rows_are_ordered_as_by_one_sort(rows: list[tuple[int, int, int]], part: int) -> None:
    thread = Thread()
    for start, duration, number in rows:
        thread.starts.append(start)
        thread.durations.append(duration)
        thread.numbers.append(number)
    expected = sorted(rows, key=lambda row: (row[0], -row[1]))
    with mock.patch.object(timeline_module, "_PART", part):
        assert list(_order(thread)) == expected
        assert list(_order(thread)) == expected, "and again"
