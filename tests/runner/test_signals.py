"""Real exporters: how they begin, reload, and end, and what they survive."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from polling import wait_until
from runner.programs import ENVIRONMENT, HANGING, PANEWATCH, Exporter, get, metric

LOOPBACK = "127.0.0.1:0"
QUIET = (*PANEWATCH, "--no-collector.panes", f"--web.listen-address={LOOPBACK}")
PROCESS_WELL = 'panewatch_collector_success{collector="process"}'
RELOADED = "panewatch_config_last_reload_successful"

Launch = Callable[..., Exporter]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    with contextlib.ExitStack() as stack:

        def start(*command: str, **rest: Any) -> Exporter:
            exporter = Exporter(command, tmp_path, **rest)
            stack.callback(exporter.kill)
            return exporter

        yield start


def test_sigterm_with_a_collector_that_hangs(launch: Launch) -> None:
    exporter = launch(*HANGING, LOOPBACK)
    port = exporter.find_port()
    wait_until(lambda: metric(port, 'panewatch_collector_success{collector="panes"}') == 0)
    wait_until(lambda: metric(port, PROCESS_WELL) == 1)
    exporter.signal(signal.SIGTERM)
    assert exporter.process.wait(30) == 0
    socket.create_server(("127.0.0.1", port)).close()
    assert "left hanging" in exporter.log
    assert "Traceback" not in exporter.log


def test_a_second_sigterm_ends_it_at_once(launch: Launch) -> None:
    exporter = launch(*HANGING, LOOPBACK)
    exporter.find_port()
    exporter.signal(signal.SIGTERM)
    wait_until(lambda: "event=stopping" in exporter.log)
    exporter.signal(signal.SIGTERM)
    assert exporter.process.wait(30) == 0
    assert "event=stopped" not in exporter.log


def test_sigint_ends_it_well(launch: Launch) -> None:
    exporter = launch(*QUIET)
    exporter.find_port()
    exporter.signal(signal.SIGINT)
    assert exporter.process.wait(30) == 0
    assert "event=stopped" in exporter.log


def test_answers_are_whole_or_refused_while_it_ends(launch: Launch) -> None:
    exporter = launch(*QUIET)
    port = exporter.find_port()
    seen: list[tuple[int, str]] = []

    def watch() -> None:
        while exporter.process.poll() is None:
            seen.append(get(port))  # raises when an answer is shorter than it says

    with ThreadPoolExecutor(8) as pool:
        watchers = [pool.submit(watch) for _ in range(8)]
        wait_until(lambda: len(seen) > 40)
        exporter.signal(signal.SIGTERM)
        assert exporter.process.wait(30) == 0
        for watcher in watchers:
            watcher.result()
    assert {status for status, _ in seen} <= {0, 200, 503}
    assert all("panewatch_build_info{" in text for status, text in seen if status == 200)


def test_port_in_use(launch: Launch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        exporter = launch(*PANEWATCH, f"--web.listen-address={address}")
        assert exporter.process.wait(60) == 1
    assert exporter.log == f"cannot listen on {address}: address already in use\n"


def test_sighup_reloads_and_a_bad_file_changes_nothing(launch: Launch, tmp_path: Path) -> None:
    file = tmp_path / "panewatch.yml"
    settings = f"web: {{listen_address: '{LOOPBACK}'}}\ncollectors: {{%s: {{enabled: false}}}}\n"
    file.write_text(settings % "panes")
    exporter = launch(*PANEWATCH, "--config.file", str(file))
    port = exporter.find_port()
    wait_until(lambda: metric(port, PROCESS_WELL) == 1)
    assert metric(port, RELOADED) == 1
    keys = "".join(f"key{number}: 1\n" for number in range(30))
    file.write_text(f"web: {{listen_adress: x, config_file: none.yml}}\n{keys}")
    exporter.signal(signal.SIGHUP)
    wait_until(lambda: metric(port, RELOADED) == 0)
    assert metric(port, PROCESS_WELL) == 1
    wait_until(lambda: exporter.log.count("reload failed") >= 20, what="it is told")
    lines = [line for line in exporter.log.splitlines() if "reload failed" in line]
    assert len(lines) == 20, "each problem has a line, up to a bound"
    assert f"{file}:1: web.listen_adress" in lines[0]
    assert f"{file}:2: key0" in lines[1]
    assert lines[1].endswith("number=2 of=32")
    file.write_text(settings % "process")
    exporter.signal(signal.SIGHUP)
    wait_until(lambda: metric(port, RELOADED) == 1)
    assert metric(port, PROCESS_WELL) is None
    assert exporter.end() == 0


def test_sixty_four_file_descriptors(launch: Launch) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    exporter = launch(
        *PANEWATCH, f"--web.listen-address={LOOPBACK}", preexec_fn=limit,
        env={"PANEWATCH_WEB__HEADER_TIMEOUT": "500ms"},
    )  # fmt: skip
    port = exporter.find_port()
    with contextlib.ExitStack() as open_ones:
        for _ in range(100):
            idle = open_ones.enter_context(socket.socket())
            idle.settimeout(5)
            idle.connect(("127.0.0.1", port))
        with ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(lambda _: get(port)[0], range(40)))
        assert exporter.process.poll() is None, exporter.log
    assert set(statuses) <= {0, 200, 503}
    wait_until(lambda: metric(port, PROCESS_WELL) == 1, what="all is well again")
    assert "Traceback" not in exporter.log
    assert exporter.end() == 0


def test_a_log_that_nobody_reads(launch: Launch) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    exporter = launch(
        *PANEWATCH, "--log.level=debug", f"--web.listen-address=127.0.0.1:{port}", stderr=writer
    )
    os.close(writer)
    wait_until(lambda: metric(port, PROCESS_WELL) == 1)
    for _ in range(20):
        exporter.signal(signal.SIGHUP)
    before = metric(port, "panewatch_config_last_reload_success_timestamp_seconds")
    exporter.signal(signal.SIGHUP)
    wait_until(
        lambda: metric(port, "panewatch_config_last_reload_success_timestamp_seconds") != before
    )
    assert exporter.end() == 0
    os.close(reader)


def test_started_with_everything_closed(launch: Launch) -> None:
    def close_all() -> None:
        os.closerange(0, 3)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    exporter = launch(*PANEWATCH, f"--web.listen-address=127.0.0.1:{port}", preexec_fn=close_all)
    wait_until(lambda: metric(port, PROCESS_WELL) == 1)
    opened = Path(f"/proc/{exporter.process.pid}/fd")
    assert [str((opened / str(number)).readlink()) for number in range(3)] == ["/dev/null"] * 3
    assert exporter.end() == 0


def test_restarts_on_one_port(launch: Launch) -> None:
    port = 0
    for _ in range(4):
        exporter = launch(
            *PANEWATCH, "--no-collector.panes", f"--web.listen-address=127.0.0.1:{port}"
        )
        port = exporter.find_port()
        assert get(port)[0] == 200
        assert exporter.end() == 0


def test_each_of_many_signals_is_taken() -> None:
    program = """
import os, signal, threading
from panewatch.signals import Signals

signals = Signals()
signals.install()
for _ in range(3000):
    sender = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGHUP))
    sender.start()
    assert signals.wait()
    sender.join()
os.kill(os.getpid(), signal.SIGTERM)
assert not signals.wait()
assert signals.is_ending()
"""
    subprocess.run((sys.executable, "-c", program), check=True, timeout=60, env=ENVIRONMENT)
