"""The settings as JSON Schema: what editors complete from, errors quote and docs print."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from panewatch.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from panewatch.problems import Path

Node: TypeAlias = dict[str, Any]

_TYPES = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
    "string": "text",
}


_BOUNDS = {
    "minimum": "of at least", "exclusiveMinimum": "above",
    "maximum": "at most", "exclusiveMaximum": "below",
}  # fmt: skip


def json_schema() -> Node:
    """Return the configuration's JSON Schema, dialect 2020-12.

    ``x-expects`` beside a pattern says in words what is allowed.
    """
    schema = _close(Config.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def find_node(path: Path) -> Node | None:
    """Return the schema of a key path without references, or None if no such key exists."""
    node: Node | None = _follow(_schema())
    for part in path:
        if node is None:
            return None
        if isinstance(part, int):
            node = _plain(node.get("items"))
        elif "properties" in node:
            node = _plain(node["properties"].get(part))
        else:
            node = _find_values(node)
    return node


def find_leaves() -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield path and schema of every setting: whatever is not a section."""
    yield from _walk((), _follow(_schema()))


def is_section(node: Node) -> bool:
    """Tell whether a schema is a section, that is a mapping with fixed keys."""
    return "properties" in node


def is_duration(node: Node) -> bool:
    """Tell whether a schema is a span of time: a number of seconds, or text."""
    return {option.get("type") for option in node.get("anyOf", ())} == {"number", "string"}


def describe(node: Node) -> str:
    """Say what a value must be, such as ``a whole number from 1 to 100``."""
    if "x-expects" in node:
        return str(node["x-expects"])
    if "enum" in node:
        return "one of " + ", ".join(f"`{value}`" for value in node["enum"])
    if is_section(node):
        return "a section with the keys " + ", ".join(f"`{key}`" for key in node["properties"])
    kind = str(node.get("type"))
    return _describe_container(kind, node) or _TYPES[kind] + _describe_bounds(node)


def describe_keys(node: Node) -> str:
    """Say what the keys of a mapping must be."""
    return describe({"type": "string", **node.get("propertyNames", {})})


def _describe_container(kind: str, node: Node) -> str:
    if kind == "array":
        return f"a list, each item {describe(_follow(node['items']))}"
    if kind == "object":
        return f"a mapping from {describe_keys(node)} to {describe(_find_values(node) or {})}"
    return ""


def _describe_bounds(node: Node) -> str:
    if {"minimum", "maximum"} <= node.keys():
        return f" from {node['minimum']} to {node['maximum']}"
    bounds = [f"{words} {node[key]:g}" for key, words in _BOUNDS.items() if key in node]
    return " " + " and ".join(bounds) if bounds else ""


def _close(value: Any) -> Any:
    """Refuse the keys that no pattern of a mapping allows: pydantic leaves that out."""
    if isinstance(value, list):
        return [_close(item) for item in value]
    if not isinstance(value, dict):
        return value
    closed = {"additionalProperties": False} if "patternProperties" in value else {}
    return {**{key: _close(item) for key, item in value.items()}, **closed}


@cache
def _schema() -> Node:
    return json_schema()


def _follow(node: Node) -> Node:
    """Resolve a reference and ``... | None``; what stands beside them stays."""
    found = dict(node)
    if "$ref" in found:
        target = _schema()["$defs"][found.pop("$ref").rpartition("/")[2]]
        found = {**target, **found}
    options = [option for option in found.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        del found["anyOf"]
        found = {**options[0], **found}
    return found


def _find_values(node: Node) -> Node | None:
    """Return the schema of the values of a mapping with free keys."""
    patterns = list(node.get("patternProperties", {}).values())
    return _plain(patterns[0] if patterns else node.get("additionalProperties") or None)


def _plain(node: Node | None) -> Node | None:
    return None if node is None else _follow(node)


def _walk(path: tuple[str, ...], node: Node) -> Iterator[tuple[tuple[str, ...], Node]]:
    if not is_section(node):
        yield path, node
        return
    for key, child in node["properties"].items():
        yield from _walk((*path, key), _follow(child))
