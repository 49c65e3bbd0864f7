"""The JSON Schema covers every setting and says the same as the models."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from panewatch.config import Config
from panewatch.settings_file import json_schema
from panewatch.settings_schema import describe, find_leaves, find_node, is_duration
from panewatch.settings_types import Seconds, format_duration, parse_duration


def list_paths(model: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Walk the models themselves, not their schema."""
    found = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        if hasattr(value, "model_fields_set"):
            found += list_paths(value, (*path, name))
        else:
            found.append((*path, name))
    return found


def test_schema_is_json_and_names_its_dialect() -> None:
    schema = json.loads(json.dumps(json_schema(), allow_nan=False))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert schema["properties"].keys() == Config.model_fields.keys()


def test_schema_is_closed() -> None:
    """An editor marks every key that loading refuses."""
    agents = find_node(("panes", "agents"))
    assert agents is not None
    assert agents["additionalProperties"] is False
    (pattern,) = agents["patternProperties"]
    assert re.search(pattern, "my-agent")
    assert not re.search(pattern, "my agent")
    for section in json_schema()["$defs"].values():
        assert section["additionalProperties"] is False


def test_schema_has_every_setting() -> None:
    assert [path for path, _ in find_leaves()] == list_paths(Config())


@pytest.mark.parametrize(("path", "node"), list(find_leaves()), ids=lambda part: str(part)[:40])
def test_setting_is_described(path: tuple[str, ...], node: dict[str, Any]) -> None:
    assert node["description"].endswith("."), f"{path} needs a sentence"
    assert "default" in node
    assert describe(node), "says what is allowed"


def test_find_node() -> None:
    assert find_node(("web", "absent")) is None
    assert find_node(("absent", "deeper")) is None
    assert find_node(("web", 0)) is None
    server = find_node(("tmux", "servers", 7))
    assert server is not None
    assert server["required"] == ["name"]


def test_duration_is_a_number_or_text_with_a_pattern() -> None:
    node = find_node(("panes", "max_interval"))
    assert node is not None
    assert is_duration(node)
    number, text = node["anyOf"]
    assert number == {"type": "number", "exclusiveMinimum": 0, "maximum": 30 * 86400}
    for good in ("500ms", "1h30m", "1.5s"):
        assert re.search(text["pattern"], good)
    for bad in ("", "5", "5 s", "s", "1h-30m", "1hh"):
        assert not re.search(text["pattern"], bad)


@given(st.integers(min_value=1, max_value=30 * 86400 * 1000))
@settings(deadline=None)
def test_duration_survives_being_written(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)


def test_no_time_is_written() -> None:
    assert format_duration(0) == "0s"


@given(st.text(alphabet="0123456789.mshd ", max_size=12))
@settings(deadline=None)
def test_schema_and_model_accept_the_same_durations(text: str) -> None:
    node = find_node(("panes", "max_interval"))
    assert node is not None
    matches = re.fullmatch(node["anyOf"][1]["pattern"].strip("^$"), text.strip()) is not None
    try:
        parsed = parse_duration(text)
    except ValueError:
        assert not matches
    else:
        assert matches
        in_range = 0 < parsed <= 30 * 86400
        try:
            TypeAdapter(Seconds).validate_python(text)
        except ValidationError:
            assert not in_range
        else:
            assert in_range
