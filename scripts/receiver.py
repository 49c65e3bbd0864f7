"""A webhook receiver for Alertmanager that prints what it is told, one line for each alert.

``python scripts/receiver.py PORT [SERVER=SOCKET...]`` listens on loopback. `scripts/up` starts it
on the port that alertmanager.yml names, and the tests of the stack read what it saw. A socket is
named for a tmux server that is not in tmux's own folder.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import unicodedata
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a notification that are read; Alertmanager sends 100 alerts at most."""
SHOWN_CHARACTERS = 500
SHOWN = ("server", "session", "window", "pane", "collector", "instance")
ROOT = Path(__file__).resolve().parents[1]
UNPUBLISHED = "https://panewatch.example/runbooks/"
"""Where the links of the rules lead until somebody publishes the runbooks: nowhere."""
# Names that mean nothing to any shell or to tmux: a line with others is none to paste.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}")


def defuse(text: object) -> str:
    """Return the text on one line, without characters that steer a terminal."""
    kept = (c if unicodedata.category(c)[0] not in "CZ" or c == " " else "?" for c in str(text))
    text = "".join(kept)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."


def name_runbook(url: object) -> str:
    """Return the file of this checkout that a link means which leads nowhere; else the link."""
    name = str(url).removeprefix(UNPUBLISHED)
    file = f"docs/runbooks/{name}.md"
    if name != str(url) and _PLAIN.fullmatch(name) and (ROOT / file).is_file():
        return file
    return str(url)


def name_attach(labels: Mapping[str, object], sockets: Mapping[str, str]) -> str | None:
    """Return the command that shows the pane of an alert, where its names are plain."""
    server, session, window, pane = (str(labels.get(name, "")) for name in SHOWN[:4])
    plain = _PLAIN.fullmatch(server) and _PLAIN.fullmatch(session)
    if not (plain and _NUMBER.fullmatch(window) and _NUMBER.fullmatch(pane)):
        return None
    socket = sockets.get(server)
    way = f"-L {server}" if socket is None else f"-S {shlex.quote(socket)}"
    return f"tmux {way} attach -t '={session}:{window}.{pane}'"


def describe(notification: dict[str, Any], sockets: Mapping[str, str] | None = None) -> list[str]:
    """Turn a notification into lines: status, alert, severity, where, what and what to do.

    What was wrong is past in the line of an alert that ended, and nothing is to be done.

    Args:
        notification: What Alertmanager sends.
        sockets: The sockets of tmux servers that ``tmux -L`` does not reach, by server.
    """
    lines = []
    for alert in notification.get("alerts", []):
        labels, notes = alert.get("labels", {}), alert.get("annotations", {})
        where = " ".join(f"{name}={defuse(labels[name])}" for name in SHOWN if name in labels)
        told = defuse(notes.get("description"))
        if alert.get("status") == "resolved":
            told = f"it is over; what was told: {told}"
        else:
            runbook = notes.get("runbook_url")
            parts = (
                notes.get("suggestion"),
                name_attach(labels, sockets or {}),
                name_runbook(runbook) if runbook else None,
            )
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
        for line in describe(notification, self.server.sockets):
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

    def __init__(self, port: int, sockets: Mapping[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", port), Receiver)
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.sockets = sockets or {}


if __name__ == "__main__":
    named = dict(argument.split("=", 1) for argument in sys.argv[2:])
    ReceiverServer(int(sys.argv[1]), named).serve_forever()
