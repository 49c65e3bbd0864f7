"""What docs/deployment.md tells people to copy works when it is copied."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from panewatch.cli import build_parser
from polling import wait_until
from rule_files import RULES
from stack import find_free_port

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/deployment.md").read_text()
SNIPPETS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
SCRAPES = [snippet for snippet in SNIPPETS if "scrape_configs" in snippet]
UNIT = ROOT / "systemd/panewatch.service"


def read_unit() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # the keys of systemd have capitals
    unit.read(UNIT)
    return unit


@pytest.mark.parametrize("scrape", SCRAPES, ids=["plain", "tls"])
def test_prometheus_accepts_the_scrape_with_the_rules(
    scrape: dict[str, object], tmp_path: Path
) -> None:
    (rules,) = [snippet for snippet in SNIPPETS if "rule_files" in snippet]
    (tmp_path / "panewatch").mkdir()
    for file in RULES:
        shutil.copy(file, tmp_path / "panewatch")
    config = tmp_path / "prometheus.yml"
    files = {name: tmp_path / name for name in ("panewatch-ca.crt", "panewatch-password")}
    for file in files.values():
        file.write_text("")
    text = yaml.safe_dump({**rules, **scrape}).replace("/etc/prometheus/", f"{tmp_path}/")
    config.write_text(text)
    done = subprocess.run(
        ("promtool", "check", "config", "--lint-fatal", config),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{len(RULES)} rule files found" in done.stdout


def test_the_job_is_the_one_that_rules_and_the_shipped_configuration_name() -> None:
    asked = {name for file in RULES for name in re.findall(r'job=~?"([^"]*)"', file.read_text())}
    assert asked == {"panewatch"}
    (shipped,) = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    for scrape in SCRAPES:
        (job,) = scrape["scrape_configs"]
        assert job["job_name"] == shipped["job_name"] == "panewatch"
        limits = {key: value for key, value in shipped.items() if "limit" in key}
        assert limits
        assert limits.items() <= job.items(), "the same limits as the shipped scrape"


def test_alertmanager_accepts_the_route_with_the_template(tmp_path: Path) -> None:
    (routes,) = [snippet for snippet in SNIPPETS if "route" in snippet]
    shutil.copytree(ROOT / "alertmanager/templates", tmp_path / "panewatch")
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(routes))
    done = subprocess.run(
        ("amtool", "check-config", tmp_path / "alertmanager.yml"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 templates" in done.stdout
    shipped = yaml.safe_load((ROOT / "alertmanager/alertmanager.yml").read_text())
    assert routes["route"]["routes"][0]["group_by"] == shipped["route"]["group_by"]


def test_files_that_are_copied_exist() -> None:
    named = re.findall(r"^(?:cp|install -m 644) (\S+)", PAGE, re.MULTILINE)
    assert len(named) == 3
    assert all(list(ROOT.glob(name)) for name in named)


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    binary = tmp_path / ".local/share/panewatch/bin/panewatch"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    done = subprocess.run(
        (program, "--user", "verify", UNIT),
        env={**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_starts_reloads_and_ends_as_the_unit_says(tmp_path: Path) -> None:
    service = read_unit()["Service"]
    (tmp_path / "panewatch").mkdir()
    settings = tmp_path / "panewatch/panewatch.yml"
    port = find_free_port()
    sockets = f"tmux: {{sockets: [{tmp_path}/none]}}\n"
    settings.write_text(f"{sockets}web: {{listen_address: '127.0.0.1:{port}'}}\n")
    _, *arguments = shlex.split(service["ExecStart"].replace("%E", str(tmp_path)))
    build_parser().parse_args(arguments)
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    url = f"http://127.0.0.1:{port}/metrics"
    command = (sys.executable, "-m", "panewatch", *arguments)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "exporter")}
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as running:
        try:
            wait_until(lambda: answers(url), 60, "an exporter that answers")
            settings.write_text("nonsense: 1\n")
            running.send_signal(signal.SIGHUP)
            refused = "panewatch_config_last_reload_successful 0.0"
            wait_until(lambda: refused in httpx.get(url).text, 30, "the reload")
            running.terminate()
            assert running.wait(float(service["TimeoutStopSec"])) == 0
        finally:
            running.kill()
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert str(done.returncode) == service["RestartPreventExitStatus"]


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False
