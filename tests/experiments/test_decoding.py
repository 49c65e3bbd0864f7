"""Items → experiments, whatever is in them."""

from __future__ import annotations

import json
import math
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.tables import BEGIN, write_attributes, write_item
from panewatch.experiments.dynamodb.attributes import open_item
from panewatch.experiments.items.decoding import Decoder
from panewatch.experiments.items.paths import SkippedError
from panewatch.experiments.model import STATUSES, Experiment
from panewatch.experiments.settings import ItemSettings
from panewatch.experiments.source import SKIPPED

NOW = BEGIN + 86_400.0
DECODER = Decoder(ItemSettings())
CANARY = "canary-9f2c"


def decode(item: Any, **settings: Any) -> Experiment:
    return Decoder(ItemSettings(**settings)).decode(item, now=NOW, place="x-1")


def skip(item: Any, **settings: Any) -> str:
    with pytest.raises(SkippedError) as refused:
        decode(item, **settings)
    return refused.value.reason


def test_an_item_of_the_usual_shape() -> None:
    found = decode(write_item(1, error="", validation_failures=2, human_interventions=True))
    assert found == Experiment("e1", "completed", BEGIN + 60.0, 15_040_000.0, 38.5, 0.97, 2, "", 1)
    assert decode(open_item(write_attributes(1))) == decode(write_item(1))


def test_what_is_no_text_of_json_is_looked_into_as_well() -> None:
    item = write_item(1) | {"experiments": [{"real_metrics": json.dumps({"bitrate_mbps": "9.5"})}]}
    assert decode(item).bitrate == 9_500_000.0
    assert decode({"rate": 4, "status": "done", "timestamp": NOW}, bitrate="rate").bitrate == 4e6


@pytest.mark.parametrize(
    ("unit", "value", "bitrate"),
    [("Mbps", 1.1, 1_100_000.0), ("kbps", "1100.7", 1_100_700.0), ("bps", 7, 7.0)],
)
def test_units(unit: str, value: Any, bitrate: float) -> None:
    assert decode(write_item(1, value), bitrate_unit=unit).bitrate == bitrate


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing"), (True, "type"), ([1], "type"), ("fast", "number"), ("", "number"),
        (math.nan, "number"), (math.inf, "number"), (-1, "number"), (0, "number"),
        ("NaN", "number"), ("1e999", "number"), (10**400, "number"), (1e130, "number"),
        (1e300, "number"), ("١٢", "number"), ("1_0", "number"), (10**45, "number"),
    ],
)  # fmt: skip
def test_a_completed_one_needs_a_bitrate_and_others_do_not(value: Any, reason: str) -> None:
    assert skip(write_item(1, value)) == reason
    other = decode(write_item(1, value, status="running"))
    assert (other.status, other.bitrate) == ("running", None)


@pytest.mark.parametrize(
    ("experiments", "reason"),
    [
        (None, "missing"), ("", "missing"), ("[]", "missing"), ("{", "json"), ("nope", "json"),
        ("7", "type"), ("[7]", "type"), ("[" * 100_000, "json"), (7, "type"),
        ('["' + "x" * 2**20 + '"]', "size"), ({}, "type"), ("[null]", "missing"),
    ],
)  # fmt: skip
def test_what_is_on_the_way_to_the_bitrate(experiments: Any, reason: str) -> None:
    assert skip(write_item(1, experiments=experiments)) == reason


@pytest.mark.parametrize(
    ("attribute", "bitrate"),
    [
        ({"N": "15.04"}, 15_040_000.0), ({"S": "15.04"}, 15_040_000.0),
        ({"N": "15." + "0" * 40 + "1"}, 15_000_000.0), ({"N": "abc"}, "number"),
        ({"N": "NaN"}, "number"), ({"N": "1E+130"}, "number"), ({"N": "9" * 45}, "number"),
        ({"N": "sNaN"}, "number"), ({"N": "9" * 500}, "number"), ({"N": None}, "number"),
        ({"NULL": True}, "missing"), ({"B": b"15"}, "type"), ({"BOOL": True}, "type"),
        ({"NS": ["1", "2"]}, "type"), ({"M": {"x": {"N": "1"}}}, "type"), ({"L": []}, "type"),
        ({"X": "1"}, "type"), ({}, "type"), ({"N": "1", "S": "1"}, "type"), ("odd", "type"),
    ],
)  # fmt: skip
def test_numbers_of_dynamodb(attribute: Any, bitrate: float | str) -> None:
    item = open_item(write_attributes(1) | {"rate": attribute})
    if isinstance(bitrate, str):
        assert skip(item, bitrate="rate") == bitrate
    else:
        assert decode(item, bitrate="rate").bitrate == bitrate


