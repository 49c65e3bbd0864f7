"""An exporter that is stopped for longer than silence may last (SIGSTOP, a machine asleep)."""

from __future__ import annotations

import signal
import time

from panes.private_tmux import PrivateTmux
from panewatch.panes.state import UNSEEN
from polling import wait_until
from runner.programs import PANEWATCH, Exporter, metric

STALLED_AFTER = 8.0
INTERVAL = 0.5
SPAN = 2.0

SETTINGS = f"""
web: {{listen_address: "127.0.0.1:0"}}
panes: {{list_interval: {INTERVAL}, stalled_after: {STALLED_AFTER}, working_for: 0.5}}
tmux: {{sockets: [%s]}}
"""


def name_state(window: int, name: str, family: str = "pane_state") -> str:
    place = f'pane="0",server="tmux.sock",session="main",state="{name}",window="{window}"'
    return f"panewatch_{family}{{{place}}}"


def count_calls(port: int) -> float:
    """Return how often the exporter has called tmux."""
    calls = (f'panewatch_tmux_calls_total{{call="{one}",server="tmux.sock"}}'
             for one in ("list", "capture"))  # fmt: skip
    return sum(metric(port, series) or 0.0 for series in calls)


def test_the_time_of_a_stop_stalls_nothing_and_is_not_made_up_for(tmux: PrivateTmux) -> None:
    tmux.start("i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done")
    file = tmux.folder / "panewatch.yml"
    file.write_text(SETTINGS % tmux.socket)
    exporter = Exporter((*PANEWATCH, f"--config.file={file}"), tmux.folder)
    try:
        wait_until(lambda: "listening" in exporter.log, 60)
        port = exporter.find_port()
        wait_until(lambda: metric(port, name_state(0, "working")), 30, "a program that prints")
        tmux.open("sleep 1000")
        unseen = name_state(1, "unknown", "pane_state_seconds_total")
        wait_until(lambda: metric(port, name_state(1, "working")), 30, "a silent program")
        before = metric(port, unseen) or 0.0
        calls, begin = count_calls(port), time.monotonic()
        wait_until(lambda: time.monotonic() >= begin + SPAN)
        usual = count_calls(port) - calls
        calls = count_calls(port)
        exporter.signal(signal.SIGSTOP)
        asleep = max(UNSEEN, STALLED_AFTER) + 2
        woken = time.monotonic() + asleep
        wait_until(lambda: time.monotonic() >= woken, asleep + 5)
        exporter.signal(signal.SIGCONT)
        begin = time.monotonic()

        # What nobody saw is unknown, and the silence goes on from where it was.
        seen: list[bool] = []

        def settles() -> bool:
            known = metric(port, unseen)
            seen.append(bool(metric(port, name_state(1, "stalled"))))
            return known is not None and known - before >= asleep

        wait_until(settles, 30)
        assert not any(seen)
        assert metric(port, name_state(1, "working"))
        assert metric(port, name_state(0, "working"))

        # It looks as often as ever, not once for each look that it missed.
        wait_until(lambda: time.monotonic() >= begin + SPAN)
        spans = (time.monotonic() - begin) / SPAN
        assert count_calls(port) - calls < 2 * usual * spans + asleep / INTERVAL / 2

        # Of what it sees itself it still says that it is stalled.
        wait_until(
            lambda: metric(port, name_state(1, "stalled")), 2 * STALLED_AFTER, "the end of patience"
        )
        assert metric(port, name_state(0, "working"))
        assert exporter.end() == 0
    finally:
        exporter.kill()
