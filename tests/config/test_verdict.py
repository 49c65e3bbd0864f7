"""A wrong configuration stops every subcommand with exit code 2 and the same text."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "exporter"


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PANEWATCH_")}
    return subprocess.run(
        [sys.executable, "-m", "panewatch", *arguments],
        env={**clean, "PYTHONPATH": str(SOURCE), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("subcommand", ["serve", "scrape", "diagnose", "check-config"])
def test_exit_code_and_text(tmp_path: Path, subcommand: str) -> None:
    file = tmp_path / "f.yml"
    file.write_text("panes:\n  max_panes: 0\n  agnts: {}\nlog: {level: loud}\n")
    done = run(subcommand, "--config.file", str(file), PANEWATCH_WEB__MAX_REQUESTS="x")
    assert done.returncode == 2
    assert done.stdout == ""
    problems = done.stderr.splitlines()
    assert problems[0] == f"{file}:2: panes.max_panes: must be a whole number from 1 to 100000"
    assert problems[1].startswith(f"{file}:3: panes.agnts: unknown key; did you mean `agents`?")
    assert problems[2].startswith(f"{file}:4: log.level: must be one of ")
    assert problems[3].startswith("PANEWATCH_WEB__MAX_REQUESTS: web.max_requests: must be ")
    assert len(problems) == 4


def test_what_the_settings_name_is_looked_at_though_they_are_wrong(tmp_path: Path) -> None:
    """Whoever mends a configuration mends it once."""
    file = tmp_path / "f.yml"
    file.write_text(
        "log: {level: loud}\nweb: {config_file: web.yml}\n"
        "errors:\n  packs: [rules.yaml]\n  severity: {process-kiled: off}\n"
        "panes: {screens: {packs: [screen.yaml]}}\n"
    )
    (tmp_path / "web.yml").write_text("tls_server: {}\n")
    (tmp_path / "rules.yaml").write_text("rules: [{id: own, severty: P0, examples: [a]}]\n")
    expected = [
        "f.yml:1: log.level: must be one of",
        "web.yml:1: tls_server: unknown key;",
        "rules.yaml:1: own.severty: unknown key; did you mean `severity`?",
        "f.yml:5: errors.severity.process-kiled: is no rule; did you mean `process-killed`?",
        "screen.yaml: cannot be read: No such file or directory",
    ]
    for subcommand in ("check-config", "serve"):
        done = run(subcommand, "--config.file", str(file))
        assert done.returncode == 2
        told = done.stderr.replace(f"{tmp_path}/", "").splitlines()
        assert len(told) == len(expected)
        assert all(line.startswith(start) for line, start in zip(told, expected, strict=True))
    file.write_text(file.read_text().replace("loud", "info"))
    for subcommand in ("check-config", "serve"):
        told = run(subcommand, "--config.file", str(file)).stderr.splitlines()
        assert len(told) == len(expected) - 1


def test_good_configuration(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_text("panes: {max_panes: 7}\n")
    done = run("check-config", str(file), PANEWATCH_LOG__LEVEL="debug")
    assert (done.returncode, done.stderr) == (0, "")
