"""Real Prometheus and Alertmanager on free ports, on the shipped files made faster."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from receiver import ReceiverServer

from polling import wait_until
from rule_files import ROOT, RULES, seconds

FASTER_LOOKS = 10
"""How much faster than shipped Prometheus scrapes and evaluates."""
FASTER_WAITS = 30
"""How much faster than shipped everything that waits on purpose runs: `for`, groups."""
GLOBAL_TIMES = ("scrape_interval", "scrape_timeout", "evaluation_interval")
RULE_TIMES = ("for", "keep_firing_for")
ROUTE_TIMES = ("group_wait", "group_interval")


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def hurry(section: dict[str, Any], keys: tuple[str, ...], factor: float) -> None:
    """Divide the durations under these keys by the factor, in place."""
    for key in keys:
        if key in section:
            section[key] = f"{seconds(section[key]) * 1000 / factor:.0f}ms"


def write_configuration(
    folder: Path, *, exporter: int, alertmanager: int, receiver: int, waits: float = FASTER_WAITS
) -> tuple[Path, Path]:
    """Copy the shipped configuration with other ports and shorter times.

    Returns:
        The files for Prometheus and for Alertmanager.
    """
    prometheus = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())
    hurry(prometheus["global"], GLOBAL_TIMES, FASTER_LOOKS)
    (job,) = prometheus["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{exporter}"]}]
    (manager,) = prometheus["alerting"]["alertmanagers"]
    manager["static_configs"] = [{"targets": [f"127.0.0.1:{alertmanager}"]}]
    (folder / "rules").mkdir()
    for file in RULES:
        rules = yaml.safe_load(file.read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                hurry(rule, RULE_TIMES, waits)
        (folder / "rules" / file.name).write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus))

    manager = yaml.safe_load((ROOT / "alertmanager/alertmanager.yml").read_text())
    hurry(manager["route"], ROUTE_TIMES, waits)
    for route in manager["route"]["routes"]:
        hurry(route, ROUTE_TIMES, waits)
    manager["templates"] = [str(ROOT / "alertmanager/templates/*.tmpl")]
    for webhook in (w for r in manager["receivers"] for w in r.get("webhook_configs", [])):
        webhook["url"] = webhook["url"].replace(":10066/", f":{receiver}/")
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(manager))
    return folder / "prometheus.yml", folder / "alertmanager.yml"


class Stack:
    """A running Prometheus and Alertmanager and the webhook receiver they tell.

    ``pages`` and ``notes`` are what came to the two receivers of the shipped
    configuration, in order: ``(status, labels)`` for each alert of a notification. ``waits``
    tells how much faster than shipped everything that waits on purpose runs.
    """

    def __init__(self, folder: Path, exporter: int, waits: float = FASTER_WAITS) -> None:
        self.prometheus_port, self.alertmanager_port = find_free_port(), find_free_port()
        self._cleanup = ExitStack()
        self.receiver = ReceiverServer(0)
        self._cleanup.callback(self.receiver.server_close)
        threading.Thread(target=self.receiver.serve_forever, daemon=True).start()
        self._cleanup.callback(self.receiver.shutdown)
        prometheus, alertmanager = write_configuration(
            folder,
            exporter=exporter,
            alertmanager=self.alertmanager_port,
            receiver=int(self.receiver.server_address[1]),
            waits=waits,
        )
        times = yaml.safe_load(prometheus.read_text())["global"]
        self.interval = seconds(times["evaluation_interval"])
        """Seconds between two evaluations of the rules."""
        self.prometheus = self._launch(
            folder / "prometheus.log",
            "prometheus",
            f"--config.file={prometheus}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.prometheus_port}",
        )
        self._launch(
            folder / "alertmanager.log",
            shutil.which("alertmanager") or "prometheus-alertmanager",
            f"--config.file={alertmanager}",
            f"--storage.path={folder / 'alerts'}",
            f"--web.listen-address=127.0.0.1:{self.alertmanager_port}",
            "--cluster.listen-address=",
        )
        for port in (self.prometheus_port, self.alertmanager_port):
            wait_until(partial(self._answers, port), 60, f"port {port} is ready")

    def _launch(self, log: Path, *command: str) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)

        def end() -> None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self._cleanup.callback(end)
        return process

    @staticmethod
    def _answers(port: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _ask(self, port: int, path: str, **query: str) -> Any:
        url = f"http://127.0.0.1:{port}{path}?{urlencode(query)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)

    def query(self, expression: str) -> dict[str, float]:
        """Run an instant query; return values by the text of their labels."""
        answer = self._ask(self.prometheus_port, "/api/v1/query", query=expression)
        return {
            ",".join(f"{k}={v}" for k, v in sorted(series["metric"].items())): float(
                series["value"][1]
            )
            for series in answer["data"]["result"]
        }

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert that Alertmanager holds, with its ``status`` (state, inhibitedBy)."""
        return list(self._ask(self.alertmanager_port, "/api/v2/alerts"))

    def _seen(self, path: str) -> list[tuple[str, dict[str, str]]]:
        return [
            (alert["status"], alert["labels"])
            for seen, notification in list(self.receiver.seen)
            if seen == path
            for alert in notification["alerts"]
        ]

    @property
    def pages(self) -> list[tuple[str, dict[str, str]]]:
        return self._seen("/page")

    @property
    def notes(self) -> list[tuple[str, dict[str, str]]]:
        return self._seen("/notify")

    def count_evaluations(self) -> int:
        """How often Prometheus has evaluated the rules about panes."""
        return self._metric("prometheus_rule_group_iterations_total", "panewatch-panes")

    def count_reloads(self) -> int:
        """When Prometheus last loaded its configuration well, in whole milliseconds."""
        stamp = "prometheus_config_last_reload_success_timestamp_seconds"
        return self._metric(stamp, "", scale=1000)

    def _metric(self, name: str, part: str, scale: int = 1) -> int:
        url = f"http://127.0.0.1:{self.prometheus_port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name) and part in line:
                    return int(float(line.rsplit(" ", 1)[1]) * scale)
        return 0

    def reload(self) -> None:
        """Have Prometheus read its configuration again, and wait until it has."""
        before = self.count_reloads()
        self.prometheus.send_signal(signal.SIGHUP)
        wait_until(lambda: self.count_reloads() > before, what="the configuration is read again")

    def wait_evaluations(self, count: int) -> None:
        """Wait until the rules about panes were evaluated so often again."""
        end = self.count_evaluations() + count
        wait_until(lambda: self.count_evaluations() >= end, 60 + count, f"{count} evaluations")

    def close(self) -> None:
        """End both programs and the receiver."""
        self._cleanup.close()


class FakeExporter(ThreadingHTTPServer):
    """Serves ``text`` as /metrics; None answers 500."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeMetrics)
        self.text: str | None = ""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class FakeMetrics(BaseHTTPRequestHandler):
    server: FakeExporter

    def do_GET(self) -> None:
        text = self.server.text
        if text is None:
            self.send_error(500)
            return
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve_fake() -> Iterator[FakeExporter]:
    """A fake exporter for the time of a with-block."""
    with FakeExporter() as fake:
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        try:
            yield fake
        finally:
            fake.shutdown()
