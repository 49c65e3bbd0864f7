"""The command line as a user meets it."""

import json
import subprocess
from pathlib import Path

import pytest

from panewatch import __version__, flags
from panewatch.cli import build_parser, main
from panewatch.config import Collectors
from runner.programs import PANEWATCH, Exporter, panewatch


def merge(*arguments: str) -> tuple[str | None, dict[str, object]]:
    return flags.merge(build_parser().parse_args(arguments))


@pytest.mark.parametrize("subcommand", ["serve", "scrape", "diagnose", "healthcheck"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_flags_stand_before_and_after_the_subcommand(subcommand: str, after: int) -> None:
    flags = ["--tmux.socket=a", "--config.file=f.yml", "--tmux.socket=b", "--log.level=debug"]
    split = [0, 2, 4][after]
    assert merge(*flags[:split], subcommand, *flags[split:]) == (
        "f.yml",
        {"tmux": {"sockets": ["a", "b"]}, "log": {"level": "debug"}},
    )


def test_every_flag() -> None:
    assert merge(
        "--web.listen-address=:1", "--web.config.file=w", "--log.format=json",
        "--no-collector.panes", "--collector.process",
    ) == (
        None,
        {
            "web": {"listen_address": ":1", "config_file": "w"},
            "log": {"format": "json"},
            "collectors": {"panes": {"enabled": False}, "process": {"enabled": True}},
        },
    )  # fmt: skip
    for name in Collectors.model_fields:
        assert merge(f"--no-collector.{name}")[1] == {"collectors": {name: {"enabled": False}}}


def test_the_last_flag_holds() -> None:
    assert merge("--no-collector.panes", "scrape", "--collector.panes")[1] == {
        "collectors": {"panes": {"enabled": True}}
    }
    assert merge("--config.file=a", "check-config", "--config.file=b")[0] == "b"
    assert merge("--config.file=a", "check-config", "b", "--config.file=c")[0] == "b"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nope"],
        ["nope"],
        ["--collector.nope"],
        ["--log.level=loud"],
        ["--log"],  # no abbreviations: a new flag must not change what an old command means
        ["scrape", "extra"],
        ["--config.file"],
    ],
)
def test_wrong_use_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: panewatch" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"panewatch {__version__}\n"


def test_config_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config-schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["type"] == "object"
    assert "tmux" in schema["properties"]


def test_check_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, web = tmp_path / "panewatch.yml", tmp_path / "web.yml"
    file.write_text(f"web: {{config_file: {web}}}\n")
    web.write_text("http_server_config: {http2: true}\n")
    assert main(["check-config", str(file)]) == 0
    assert main(["--config.file", str(file), "check-config"]) == 0
    capsys.readouterr()
    web.write_text("nonsense: 1\n")
    assert main(["check-config", str(file)]) == 2
    assert f"{web}:1: nonsense" in capsys.readouterr().err
    file.write_text("web:\n  nonsense: 1\nlog:\n  level: loud\x1b[31m\n")
    assert main(["check-config", str(file)]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_check_config_tells_what_it_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "panewatch.yml"
    file.write_text("log: {level: debug}\n")
    assert main(["check-config", str(file)]) == 0
    assert capsys.readouterr().out == "the configuration is good\n"
    assert main(["check-config"]) == 0
    told = "no settings file was given; defaults, environment and flags are good\n"
    assert capsys.readouterr().out == told
    monkeypatch.setenv("PANEWATCH_LOG__LEVEL", "loud")
    assert main(["check-config"]) == 2
    assert "PANEWATCH_LOG__LEVEL" in capsys.readouterr().err


def test_check_config_takes_one_settings_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, other = tmp_path / "good.yml", tmp_path / "other.yml"
    good.write_text("{}\n")
    for arguments in (
        ["check-config", str(good), "--config.file", str(other)],
        ["--config.file", str(other), "check-config", str(good)],
    ):
        assert main(arguments) == 2
        assert capsys.readouterr().err == (
            f"command line: --config.file {other}: "
            f"names another settings file than FILE, {good}: give one of them\n"
        )


def test_help_of_a_subcommand_begins_with_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    shown = capsys.readouterr().out
    assert "--unmatched" in shown
    assert "--log.level" not in shown
    assert "`panewatch --help` lists them" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("text", "is_web"),
    [
        ("http_server_config: {http2: true}\n", True),
        ("tls_server_config: {cert_file: missing.crt}\nbasic_auth_users: {a: wrong}\n", True),
        ("tls_server_config: {}\ntmux: {timeout: 1s}\n", False),
        ("log: {level: loud}\n", False),
        ("- list\n", False),
        ("{}\n", None),
        ("", False),
        ("tls_server_config: [\n", False),
    ],
)
def test_a_web_configuration_is_told_from_settings(
    text: str, *, is_web: bool | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file.yml"
    file.write_text(text)
    assert main(["check-config", str(file)]) == (0 if is_web is None else 2)
    told = f"{file}: is a web configuration, no settings: check it as --web.config.file\n"
    shown = capsys.readouterr().err
    assert (shown == told) is bool(is_web)
    assert bool(shown) is (is_web is not None)


@pytest.mark.parametrize("subcommand", ["serve", "scrape", "diagnose", "check-config"])
def test_all_problems_are_shown_and_no_traceback(subcommand: str, tmp_path: Path) -> None:
    file = tmp_path / "panewatch.yml"
    file.write_text("web:\n  nonsense: 1\nlog:\n  level: loud\n")
    ended = panewatch(subcommand, "--config.file", str(file))
    assert ended.returncode == 2
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [f"{file}:2", "web.nonsense"],
        [f"{file}:4", "log.level"],
    ]


