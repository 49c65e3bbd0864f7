"""The scripts of a fresh machine, as far as they run without setting anything up."""

from __future__ import annotations

import shutil
import socket
import subprocess

import probe
import pytest
from receiver import defuse, describe

from rule_files import ROOT

SCRIPTS = ("scripts/setup", "scripts/test", "scripts/up")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_posix(script: str) -> None:
    shell = shutil.which("dash") or "sh"
    done = subprocess.run((shell, "-n", script), cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (ROOT / script).read_text().startswith("#!/bin/sh\n")


def test_up_says_what_it_can_do() -> None:
    done = subprocess.run(
        ("sh", "scripts/up", "--help"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    for option in ("--demo", "--smoke", "--free-ports", "--config.file FILE"):
        assert option in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--what"], "unknown argument --what"),
        (["--config.file"], "--config.file needs a file"),
        (["--config.file", "none.yml"], f"{ROOT / 'docs'}/none.yml cannot be read"),
        (["--config.file=/none.yml"], "/none.yml cannot be read"),
        (["--demo", "--config.file", "index.md"], "--demo and --smoke have settings of their own"),
    ],
)
def test_up_refuses_what_it_cannot_use(arguments: list[str], told: str) -> None:
    done = subprocess.run(
        ("sh", "../scripts/up", *arguments),
        cwd=ROOT / "docs", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"up: {told}")


def test_up_hands_on_settings_and_addresses_that_lead_somewhere() -> None:
    text = (ROOT / "scripts/up").read_text()
    assert 'set -- "$@" --config.file "$config"' in text
    for name in ("prometheus", "alertmanager"):
        assert f'--web.external-url="http://127.0.0.1:${name}"' in text


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    (free,) = probe.find_free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert probe.main(["taken", f"Prometheus={port}", f"Grafana={free}"]) == 1
    assert capsys.readouterr().out.startswith(f"port {port} for Prometheus is taken")


def test_free_ports_differ() -> None:
    assert len(set(probe.find_free_ports(5))) == 5


def test_what_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = probe.find_free_ports(1)
    url = f"http://127.0.0.1:{port}/-/ready"
    assert probe.main(["ready", "0", url]) == 1
    assert url in capsys.readouterr().out


def test_smoke_fails_where_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (f"http://127.0.0.1:{port}" for port in probe.find_free_ports(2))
    assert probe.main(["smoke", "0", first, second]) == 1
    assert "no pane series" in capsys.readouterr().out


def test_receiver_says_what_to_do_and_what_is_over() -> None:
    notes = {
        "description": "It has 1 open incident.",
        "suggestion": "Free memory.",
        "runbook_url": "https://panewatch.example/runbooks/X",
    }
    alert = {"labels": {"alertname": "X", "severity": "critical"}, "annotations": notes}
    firing, resolved = describe(
        {"alerts": [{**alert, "status": "firing"}, {**alert, "status": "resolved"}]}
    )
    assert firing.endswith(
        ": It has 1 open incident. | Free memory. | https://panewatch.example/runbooks/X"
    )
    assert resolved.endswith(": it is over; what was told: It has 1 open incident.")


def test_receiver_prints_a_hostile_alert_on_one_inert_line() -> None:
    hostile = "a\x1b]0;title\x07\nfiring\u202e\u2028\x9b31m"
    alert = {
        "status": "firing",
        "labels": {"alertname": "PanewatchPaneFailed", "session": hostile, "severity": "critical"},
        "annotations": {"description": hostile},
    }
    (line,) = describe({"alerts": [alert]})
    assert line.isprintable()
    assert line.startswith("FIRING")
    assert len(defuse("x" * 1000)) == 200
