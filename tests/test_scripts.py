"""The scripts of a fresh machine, as far as they run without setting anything up."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import probe
import pytest
from receiver import defuse, describe

from polling import wait_until
from rule_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

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


# Each exporter that is started writes down its process id; where `broken` stands it ends at once.
PYTHON = f"""#!/bin/sh
if [ "$2" = panewatch ]; then
    echo $$ >>pids
    if [ -e broken ]; then echo cannot start; exit 7; fi
fi
PYTHONPATH="{ROOT / "exporter"}" exec "{sys.executable}" "$@"
"""


def make_checkout(folder: Path) -> None:
    """A checkout in which everything is set up, and nothing of this machine is watched."""
    for name in ("alertmanager", "prometheus"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "scripts").mkdir()
    for name in ("probe.py", "receiver.py"):
        (folder / "scripts" / name).symlink_to(ROOT / "scripts" / name)
    shutil.copy(ROOT / "scripts/up", folder / "scripts/up")
    (folder / "scripts/setup").write_text("#!/bin/sh\n")
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    (folder / "settings.yml").write_text(f'tmux: {{sockets: ["{folder / "none"}"]}}\n')


@contextmanager
def run_up(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run the stack until it says that it is there; its output is in the file."""
    output = folder / "output"
    # Without a Grafana or a Docker engine of this machine.
    programs = folder / "programs"
    programs.mkdir()
    for name in os.environ["PATH"].split(os.pathsep):
        for program in Path(name).iterdir() if Path(name).is_dir() else ():
            link = programs / program.name
            if program.name not in {"docker", "grafana-server"} and not link.is_symlink():
                link.symlink_to(program)
    with (
        output.open("wb") as sink,
        subprocess.Popen(
            ("sh", "scripts/up", "--free-ports", "--config.file", "settings.yml"),
            cwd=folder, stdout=sink, stderr=sink, env={**os.environ, "PATH": str(programs)},
        ) as up,
    ):  # fmt: skip
        try:
            wait_until(lambda: "Ctrl-C ends all" in output.read_text(), 120, "the stack runs")
            yield up, output
        finally:
            up.terminate()
            up.wait(30)


def find_address(output: Path, part: str) -> str:
    """The URL that was printed for a part of the stack."""
    return next(
        line.split()[1] for line in output.read_text().splitlines() if line.startswith(part)
    )


@pytest.mark.timeout(400)
def test_up_keeps_what_tells_that_panewatch_is_gone(tmp_path: Path) -> None:
    make_checkout(tmp_path)
    pids = tmp_path / "pids"
    with run_up(tmp_path) as (up, output):
        exporter, prometheus = (find_address(output, n) for n in ("panewatch", "Prometheus"))
        os.kill(int(pids.read_text()), signal.SIGKILL)
        told = "panewatch ended with status 137 and is started again, 1 of 5"
        wait_until(lambda: told in output.read_text(), 30, told)
        wait_until(lambda: probe.answers(f"{exporter}/-/ready"), 60, "it answers again")

        (tmp_path / "broken").touch()
        os.kill(int(pids.read_text().split()[-1]), signal.SIGKILL)
        gone = "panewatch ended with status 7 and stays away, the rest goes on"
        wait_until(lambda: gone in output.read_text(), 120, gone)
        assert len(pids.read_text().split()) == 1 + 5
        wait_until(
            lambda: "cannot start" in output.read_text().split(gone)[1], 20, "the end of its log"
        )
        assert up.poll() is None
        wait_until(
            lambda: probe.query(prometheus, 'up{job="panewatch"} == 0'), 60, "Prometheus sees it"
        )
        wait_until(
            lambda: probe.query(prometheus, 'ALERTS{alertname="PanewatchDown"}'), 30, "it tells"
        )
    assert up.returncode == 143
    assert not probe.answers(f"{prometheus}/-/ready")


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


def describe_pane(
    names: dict[str, str], runbook: str = "", sockets: dict[str, str] | None = None
) -> str:
    labels = {"server": "default", "session": "train", "window": "0", "pane": "1"} | names
    notes = {"description": "It failed.", "runbook_url": runbook}
    alert = {"status": "firing", "labels": labels, "annotations": notes}
    (line,) = describe({"alerts": [alert]}, sockets)
    return line.partition(": It failed.")[2]


def test_receiver_says_how_to_see_the_pane() -> None:
    assert describe_pane({}) == " | tmux -L default attach -t '=train:0.1'"
    elsewhere = describe_pane({"server": "demo"}, sockets={"demo": "/run/a b/demo"})
    assert elsewhere == " | tmux -S '/run/a b/demo' attach -t '=train:0.1'"
    for name in ("server", "session", "window", "pane"):
        assert describe_pane({name: "x'; reboot #"}) == ""
        assert describe_pane({name: "-x"}) == ""


def test_receiver_names_the_runbook_where_it_is() -> None:
    unpublished = "https://panewatch.example/runbooks/"
    shown = describe_pane({"session": "a b"}, unpublished + "PanewatchPaneFailed")
    assert shown == " | docs/runbooks/PanewatchPaneFailed.md"
    assert (ROOT / "docs/runbooks/PanewatchPaneFailed.md").is_file()
    for url in ("https://own.example/PanewatchPaneFailed", unpublished + "../../README"):
        assert describe_pane({"session": "a b"}, url) == f" | {url}"


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
    assert defuse("x" * 1000) == "x" * 500 + "..."