def test_nested_attributes_are_opened_to_a_depth() -> None:
    deep: dict[str, Any] = {"N": "3"}
    for _ in range(5000):
        deep = {"L": [deep]}
    assert skip(open_item(write_attributes(1) | {"experiments": deep})) == "type"
    shallow = {"L": [{"M": {"real_metrics": {"M": {"bitrate_mbps": {"N": "3"}}}}}]}
    assert decode(open_item(write_attributes(1) | {"experiments": shallow})).bitrate == 3e6


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("completed", "completed"), (" SUCCESS ", "completed"), ("In_Progress", "running"),
        ("error", "failed"), ("TimedOut", "timeout"), ("paused", "other"),
    ],
)  # fmt: skip
def test_statuses(word: str, status: str) -> None:
    assert decode(write_item(1, status=word)).status == status


@pytest.mark.parametrize(("value", "reason"), [(None, "missing"), (3, "type"), (" ", "missing")])
def test_bad_statuses(value: Any, reason: str) -> None:
    assert skip(write_item(1, status=value)) == reason


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (1_760_000_000, "auto"), (1_760_000_000.0, "seconds"), ("1760000000", "auto"),
        (1_760_000_000_000, "auto"), ("1760000000000", "milliseconds"),
        (1_760_000_000_000_000, "auto"), (1_760_000_000_000_000_000, "auto"),
        ("2025-10-09T08:53:20", "auto"), ("2025-10-09 08:53:20Z", "iso8601"),
        ("2025-10-09T10:53:20.000+02:00", "auto"), ("2025-10-09 08:53:20 UTC", "auto"),
    ],
)  # fmt: skip
def test_times(value: Any, form: Any) -> None:
    assert decode(write_item(1, timestamp=value), time_format=form).time == 1_760_000_000.0


@pytest.mark.parametrize(
    ("value", "form", "reason"),
    [
        (None, "auto", "missing"), ("soon", "auto", "time"), ("", "auto", "time"),
        (0, "auto", "time"), (-5, "auto", "time"), (NOW + 86_401, "auto", "time"),
        ("9999-12-31T23:59:59", "auto", "time"), ("0001-01-01T00:00:00+14:00", "auto", "time"),
        (math.nan, "auto", "time"), (10**400, "auto", "time"), ([], "auto", "type"),
        (True, "auto", "type"), (1_760_000_000_000, "seconds", "time"),
        (1_760_000_000, "milliseconds", "time"), (1_760_000_000, "iso8601", "time"),
        ("2025-10-09T08:53:20", "seconds", "time"),
    ],
)  # fmt: skip
def test_bad_times(value: Any, form: Any, reason: str) -> None:
    assert skip(write_item(1, timestamp=value), time_format=form) == reason


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (3, 3), ("3", 3), (2.7, 2), ([1, 2], 2), ('["a", "b", "c"]', 3), ("syntax error", 1),
        ("", 0), (True, 1), (False, 0), (-4, 0), (math.nan, 0), (10**30, 0xFFFF), ({"a": 1}, 1),
        ("[broken", 1), (None, 0), ("None", 0), (" null ", 0), ("false", 0), ("No", 0), ("NaN", 0),
        ("N/A", 0), ("[]", 0), ("nothing was executed", 1),
    ],
)  # fmt: skip
def test_counts(value: Any, count: int) -> None:
    found = decode(write_item(1, validation_failures=value, human_interventions=value))
    assert (found.validation_failures, found.interventions) == (count, count)


def test_quality_that_makes_no_sense_is_left_out_and_the_item_is_not() -> None:
    item = write_item(1, experiments=[{"real_metrics": {
        "bitrate_mbps": 3, "psnr_db": math.inf, "ssim": 1.2}}])  # fmt: skip
    assert (decode(item).psnr, decode(item).ssim) == (None, None)


