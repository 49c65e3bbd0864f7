"""A real Prometheus scrapes through TLS, a client certificate and a password."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import bcrypt
import httpx
import pytest

from polling import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from server.serving import Exposition, Running

    Serve = Callable[..., Running]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_target(port: int) -> dict[str, str]:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/targets", timeout=5)
        answer.raise_for_status()
    except httpx.HTTPError:  # not up yet, or up and not ready
        return {}
    targets = answer.json()["data"]["activeTargets"]
    return next((target for target in targets if target["health"] == "up"), {})


def test_prometheus_scrapes_with_certificate_and_password(
    serve: Serve, folder: Path, exposition: Exposition
) -> None:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed")
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    (folder / "web.config.yml").write_text(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"
        f"basic_auth_users:\n  prometheus: {hashed}\n"
    )
    running = serve(config_file=str(folder / "web.config.yml"))
    job = {
        "job_name": "panewatch",
        "scheme": "https",
        "basic_auth": {"username": "prometheus", "password": "right"},
        "tls_config": {"ca_file": "ca.crt", "cert_file": "client.crt", "key_file": "client.key"},
        "static_configs": [{"targets": [f"127.0.0.1:{running.port}"]}],
    }
    settings = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}}
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({**settings, "scrape_configs": [job]}))
    port = free_port()
    command = [
        program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as prometheus:
        try:
            wait_until(lambda: find_target(port), timeout=30, what="a target that is up")
        finally:
            prometheus.terminate()
    assert set(exposition.calls) == {(True, True)}  # OpenMetrics, gzip
