"""A webhook receiver for Alertmanager that prints what it is told, one line for each alert.

``python scripts/receiver.py PORT`` listens on loopback. `scripts/up` starts it on the port that
alertmanager.yml names, and the tests of the stack read what it saw.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a notification that are read; Alertmanager sends 100 alerts at most."""
SHOWN = ("server", "session", "window", "pane", "collector", "instance")


def defuse(text: object) -> str:
    """Return the text on one line, without characters that steer a terminal."""
    kept = (c if unicodedata.category(c)[0] not in "CZ" or c == " " else "?" for c in str(text))
    return "".join(kept)[:200]


def describe(notification: dict[str, Any]) -> list[str]:
    """Turn a notification into lines: status, alert, severity, where, what and what to do.

    What was wrong is past in the line of an alert that ended, and nothing is to be done.
    """
    lines = []
    for alert in notification.get("alerts", []):
        labels, notes = alert.get("labels", {}), alert.get("annotations", {})
        where = " ".join(f"{name}={defuse(labels[name])}" for name in SHOWN if name in labels)
        told = defuse(notes.get("description"))
        if alert.get("status") == "resolved":
            told = f"it is over; what was told: {told}"
        else:
            parts = (notes.get("suggestion"), notes.get("runbook_url"))
            told = " | ".join((told, *(defuse(part) for part in parts if part)))
        lines.append(
            f"{defuse(alert.get('status')).upper():8} {defuse(labels.get('alertname'))} "
            f"[{defuse(labels.get('severity'))}] {where}: {told}"
        )
    return lines


class Receiver(BaseHTTPRequestHandler):
    """Answers 200 to a notification and keeps it in ``server.seen``."""

    server: ReceiverServer
    timeout = 10

    def do_POST(self) -> None:
        """Take one notification."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= MAX_BODY:
            self.send_error(413)
            return
        try:
            notification = json.loads(self.rfile.read(length))
        except ValueError:
            self.send_error(400)
            return
        self.server.seen.append((self.path, notification))
        for line in describe(notification):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - overridden as it is
        """Keep the access log off the terminal."""


class ReceiverServer(ThreadingHTTPServer):
    """The server; ``seen`` holds ``(path, notification)`` in order of arrival."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Receiver)
        self.seen: list[tuple[str, dict[str, Any]]] = []


if __name__ == "__main__":
    ReceiverServer(int(sys.argv[1])).serve_forever()