def test_an_error_is_known_again_and_never_kept() -> None:
    def name(error: Any) -> str:
        return decode(write_item(1, error=error)).error

    same = name(f"IndexError at line 12 of /run/tmpab12cd34/code.py: {CANARY}")
    assert same == name(f"IndexError at line 97 of /run/tmpzz99xx00/code.py: {CANARY}")
    assert same != name("IndexError")
    assert name("no such file: '/srv/data/a.mp4'") == name("no such file: '/srv/other/b.mp4'")
    assert name("and/or") != name("or/and")
    assert len(same) == 16
    traceback = "Traceback (most recent call last):\n  File {}\n    {}\nValueError: no {} frames"
    assert name(traceback.format("a", "x()", 3)) == name(traceback.format("b", "y()", 40))
    assert name({"message": "a", "code": 1}) == name({"code": 2, "message": "a"})
    assert name(None) == name("  ") == name({}) == name(False) == ""
    assert {name(text) for text in ("None", "null", "N/A", "-", "[]", "{}", '""', "no error")} == {
        ""
    }
    assert name("\ud800") == name("?")
    assert name("x" * 10**6)
    assert CANARY not in str(decode(write_item(1, error=CANARY, validation_failures=CANARY)))


def test_ids() -> None:
    def name(keys: tuple[str, ...] = (), path: str | None = None, **item: Any) -> str:
        value = write_item(1, id=None) | item
        return Decoder(ItemSettings(id=path), keys).decode(value, now=NOW, place="x-1").id

    assert name() == "x-1"
    assert name(experiment_id=7) == "7"
    assert name(run={"name": "a\nb"}, path="run.name") == "a\nb"
    assert name(("a.b",), **{"a.b": "k"}) == "k"
    assert name(("p", "s"), p="a/b", s="c") != name(("p", "s"), p="a", s="b/c")
    assert name(("p",), p=b"\x01\xff") == "01ff"
    assert name(id="\ud800") == "?"
    assert len(name(id="x" * 5000)) < 80
    assert name(id="x" * 5000) != name(id="x" * 5001)


@pytest.mark.parametrize(
    ("keys", "item", "reason"),
    [(("p",), {}, "missing"), (("p",), {"p": ""}, "missing"), (("p",), {"p": [1]}, "type"),
     (("p",), {"p": 10**5000}, "number")],
)  # fmt: skip
def test_bad_ids(keys: tuple[str, ...], item: dict[str, Any], reason: str) -> None:
    with pytest.raises(SkippedError) as refused:
        Decoder(ItemSettings(), keys).decode(write_item(1) | item, now=NOW)
    assert refused.value.reason == reason


@pytest.mark.parametrize("value", [None, 3, "text", [], b""])
def test_what_is_no_item(value: Any) -> None:
    assert skip(value) == "type"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(
    ["completed", "running", "[]", "{", '[{"real_metrics": 3}]', "2025-10-09", "1e999", 1.76e9]
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["real_metrics", "bitrate_mbps", "ssim", "x"]), inner)
    ),
    max_leaves=8,
)
ATTRIBUTES = st.recursive(
    st.builds(lambda kind, value: {kind: value},
              st.sampled_from(["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L", "?"]),
              SCALARS | st.binary() | st.lists(SCALARS, max_size=2) | st.decimals().map(str)),
    lambda inner: st.builds(lambda value: {"L": value}, st.lists(inner, max_size=3))
    | st.builds(lambda value: {"M": value},
                st.dictionaries(st.sampled_from(["real_metrics", "bitrate_mbps"]), inner)),
    max_leaves=6,
)  # fmt: skip
NAMES = (
    "id", "status", "timestamp", "experiments", "validation_failures", "error",
    "human_interventions",
)  # fmt: skip


def items(values: st.SearchStrategy[Any], good: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Some attributes of a good item, in place of them others, or none."""
    kept = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
    return st.builds(lambda odd: good | odd, kept) | kept


def check(item: Any) -> None:
    try:
        found = DECODER.decode(item, now=NOW, place="p")
    except SkippedError as refused:
        reason = refused.reason
    else:
        assert_sound(found)
        return
    assert reason in SKIPPED


def assert_sound(found: Experiment) -> None:
    assert found.status in STATUSES
    assert found.id
    assert (found.result is None) == (found.status != "completed")
    assert found.bitrate is None or 0 < found.bitrate < 1e16
    assert all(math.isfinite(value) for value in astuple(found) if isinstance(value, float))
    assert f"{found.id}{found.error}".encode()


@given(items(JSON, write_item(1)) | JSON)
def test_any_json_is_taken_or_left_out(item: Any) -> None:
    check(item)


@given(items(ATTRIBUTES | JSON, write_attributes(1)) | JSON)
def test_any_attributes_are_taken_or_left_out(item: Any) -> None:
    check(open_item(item))
