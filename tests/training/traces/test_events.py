"""The events of a file, however it is laid out, cut and damaged."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.training.traces import events as events_module
from panewatch.training.traces import source as source_module
from panewatch.training.traces.events import Events
from panewatch.training.traces.source import Source, TraceError
from training.traces.forge import span


def read(path: Path) -> tuple[list[tuple[str, float, float]], Events]:
    with Source(path) as source:
        events = Events(source)
        found = [(e.name, e.ts, e.dur) for batch in events for e in batch if e.ph == "X"]
    return found, events


def names(path: Path) -> list[str]:
    return [name for name, *_ in read(path)[0]]


def place(folder: Path, text: str | bytes) -> Path:
    path = folder / "trace.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# What could be taken for the end of an event.
tricky = st.text(alphabet='{}[],:" \\\n\té\x7f', max_size=8) | st.sampled_from(
    ['}, {"ph": "X"', '"},{', "\\", '"traceEvents": [', "], }"]
)
values = st.recursive(
    st.none() | st.integers(-5, 5) | st.floats(-1e6, 1e6) | tricky,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tricky, inner, max_size=3),
    max_leaves=8,
)
traces = st.lists(st.tuples(tricky, st.floats(0, 1e9), values), max_size=12)
layouts = st.sampled_from([{"indent": 2}, {"separators": (",", ":")}, {}, {"ensure_ascii": False}])


@given(
    traces, layouts, values, st.integers(1, 400), st.booleans(), st.booleans(),
    st.sampled_from(["first", "last", "bare"]),
)  # fmt: skip
def test_no_layout_and_no_cut_loses_or_invents_an_event(  # noqa: PLR0917  # what varies
    tmp_path_factory: pytest.TempPathFactory,
    trace: list[tuple[str, float, Any]],
    layout: dict[str, Any],
    other: Any,
    size: int,
    packed: bool,
    shuffled: bool,
    header: str,
) -> None:
    expected = [(name, start, 1.0) for name, start, _ in trace]
    written: list[Any] = [
        {"args": {"x": rest}, "ph": "X", "name": name, "ts": start, "dur": 1}
        if shuffled
        else {"ph": "X", "name": name, "ts": start, "dur": 1, "args": {"x": rest}}
        for name, start, rest in trace
    ]
    info = {"distributedInfo": {"rank": 3, "world_size": 8}, "rest": other}
    whole: Any = {
        "first": {**info, "traceEvents": written},
        "last": {"traceEvents": written, **info},
        "bare": written,
    }[header]
    text = json.dumps(whole, **layout).encode()
    path = place(tmp_path_factory.mktemp("events"), gzip.compress(text) if packed else text)
    with (
        mock.patch.object(events_module, "_CHUNK_BYTES", size),
        mock.patch.object(events_module, "_LEAST_BYTES", max(1, size // 20)),
        mock.patch.object(source_module, "_PIECE", max(2, size // 2)),
    ):
        found, events = read(path)
    assert found == expected
    assert (events.skipped, events.truncated) == (0, False)
    assert (events.header.rank, events.header.world_size) == (
        (None, None) if header == "bare" else (3, 8)
    )


@given(traces, layouts, st.data(), st.integers(8, 200))
def test_of_a_trace_that_is_cut_anywhere_what_is_whole_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    trace: list[tuple[str, float, Any]],
    layout: dict[str, Any],
    data: st.DataObject,
    size: int,
) -> None:
    written = [
        {"ph": "X", "name": name, "ts": start, "dur": 1, "args": {"x": rest}}
        for name, start, rest in trace
    ]
    begin = '{"schemaVersion": 1, "traceEvents": ['
    parts = [json.dumps(event, **layout) for event in written]
    text = begin + ", ".join(parts) + "]}"
    cut = data.draw(st.integers(len(begin), len(text) - 1))
    whole = [n for n in range(len(parts)) if len(begin + ", ".join(parts[: n + 1])) <= cut]
    path = place(tmp_path_factory.mktemp("events"), text[:cut])
    with (
        mock.patch.object(events_module, "_CHUNK_BYTES", size),
        mock.patch.object(events_module, "_LEAST_BYTES", max(1, size // 20)),
    ):
        found, events = read(path)
    assert found == [(trace[n][0], trace[n][1], 1.0) for n in whole]
    assert events.truncated


def test_a_packed_trace_that_is_cut_gives_what_can_be_unpacked(tmp_path: Path) -> None:
    text = json.dumps({"traceEvents": [span(f"op{n}", n, 1) for n in range(20_000)]})
    packed = gzip.compress(text.encode())
    found, events = read(place(tmp_path, packed[: len(packed) // 2]))
    assert events.truncated
    assert 5_000 < len(found) < 15_000
    assert [name for name, *_ in found] == [f"op{n}" for n in range(len(found))]


def test_a_packed_trace_that_is_damaged_gives_what_stands_before(tmp_path: Path) -> None:
    text = json.dumps({"traceEvents": [span(f"op{n}", n, 1) for n in range(20_000)]})
    packed = bytearray(gzip.compress(text.encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 100] = bytes(100)
    assert read(place(tmp_path, bytes(packed)))[1].truncated


def test_packed_parts_that_were_joined_are_one(tmp_path: Path) -> None:
    text = json.dumps({"traceEvents": [span("a", 0, 1), span("b", 2, 1)]}).encode()
    joined = gzip.compress(text[:60]) + gzip.compress(text[60:]) + bytes(512)
    found, events = read(place(tmp_path, joined))
    assert [name for name, *_ in found] == ["a", "b"]
    assert not events.truncated


def test_what_unpacks_to_too_much_is_cut(tmp_path: Path) -> None:
    with mock.patch.object(source_module, "MOST_BYTES", 100_000):
        text = json.dumps({"traceEvents": [span(f"op{n}", n, 1) for n in range(20_000)]})
        found, events = read(place(tmp_path, gzip.compress(text.encode())))
    assert events.truncated
    assert 100 < len(found) < 2_000


def test_bare_infinities_and_controls_are_mended(tmp_path: Path) -> None:
    path = place(
        tmp_path,
        '{"deviceProperties": [{"name": "GPU", "x": inf}], "traceEvents": ['
        '{"ph": "X", "name": "Memcpy\nHtoD", "ts": 1, "dur": 0, "args": {"GB/s": inf}},'
        '{"ph": "X", "name": "b", "ts": "2.5", "dur": 1, "args": {"x": [-Infinity, NaN]}},'
        '{"ph": "X", "name": "caf\xe9", "ts": 3, "dur": 1}]}'.encode("latin-1"),
    )
    found, events = read(path)
    assert found == [("Memcpy HtoD", 1, 0), ("b", 2.5, 1), ("caf\ufffd", 3, 1)]
    assert (events.skipped, events.truncated, events.header.device_name) == (0, False, "GPU")


def test_elements_that_are_no_events_are_left_out_and_counted(tmp_path: Path) -> None:
    good = [json.dumps(span(f"op{n}", n, 1)) for n in range(3)]
    bad = ['{"ph": "X", "ts": {}}', '{"name": 3}', "[1, 2]", '{"ph": }', "{]", '{"ts": tru}']
    path = place(tmp_path, f'{{"traceEvents": [{", ".join([*good[:2], *bad, good[2]])}]}}')
    found, events = read(path)
    assert [name for name, *_ in found] == ["op0", "op1", "op2"]
    assert (events.skipped, events.truncated) == (len(bad), False)


@pytest.mark.parametrize("bomb", ["[" * 200_000, '{"a":' * 200_000, "[" * 900 + "]" * 900])
@pytest.mark.parametrize("where", ["args", "element", "header"])
def test_nesting_ends_nothing_but_itself(tmp_path: Path, bomb: str, where: str) -> None:
    good = json.dumps(span("good", 1, 1))
    text = {
        "args": f'{{"traceEvents": [{good}, {{"ph": "X", "name": "n", "args": {bomb}',
        "element": f'{{"traceEvents": [{good}, {bomb}',
        "header": f'{{"a": {bomb}',
    }[where]
    path = place(tmp_path, text)
    if where == "header":
        with pytest.raises(TraceError, match="no list named traceEvents"):
            read(path)
    else:
        assert names(path) == ["good"]


def test_an_event_that_never_ends_is_given_up(tmp_path: Path) -> None:
    good = json.dumps(span("good", 1, 1))
    with mock.patch.object(events_module, "MOST_EVENT_BYTES", 1 << 20):
        found, events = read(
            place(tmp_path, f'{{"traceEvents": [{good}, {{"a": "{"x" * 5_000_000}')
        )
    assert [name for name, *_ in found] == ["good"]
    assert events.truncated


def test_a_name_of_ten_megabytes_is_one_name(tmp_path: Path) -> None:
    path = place(tmp_path, json.dumps({"traceEvents": [span("x" * 10_000_000, 1, 1)] * 2}))
    assert [len(name) for name in names(path)] == [10_000_000] * 2


@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        ("", "empty", "is empty"),
        (" \n\t", "empty", "is empty"),
        ("hello", "garbage", "no JSON"),
        (b"\x1f\x8b garbage", "garbage", "gzip cannot unpack"),
        (b"\x00" * 100, "garbage", "no JSON"),
        ('{"schemaVersion": 1}', "garbage", "no list named traceEvents"),
        ('{"a": "\\"traceEvents\\": [', "garbage", "no list named traceEvents"),
        ('{"a": {"traceEvents": [{}]}}', "garbage", "no list named traceEvents"),
        ('{"traceEvents": {}}', "garbage", "no list named traceEvents"),
    ],
)
def test_what_is_no_trace_is_refused(
    tmp_path: Path, text: str | bytes, reason: str, told: str
) -> None:
    with pytest.raises(TraceError, match=told) as refused:
        read(place(tmp_path, text))
    assert refused.value.reason == reason
