"""The environment goes over the file, and the command line over both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panewatch.settings_file import SettingsError, load, variable
from panewatch.settings_schema import find_leaves

WHOLE = "must be a whole number from 1 to 65535"


def refuse(env: dict[str, str], overrides: dict[str, Any] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load(None, env, overrides or {})
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("WEB__LISTEN_ADDRESS", ":9000", "web.listen_address", ":9000"),
        ("WEB__LISTEN_ADDRESS", "[::1]:9000", "web.listen_address", "[::1]:9000"),
        ("WEB__MAX_REQUESTS", "7", "web.max_requests", 7),
        ("WEB__HEADER_TIMEOUT", "250ms", "web.header_timeout", 0.25),
        ("WEB__HEADER_TIMEOUT", "3", "web.header_timeout", 3.0),
        ("WEB__CONFIG_FILE", "web.yml", "web.config_file", "web.yml"),
        ("WEB__CONFIG_FILE", "null", "web.config_file", "null"),
        ("LOG__LEVEL", "error", "log.level", "error"),
        ("COLLECTORS__PANES__ENABLED", "false", "collectors.panes.enabled", False),
        ("COLLECTORS__PANES__ENABLED", "off", "collectors.panes.enabled", False),
        ("TMUX__BINARY", "no", "tmux.binary", "no"),
        ("TMUX__SOCKETS", "[main, /run/t/s]", "tmux.sockets", ("main", "/run/t/s")),
        ("TMUX__SOCKETS", "[]", "tmux.sockets", ()),
        ("PANES__AGENTS", "{mine: [a, b]}", "panes.agents", {"mine": ("a", "b")}),
    ],
)
def test_variable_sets_its_key(name: str, text: str, key: str, value: object) -> None:
    found: Any = load(None, {f"PANEWATCH_{name}": text}, {})
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value


def test_server_list_from_the_environment() -> None:
    env = {"PANEWATCH_TMUX__SERVERS": "[{name: box, prefix: [ssh, box]}]"}
    (server,) = load(None, env, {}).tmux.servers
    assert (server.name, server.prefix, server.socket) == ("box", ("ssh", "box"), None)


@pytest.mark.parametrize("path", [path for path, _ in find_leaves()], ids=".".join)
def test_every_key_has_a_variable_that_is_checked(path: tuple[str, ...]) -> None:
    name = variable(path)
    message = refuse({name: "[\x07"})  # neither YAML nor text
    assert message.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"PANEWATCH_WEB__MAX_REQUESTS": "0"},
         f"PANEWATCH_WEB__MAX_REQUESTS: web.max_requests: {WHOLE}"),
        ({"PANEWATCH_TMUX__SOCKETS": "[a, b"},
         ("PANEWATCH_TMUX__SOCKETS: not YAML: while parsing a flow sequence, "
         "expected ',' or ']', but got '<stream end>'")),
        ({"PANEWATCH_TMUX__SOCKETS": "&a [b]"},
         "PANEWATCH_TMUX__SOCKETS: anchors (&name) are not allowed"),
        ({"PANEWATCH_TMUX__SOCKETS": "[ok, a/b]"},
         ("PANEWATCH_TMUX__SOCKETS: tmux.sockets[1]: must be "
         "a socket name (as `tmux -L`) or absolute path (as `tmux -S`)")),
        ({"PANEWATCH_TMUX__BINARY": "\udcff"},
         ("PANEWATCH_TMUX__BINARY: tmux.binary: must be "
         "text, not empty, without control characters")),
        ({"PANEWATCH_WEB_LISTEN_ADDRESS": ":1"},
         ("PANEWATCH_WEB_LISTEN_ADDRESS: unknown setting; "
         "did you mean PANEWATCH_WEB__LISTEN_ADDRESS?")),
        ({"PANEWATCH_WEB__MAX_REQUEST": ""},
         "PANEWATCH_WEB__MAX_REQUEST: unknown setting; did you mean PANEWATCH_WEB__MAX_REQUESTS?"),
        ({"PANEWATCH_QUUX": "1"},
         "PANEWATCH_QUUX: unknown setting; the form is PANEWATCH_<SECTION>__<KEY>"),
        ({"PANEWATCH_WEB": "{}"},
         "PANEWATCH_WEB: names a section; set one of its keys, as PANEWATCH_WEB__<KEY>"),
        ({"PANEWATCH_A\x1b[2J": "1"},
         r"'PANEWATCH_A\x1b[2J': unknown setting; the form is PANEWATCH_<SECTION>__<KEY>"),
        ({"PANEWATCH_PANES__MAX_INTERVAL": "500ms"},
         ("PANEWATCH_PANES__MAX_INTERVAL: panes.max_interval: "
         "busy_interval (1s) is above max_interval (500ms)")),
    ],
)  # fmt: skip
def test_refused(env: dict[str, str], message: str) -> None:
    assert refuse(env) == message


def test_other_variables_are_left_alone() -> None:
    kubernetes = {
        "PANEWATCH_SERVICE_HOST": "10.0.0.1",
        "PANEWATCH_SERVICE_PORT": "10065",
        "PANEWATCH_SERVICE_PORT_METRICS": "10065",
        "PANEWATCH_PORT": "tcp://10.0.0.1:10065",
        "PANEWATCH_PORT_10065_TCP": "tcp://10.0.0.1:10065",
        "PANEWATCH_PORT_10065_TCP_ADDR": "10.0.0.1",
    }
    others = {"HOME": "/", "panewatch_web__max_requests": "0", "MYPANEWATCH_X": "1"}
    assert load(None, {**kubernetes, **others}, {}) == load(None, {}, {})


def test_empty_variable_is_not_set() -> None:
    env = {"PANEWATCH_WEB__CONFIG_FILE": "", "PANEWATCH_WEB__MAX_REQUESTS": ""}
    assert load(None, env, {}) == load(None, {}, {})


def test_order_of_the_sources(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("web: {max_requests: 1, max_connections: 1, header_timeout: 1}\n")
    env = {"PANEWATCH_WEB__MAX_REQUESTS": "2", "PANEWATCH_WEB__MAX_CONNECTIONS": "2"}
    web = load(str(file), env, {"web": {"max_requests": 3}}).web
    assert (web.max_requests, web.max_connections, web.header_timeout) == (3, 2, 1.0)
    assert web.write_timeout == 30.0


def test_a_list_is_replaced_and_not_joined(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("tmux: {sockets: [a, b]}\npanes: {agents: {x: [y]}}\n")
    env = {"PANEWATCH_TMUX__SOCKETS": "[c]"}
    config = load(str(file), env, {"panes": {"agents": {"z": ["w"]}}})
    assert config.tmux.sockets == ("c",)
    assert config.panes.agents == {"z": ("w",)}


def test_errors_of_all_sources_at_once(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("log: {level: loud}\nweb: {max_requests: 0, max_connections: 0}\n")
    env = {"PANEWATCH_WEB__MAX_REQUESTS": "-1"}
    with pytest.raises(SettingsError) as caught:
        load(str(file), env, {"tmux": {"timeout": "soon"}, "web": {"colour": "red"}})
    assert [str(problem).replace(str(file), "f.yml") for problem in caught.value.problems] == [
        "f.yml:1: log.level: must be one of `debug`, `info`, `warning`, `error`",
        f"f.yml:2: web.max_connections: {WHOLE}",
        f"PANEWATCH_WEB__MAX_REQUESTS: web.max_requests: {WHOLE}",
        (
            "command line: web.colour: unknown key; allowed: listen_address, config_file, "
            "max_connections, max_requests, header_timeout, write_timeout"
        ),
        (
            "command line: tmux.timeout: must be a duration such as 500ms, 30s or 1h30m, "
            "above 0 and at most 30d"
        ),
    ]


def test_broken_file_and_broken_environment_are_both_reported(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("web: [\n")
    with pytest.raises(SettingsError) as caught:
        load(str(file), {"PANEWATCH_QUUX": "1"}, {})
    assert [problem.file for problem in caught.value.problems] == [str(file), "PANEWATCH_QUUX"]


def test_wrong_section_in_the_file_is_reported_under_an_overlay(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("web: 3\n")
    with pytest.raises(SettingsError) as caught:
        load(str(file), {"PANEWATCH_WEB__MAX_REQUESTS": "5"}, {})
    assert str(caught.value).startswith(f"{file}:1: web: must be a section with the keys ")


def test_conflict_names_the_source_that_made_it(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("log: {}\npanes:\n  busy_interval: 30s\n")
    assert load(str(file), {}, {}).panes.busy_interval == 30.0
    with pytest.raises(SettingsError) as caught:
        load(str(file), {"PANEWATCH_PANES__MAX_INTERVAL": "20s"}, {})
    assert str(caught.value) == (
        f"{file}:3: panes.busy_interval: busy_interval (30s) is above max_interval (20s)"
    )