def test_scrape_passes_promtool(tmp_path: Path) -> None:
    socket = str(tmp_path / "nobody")
    ended = panewatch("scrape", "--tmux.socket", socket, "--log.level=error")
    assert ended.stderr == ""
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=ended.stdout, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert 'panewatch_collector_success{collector="process"} 1.0\n' in ended.stdout


@pytest.mark.parametrize(("succeeded", "code"), [(True, 0), (False, 1)])
def test_scrape_tells_failure(
    *,
    succeeded: bool,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setattr("panewatch.service.scrape", lambda _: (b"panewatch_x 1\n", succeeded))
    monkeypatch.setattr("panewatch.logs.configure", lambda _: None)
    assert main(["scrape"]) == code
    assert capsysbinary.readouterr().out == b"panewatch_x 1\n"


def test_scrape_into_a_closed_pipe(tmp_path: Path) -> None:
    scrape = subprocess.Popen(
        (*PANEWATCH, "scrape", "--no-collector.panes"), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=tmp_path, env=Exporter.environment(tmp_path),
    )  # fmt: skip
    assert scrape.stdout
    scrape.stdout.close()
    assert scrape.stderr
    with scrape.stderr as errors:
        assert errors.read() == b""
    assert scrape.wait(60) == 141


def test_diagnose(tmp_path: Path) -> None:
    ended = panewatch("diagnose", "--no-collector.panes")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "\nok     process: CPU time, memory, open files" in f"\n{ended.stdout}"
    missing = {"PANEWATCH_TMUX__BINARY": str(tmp_path / "tmux")}
    ended = panewatch("diagnose", "--tmux.socket", str(tmp_path / "nothing"), env=missing)
    assert ended.returncode == 1
    assert ended.stdout.startswith("failed ")
    assert "Traceback" not in ended.stderr


def test_healthcheck(tmp_path: Path) -> None:
    exporter = Exporter(
        (*PANEWATCH, "--no-collector.panes", "--web.listen-address=127.0.0.1:0"), tmp_path
    )
    try:
        address = f"--web.listen-address=127.0.0.1:{exporter.find_port()}"
        ended = panewatch("healthcheck", address)
        assert (ended.returncode, ended.stdout) == (0, "HTTP status 200\n")
        assert exporter.end() == 0
        ended = panewatch("healthcheck", address)
        assert (ended.returncode, ended.stdout) == (1, "Connection refused\n")
    finally:
        exporter.kill()
