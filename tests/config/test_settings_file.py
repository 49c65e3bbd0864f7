"""A settings file is taken whole or refused with everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from panewatch.config import Collectors, Config, ErrorsSettings, PanesSettings
from panewatch.reference import EXAMPLE
from panewatch.settings_file import SettingsError, load

DURATION = "must be a duration such as 500ms, 30s or 1h30m, above 0 and at most 30d"
NAME = "a name of 1 to 64 letters, digits, `_`, `.` or `-`"
WORD = "text, not empty, without control characters"
SOCKET = "a socket name (as `tmux -L`) or absolute path (as `tmux -S`)"
SECTIONS = ", ".join(f"`{name}`" for name in Config.model_fields)
PANES_KEYS = ", ".join(PanesSettings.model_fields)


def refuse(folder: Path, content: str | bytes) -> str:
    """Return what is said about a file, with its path shortened to ``f.yml``."""
    file = folder / "f.yml"
    file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    with pytest.raises(SettingsError) as caught:
        load(str(file), {}, {})
    return str(caught.value).replace(str(file), "f.yml")


def accept(folder: Path, content: str, **options: Any) -> dict[str, Any]:
    """Return what a file changes, as plain data."""
    file = folder / "f.yml"
    file.write_text(content, "utf-8")
    config = load(str(file), options.get("env", {}), options.get("overrides", {}))
    return config.model_dump(exclude_defaults=True)


def test_no_file_is_the_defaults() -> None:
    assert load(None, {}, {}) == Config()


def test_empty_mapping_is_the_defaults(tmp_path: Path) -> None:
    assert accept(tmp_path, "{}\n") == {}


def test_documented_example_is_accepted(tmp_path: Path) -> None:
    changed = accept(tmp_path, EXAMPLE)
    assert changed["panes"] == {"stalled_after": 600.0}
    assert changed["tmux"]["servers"] == ({"name": "gpu-box", "prefix": ("ssh", "gpu-box")},)


def test_every_default_can_be_written_out(tmp_path: Path) -> None:
    content = Config().model_dump_json()  # JSON is YAML
    assert accept(tmp_path, content) == {}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30.0), ("1h30m", 5400.0), ("1.5s", 1.5), ("2", 2.0), ("0.25", 0.25),
     ("30d", 2592000.0), ("1m1m", 120.0), ("' 5s '", 5.0)],
)  # fmt: skip
def test_duration(tmp_path: Path, text: str, seconds: float) -> None:
    changed = accept(tmp_path, f"web: {{write_timeout: {text}}}")
    assert changed.get("web", {"write_timeout": 30.0})["write_timeout"] == pytest.approx(seconds)


def test_equal_intervals_are_in_order(tmp_path: Path) -> None:
    content = "panes: {min_interval: 1s, busy_interval: 1s, max_interval: 1s}"
    assert accept(tmp_path, content)["panes"] == {"min_interval": 1.0, "max_interval": 1.0}


REFUSED = [
    # FAULTS: unknown key, wrong type, bad duration, empty, and their neighbours
    ("", "f.yml:1: is empty; leave the file out, or write {}, to use the defaults"),
    ("# nothing\n", "f.yml:1: is empty; leave the file out, or write {}, to use the defaults"),
    ("- web\n", f"f.yml:1: must be a section with the keys {SECTIONS}"),
    ("text\n", f"f.yml:1: must be a section with the keys {SECTIONS}"),
    ("panes:\n  lst_interval: 1s\n", ("f.yml:2: panes.lst_interval: unknown key; "
     f"did you mean `list_interval`? allowed: {PANES_KEYS}")),
    ("wobble: 1\n", ("f.yml:1: wobble: unknown key; "
     f"allowed: {SECTIONS.replace('`', '')}")),
    ("collectors:\n  disks: {}\n", ("f.yml:2: collectors.disks: unknown key; "
     f"allowed: {', '.join(Collectors.model_fields)}")),
    ("web:\n", ("f.yml:1: web: must be a section with the keys `listen_address`, `config_file`, "
     "`max_connections`, `max_requests`, `header_timeout`, `write_timeout`")),
    ("log:\n  level: loud\n", ("f.yml:2: log.level: must be one of "
     "`debug`, `info`, `warning`, `error`")),
    ("log: {format: 1}\n", "f.yml:1: log.format: must be one of `logfmt`, `json`"),
    ("web:\n  max_requests: 0\n", ("f.yml:2: web.max_requests: must be "
     "a whole number from 1 to 65535")),
    ("web: {max_requests: '5'}", ("f.yml:1: web.max_requests: must be "
     "a whole number from 1 to 65535")),
    ("web: {max_requests: 1.0}", ("f.yml:1: web.max_requests: must be "
     "a whole number from 1 to 65535")),
    ("web: {max_requests: true}", ("f.yml:1: web.max_requests: must be "
     "a whole number from 1 to 65535")),
    ("panes: {list_interval: true}", f"f.yml:1: panes.list_interval: {DURATION}"),
    ("panes: {looping_distinct: false}",
     "f.yml:1: panes.looping_distinct: must be a number from 0 to 1"),
    ("panes: {stalled_after_by_command: {make: true}}", ("f.yml:1: "
     f"panes.stalled_after_by_command.make: {DURATION}, or `never`")),
    ("panes: {read_existing: 1}", "f.yml:1: panes.read_existing: must be true or false"),
    ("panes: {read_existing: 'yes'}", "f.yml:1: panes.read_existing: must be true or false"),
    *((f"panes: {{max_interval: {text}}}", f"f.yml:1: panes.max_interval: {DURATION}")
      for text in ("5 minutes", "1:30", "-1s", "0", "0s", "-3", "31d", ".inf", ".nan", "1e99",
                   "true", "[1]", "''", "s", "1s2", "~")),
    ("panes: {max_interval: " + "1" * 100_000 + "s}", f"f.yml:1: panes.max_interval: {DURATION}"),
    *((f"web: {{listen_address: '{text}'}}", ("f.yml:1: web.listen_address: must be "
       "HOST:PORT, [IPV6]:PORT or :PORT, with a port up to 65535"))
      for text in ("localhost", "10065", ":65536", "a b:1", "::1:80", ":٣", "")),
    ("web: {config_file: ''}", "f.yml:1: web.config_file: must be the name of a file"),
    ("errors: {severity: {git-conflict: on}}",
     "f.yml:1: errors.severity.git-conflict: must be one of `P0`, `P1`, `P2`, `off`"),
    ('tmux: {binary: "a\\e[2J"}', f"f.yml:1: tmux.binary: must be {WORD}"),
    ('tmux: {binary: "a\\u202eb"}', f"f.yml:1: tmux.binary: must be {WORD}"),
    ("tmux: {sockets: main}", f"f.yml:1: tmux.sockets: must be a list, each item {SOCKET}"),
    ("tmux:\n  sockets:\n  - main\n  - a/b\n", f"f.yml:4: tmux.sockets[1]: must be {SOCKET}"),
    ("tmux:\n  servers:\n  - prefix: [ssh, a]\n",
     f"f.yml:3: tmux.servers[0].name: is missing; give {NAME}"),
    ("tmux:\n  servers:\n  - name: a b\n    socket: a\n",
     f"f.yml:3: tmux.servers[0].name: must be {NAME}"),
    ("tmux:\n  servers:\n  - name: a\n    socket: a\n    port: 3\n",
     "f.yml:5: tmux.servers[0].port: unknown key; allowed: name, prefix, socket"),
    ("panes:\n  agents:\n    ok: [a]\n    a b: [b]\n",
     f"f.yml:4: panes.agents.a b: the key must be {NAME}"),
    ("panes:\n  agents:\n    one: [a]\n    two: b\n",
     f"f.yml:4: panes.agents.two: must be a list, each item {WORD}"),
    # values that are allowed, but not together
    ("panes:\n  min_interval: 2s\n",
     "f.yml:2: panes.min_interval: min_interval (2s) is above busy_interval (1s)"),
    ("panes:\n  max_interval: 500ms\n",
     "f.yml:2: panes.max_interval: busy_interval (1s) is above max_interval (500ms)"),
    ("panes:\n  max_interval: 1m\n  busy_interval: 2m\n  min_interval: 3m\n",
     ("f.yml:3: panes.busy_interval: busy_interval (2m) is above max_interval (1m)\n"
     "f.yml:4: panes.min_interval: min_interval (3m) is above busy_interval (2m)")),
    ("panes:\n  agents:\n    one: [a]\n    two: [b, a]\n",
     "f.yml:4: panes.agents.two[1]: a process name of agents.two is in agents.one too"),
    ("panes:\n  shells: [sh, claude]\n",
     "f.yml:2: panes.shells: a process name of agents.claude is in shells too"),
    ("tmux:\n  servers:\n  - name: a\n    socket: x\n  - name: a\n    socket: y\n",
     ("f.yml:3: tmux.servers[0].name: is the name of another server too\n"
     "f.yml:5: tmux.servers[1].name: is the name of another server too")),
    ("tmux:\n  servers:\n  - name: a\n",
     "f.yml:3: tmux.servers[0]: needs a prefix, a socket or both"),
    # what the YAML reader refuses is refused here
    ("web: {}\nlog: {}\nweb: {}\n", "f.yml:3: web: given twice; first on line 1"),
    ("panes: {stalled_after_by_command: {pytest: later}}",
     f"f.yml:1: panes.stalled_after_by_command.pytest: {DURATION}, or `never`"),
    (b"\xef\xbb\xbfweb: {}\n", "f.yml:1: starts with a byte order mark; save it without one"),
    ("#" * (10 << 20), "f.yml: cannot be read: it is larger than 1048576 bytes"),
    ("a: &a [x]\nb: *a\n", ("f.yml:1: anchors (&name) are not allowed\n"
     "f.yml:2: aliases (*name) are not allowed")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"), REFUSED, ids=[ascii(content[:40]) for content, _ in REFUSED]
)
def test_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refuse(tmp_path, content) == message


def test_all_errors_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    assert refuse(
        tmp_path,
        "panes:\n  max_panes: many\n  agents: {x y: []}\n"
        "web:\n  max_requests: 0\n  header_timeout: soon\n  colour: red\n"
        "log:\n  level: loud\n"
        "tmux:\n  servers:\n  - name: ok\n    socket: /s\n  - 3\n",
    ) == "\n".join(
        [
            "f.yml:2: panes.max_panes: must be a whole number from 1 to 100000",
            f"f.yml:3: panes.agents.x y: the key must be {NAME}",
            "f.yml:5: web.max_requests: must be a whole number from 1 to 65535",
            f"f.yml:6: web.header_timeout: {DURATION}",
            (
                "f.yml:7: web.colour: unknown key; allowed: listen_address, config_file, "
                "max_connections, max_requests, header_timeout, write_timeout"
            ),
            "f.yml:9: log.level: must be one of `debug`, `info`, `warning`, `error`",
            "f.yml:14: tmux.servers[1]: must be a section with the keys `name`, `prefix`, `socket`",
        ]
    )


def test_values_that_clash_are_told_beside_values_that_are_wrong(tmp_path: Path) -> None:
    told = refuse(
        tmp_path,
        "log: {level: loud}\n"
        "tmux:\n  servers:\n"
        "  - name: a b\n    socket: s\n"
        "  - name: twice\n    socket: x\n"
        "  - name: lost\n    prefix: []\n"
        "  - 3\n"
        "  - name: twice\n    prefix: 3\n    socket: y\n"
        "panes:\n  min_interval: soon\n  busy_interval: 100ms\n  max_interval: 50ms\n",
    )
    assert [line.partition(": must")[0] for line in told.splitlines()] == [
        "f.yml:1: log.level",
        "f.yml:4: tmux.servers[0].name",
        "f.yml:6: tmux.servers[1].name: is the name of another server too",
        "f.yml:8: tmux.servers[2]: needs a prefix, a socket or both",
        "f.yml:10: tmux.servers[3]",
        "f.yml:11: tmux.servers[4].name: is the name of another server too",
        "f.yml:12: tmux.servers[4].prefix",
        "f.yml:15: panes.min_interval",
        "f.yml:16: panes.busy_interval: busy_interval (100ms) is above max_interval (50ms)",
    ]


def test_what_is_left_of_wrong_settings_can_be_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("panes: {max_panes: 0, line_length: 99}\nerrors: {packs: [a.yaml, 3]}\n")
    with pytest.raises(SettingsError) as caught:
        load(str(file), {}, {})
    rest = caught.value.rest
    assert rest is not None
    assert (rest.panes.max_panes, rest.panes.line_length) == (1000, 99)
    assert rest.errors.packs == (str(tmp_path / "a.yaml"),)


def test_off_needs_no_quotes(tmp_path: Path) -> None:
    changed = accept(tmp_path, "errors: {severity: {git-conflict: off, disk-full: 'off'}}")
    assert changed["errors"]["severity"] == {"git-conflict": "off", "disk-full": "off"}


def test_files_are_relative_to_the_folder_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/f.yml").write_text(
        "web: {config_file: web.yml}\nerrors: {packs: [a.yaml, /b.yaml]}\n"
        "panes: {screens: {packs: [../c.yaml]}}\ntmux: {binary: tmux}\n"
    )
    monkeypatch.chdir(tmp_path)
    config = load("conf/f.yml", {}, {})
    assert config.web.config_file == "conf/web.yml"
    assert config.errors.packs == ("conf/a.yaml", "/b.yaml")
    assert config.panes.screens.packs == ("conf/../c.yaml",)
    assert config.tmux.binary == "tmux"
    env = {"PANEWATCH_ERRORS__PACKS": "[d.yaml]"}
    config = load("conf/f.yml", env, {"web": {"config_file": "e.yml"}})
    assert (config.errors.packs, config.web.config_file) == (("d.yaml",), "e.yml")


def test_a_rule_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("errors:\n  severity:\n    nope: P0\n")
    settings = load(str(file), {}, {}).errors
    assert str(settings.blame(("severity", "nope"), "is no rule")) == (
        f"{file}:3: errors.severity.nope: is no rule"
    )
    assert settings == ErrorsSettings(severity={"nope": "P0"}), "where it stands is no difference"


def test_a_file_of_mistakes_does_not_flood_the_terminal(tmp_path: Path) -> None:
    lines = refuse(tmp_path, "".join(f"key{number}: 1\n" for number in range(500))).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "and 450 more"


def test_values_never_reach_an_error(tmp_path: Path) -> None:
    secret = "AKIAIOSFODNN7EXAMPLE"  # noqa: S105 the documented example key, planted
    for content in (
        f"web: {{listen_address: {secret}}}",
        f"web: {{max_requests: {secret}}}",
        f"panes: {{max_interval: {secret}}}",
        f"log: {secret}",
        f"log: {{level: {secret}}}",
        f"tmux: {{sockets: {secret}}}",
        f"tmux: {{servers: [{{name: '{secret} {secret}'}}]}}",
        secret,
    ):
        assert secret not in refuse(tmp_path, content)


@pytest.mark.parametrize("name", ["", "absent.yml"])
def test_unreadable_path(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    with pytest.raises(SettingsError) as caught:
        load(path, {}, {})
    reason = (
        "it is a directory or a device, not a file" if not name else "No such file or directory"
    )
    assert str(caught.value) == f"{path}: cannot be read: {reason}"


def test_world_readable_file_is_fine(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("log: {level: debug}\n")
    file.chmod(0o666)
    assert load(str(file), {}, {}).log.level == "debug"


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.yml").write_text("log: {level: debug}\n")
    (tmp_path / "link.yml").symlink_to("real.yml")
    assert load(str(tmp_path / "link.yml"), {}, {}).log.level == "debug"


def test_config_is_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(Config().web, "max_requests", 3)  # noqa: B010  # a type checker refuses it too


def test_half_written_file_is_refused_or_whole(tmp_path: Path) -> None:
    """A reload may see any prefix of a file: no other outcome than two is allowed."""
    content = EXAMPLE.encode()
    file = tmp_path / "f.yml"
    outcomes: list[type[Config | SettingsError]] = []
    for length in range(len(content) + 1):
        file.write_bytes(content[:length])
        try:
            outcomes.append(type(load(str(file), {}, {})))
        except SettingsError as error:
            outcomes.append(type(error))
    assert set(outcomes) == {Config, SettingsError}
    assert outcomes[0] is SettingsError
    assert outcomes[-1] is Config
    assert load(str(file), {}, {}).panes.stalled_after == 600.0
