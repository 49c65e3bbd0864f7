"""Whatever is in a file or the environment, the outcome is a ``Config`` or a ``SettingsError``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from panewatch.config import Config
from panewatch.settings_file import SettingsError, load, variable
from panewatch.settings_schema import find_leaves

SLOW_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Nothing here asserts a time, so a busy machine may take its own."""

PATHS = [path for path, _ in find_leaves()]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1s", "500ms", "debug", ":80", "/s", "a", "31d", "1e400", "~", "yes"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | scalars, inner, max_size=3)
    ),
    max_leaves=8,
)
keys = st.sampled_from(sorted({key for path in PATHS for key in path})) | st.text(max_size=8)
sections = st.dictionaries(keys, values | st.dictionaries(keys, values, max_size=4), max_size=4)
settings_like = st.dictionaries(
    st.sampled_from(list(Config.model_fields)) | keys, sections | values, max_size=5
)
indicators = st.text(alphabet="-?:,[]{}#&*!|>'\"%@`\\ \n\tab01.~<=\u2028\x85\u00e9", max_size=60)
tokens = st.lists(
    st.sampled_from(
        ["web", "panes", ":", " ", "\n", "  ", "- ", "[", "]", "{", "}", ",", "? ", "&a ", "*a",
         "!!int ", "!x!y ", "%TAG ! a:\n", "%YAML 1.2\n", "---\n", "...\n", "|\n", ">-\n", "'",
         '"', "\\x", "\\ud800", "\\U00110000", "#", "0x", "1e5", "\t", "\r\n", "<<", "=", "~"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


def check(content: bytes, env: dict[str, str], overrides: dict[str, Any] | None = None) -> None:
    descriptor, name = tempfile.mkstemp(suffix=".yml")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        assert isinstance(load(name, env, overrides or {}), Config)
    except SettingsError as error:
        check_problems(error, content.decode("utf-8", "replace"))
    finally:
        Path(name).unlink()


def check_problems(error: SettingsError, content: str) -> None:
    """Every problem says something, points into the file and is safe for a terminal."""
    lines = str(error).split("\n")
    assert 0 < len(lines) == min(len(error.problems), 51)
    assert all(line.isprintable() for line in lines)
    last = sum(content.count(end) for end in "\n\r\x85\u2028\u2029") + 1
    for problem in error.problems:
        assert problem.message
        assert 0 <= problem.line <= last


@given(st.binary(max_size=200))
@example(b"\xff\xfeweb")
@example(b"web: \x00")
@settings(SLOW_MACHINE)
def test_bytes(content: bytes) -> None:
    check(content, {})


@given(st.text(max_size=200) | indicators | tokens)
@example('"\\ud800": 1')
@example('"\\U00110000"')
@example("? ? ? a")
@example("a: !!binary x")
@example("%TAG !x! y\n---\na: !x!z b")
@example("web: {? [a] : b}")
@settings(SLOW_MACHINE, max_examples=400)
def test_text(content: str) -> None:
    check(content.encode("utf-8", "surrogatepass"), {})


@given(settings_like)
@settings(SLOW_MACHINE, max_examples=300)
def test_yaml_of_the_right_shape(value: dict[str, Any]) -> None:
    check(yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass"), {})


@given(
    st.dictionaries(
        st.sampled_from([variable(path) for path in PATHS])
        | st.text(max_size=10).map("PANEWATCH_{}".format),
        st.text(max_size=40) | indicators | tokens | values.map(str),
        max_size=4,
    )
)
@settings(SLOW_MACHINE, max_examples=300)
@example({"PANEWATCH_WEB__LISTEN_ADDRESS": "\udc80:1"})
@example({"PANEWATCH_LOG__LEVEL": "\udc80"})
@example({"PANEWATCH_PANES__AGENTS": "\udc80"})
def test_environment(env: dict[str, str]) -> None:
    check(b"{}", env)


@given(settings_like, settings_like)
@settings(SLOW_MACHINE, max_examples=200)
def test_overrides(value: dict[str, Any], overrides: dict[str, Any]) -> None:
    check(yaml.safe_dump(value).encode("utf-8", "surrogatepass"), {}, overrides)
