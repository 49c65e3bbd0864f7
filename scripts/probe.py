"""Looks at a running stack from outside, for `scripts/up`.

* ``probe.py ports N`` prints N free loopback ports.
* ``probe.py taken NAME=PORT...`` prints those that cannot be listened on; exit 1 if any.
* ``probe.py ready SECONDS URL...`` waits until every URL answers 200.
* ``probe.py smoke SECONDS PROMETHEUS ALERTMANAGER`` waits for pane series and for a page,
  and prints them.
"""

from __future__ import annotations

import json
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")
ALERT = "PanewatchPaneFailed"


def say(line: str) -> None:
    """Write one line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def fetch(url: str) -> bytes | None:
    """Return the body of a 200 answer, None for anything else."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback, from `up`
            return bytes(answer.read())
    except (OSError, urllib.error.HTTPError):
        return None


def answers(url: str) -> bool:
    """Whether the URL answers 200 now."""
    return fetch(url) is not None


def wait_for(look: Callable[[], Found | None], deadline: float) -> Found | None:
    """Look again and again until there is something, or the deadline (monotonic) is over."""
    while True:
        found = look()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def find_free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, each another."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def report_taken(names: list[str]) -> int:
    """Print each NAME=PORT whose port cannot be listened on."""
    status = 0
    for name, port in (item.rsplit("=", 1) for item in names):
        try:
            socket.create_server(("127.0.0.1", int(port))).close()
        except OSError as error:
            say(f"port {port} for {name} is taken or refused: {error.strerror}")
            status = 1
    return status


def wait_until_ready(seconds: float, urls: list[str]) -> int:
    """Wait for all URLs; print the first that does not answer."""
    deadline = time.monotonic() + seconds
    for url in urls:
        if not wait_for(partial(answers, url), deadline):
            say(f"no answer from {url} within {seconds:.0f} s")
            return 1
    return 0


def query(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """Run an instant query; an empty list where there is no answer yet."""
    body = fetch(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
    return list(json.loads(body)["data"]["result"]) if body else []


def find_alerts(alertmanager: str) -> list[dict[str, Any]]:
    """Return the alerts of a failed pane that Alertmanager holds."""
    url = f"{alertmanager}/api/v2/alerts?filter=alertname={ALERT}"
    body = fetch(url)
    return list(json.loads(body)) if body else []


def smoke(seconds: float, prometheus: str, alertmanager: str) -> int:
    """Follow a failed pane from Prometheus into Alertmanager, and print both."""
    start = time.monotonic()
    states = wait_for(lambda: query(prometheus, "panewatch_pane_state == 1"), start + seconds)
    if not states:
        say("no pane series in Prometheus; its target:")
        say((fetch(f"{prometheus}/api/v1/targets") or b"").decode()[:2000])
        return 1
    say(f"pane series in Prometheus after {time.monotonic() - start:.1f} s:")
    for series in states:
        labels = series["metric"]
        say(
            f"  {labels['session']}:{labels['window']}.{labels['pane']}"
            f" on {labels['server']}: {labels['state']}"
        )
    alerts = wait_for(lambda: find_alerts(alertmanager), start + seconds)
    if not alerts:
        say(f"{ALERT} has not reached Alertmanager within {seconds:.0f} s; rules that fire:")
        say(json.dumps(query(prometheus, "ALERTS"))[:2000])
        return 1
    say(f"alert in Alertmanager after {time.monotonic() - start:.1f} s:")
    for alert in alerts:
        say(f"  {alert['labels']['alertname']}: {alert['annotations']['description']}")
    return 0


def main(arguments: list[str]) -> int:
    """Run one of the commands in the module's text."""
    match arguments:
        case ["ports", count]:
            say(" ".join(str(port) for port in find_free_ports(int(count))))
            return 0
        case ["taken", *names]:
            return report_taken(names)
        case ["ready", seconds, *urls]:
            return wait_until_ready(float(seconds), urls)
        case ["smoke", seconds, prometheus, alertmanager]:
            return smoke(float(seconds), prometheus, alertmanager)
    say(__doc__ or "")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
