"""Filesystems that hang, missing files, counters that fall, hostile names: fault 36."""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from pathlib import Path

import pytest

from machine.host.conftest import Launch
from machine.host.fake_host import FakeHost
from machine.host.machines import (
    CPU,
    CPU_ONE_GONE,
    DISKS,
    GIB,
    MOUNTS,
    SHOWN,
    SPACES,
    describe_disk,
    describe_mount,
)
from machine.host.watching import HostExporter, needs_compiler
from polling import wait_until
from runner.programs import get

pytestmark = needs_compiler

Watched = tuple[FakeHost, HostExporter]
ERROR = 'filesystem_device_error{{mountpoint="{}"}}'
FLAG_SECONDS = 5.0


def read_mounts(exporter: HostExporter, *mountpoints: str) -> dict[str, float]:
    """Give every series of some filesystems."""
    labels = tuple(f'{{mountpoint="{mountpoint}"}}' for mountpoint in mountpoints)
    return {name: value for name, value in exporter.read_host().items() if name.endswith(labels)}


def test_36_a_dead_mount_is_told_and_skipped_and_comes_back(watched: Watched) -> None:
    host, exporter = watched
    logged = len(exporter.log)
    before, threads = read_mounts(exporter, *SHOWN), exporter.settle_threads()
    others = read_mounts(exporter, "/", "/home", "/media/old")
    assert len(before) == len(others) // 3 * 4
    begun = time.monotonic()
    host.answer({**SPACES, "/data": "hang"})
    exporter.wait_for(ERROR.format("/data"), 1, FLAG_SECONDS)
    assert time.monotonic() - begun < FLAG_SECONDS, "what docs/host.md says"
    assert read_mounts(exporter, *SHOWN) == {
        **others,
        ERROR.format("/data"): 1,
        'filesystem_readonly{mountpoint="/data"}': 0,
    }
    # It is one thread that hangs, and samples go on beside it.
    wait_until(lambda: exporter.count_threads() == threads + 1, what="others have ended")
    host.answer({**SPACES, "/data": "hang", "/": SPACES["/data"]})
    exporter.wait_for('filesystem_avail_bytes{mountpoint="/"}', 300 * GIB)
    for _ in range(100):
        begun = time.monotonic()
        status, text = get(exporter.port)
        assert time.monotonic() - begun < 5, "the limit of a scrape"
        assert status == 200
        assert 'panewatch_collector_success{collector="host"} 1.0' in text
    assert exporter.count_threads() == threads + 1
    host.answer(SPACES)
    wait_until(lambda: read_mounts(exporter, *SHOWN) == before, what="all is as it was")
    wait_until(lambda: exporter.count_threads() == threads, what="nobody hangs")
    assert "collector failed" not in exporter.log[logged:]


def test_many_dead_mounts_at_once_are_told_at_once(watched: Watched) -> None:
    host, exporter = watched
    dead = [f"/net/{number}" for number in range(40)]
    table = "".join(
        describe_mount(f"0:{100 + number}", path, "nfs4") for number, path in enumerate(dead)
    )
    host.write("proc/self/mountinfo", MOUNTS + table)
    host.answer({**SPACES, **dict.fromkeys(dead, SPACES["/"])})
    exporter.wait_for(ERROR.format("/net/39"), 0)
    threads = exporter.settle_threads()
    host.answer({**SPACES, **dict.fromkeys(dead, "hang")})
    exporter.wait_for(ERROR.format("/net/39"), 1, FLAG_SECONDS)
    told = exporter.read_host()
    assert [told[ERROR.format(path)] for path in dead] == [1] * 40
    assert [told[ERROR.format(path)] for path in SHOWN] == [0] * 4
    wait_until(lambda: exporter.count_threads() == threads + 40, what="one thread for each")
    host.answer({**SPACES, **dict.fromkeys(dead, SPACES["/"])})
    exporter.wait_for('filesystem_avail_bytes{mountpoint="/net/39"}', 40 * GIB)
    wait_until(lambda: exporter.count_threads() == threads, what="nobody hangs")


def test_it_ends_while_a_mount_is_dead(launch: Launch, host: FakeHost) -> None:
    host.answer({**SPACES, "/home": "hang"})
    exporter = launch()
    exporter.wait_for(ERROR.format("/home"), 1)
    exporter.signal(signal.SIGTERM)
    assert exporter.process.wait(30) == 0


@pytest.mark.parametrize(
    ("code", "told"), [(errno.EIO, 1), (errno.ESTALE, 1), (errno.EACCES, None)]
)
def test_errors_of_a_filesystem(watched: Watched, code: int, told: float | None) -> None:
    host, exporter = watched
    host.answer({**SPACES, "/data": f"error {code}"})
    exporter.wait_for(ERROR.format("/data"), told)
    assert exporter.read_host()[ERROR.format("/home")] == 0
    assert exporter.success
    host.answer(SPACES)
    exporter.wait_for(ERROR.format("/data"), 0)


def test_an_unmounted_filesystem_is_gone_and_others_are_capped(watched: Watched) -> None:
    host, exporter = watched
    exporter.wait_for(ERROR.format("/home"), 0)
    lines = MOUNTS.splitlines(keepends=True)
    host.write("proc/self/mountinfo", "".join(line for line in lines if "/home" not in line))
    exporter.wait_for(ERROR.format("/home"), None)
    many = "".join(describe_mount(f"9:{n}", f"/many/{n}", "tmpfs") for n in range(200))
    host.answer({**SPACES, **{f"/many/{n}": SPACES["/"] for n in range(200)}})
    host.write("proc/self/mountinfo", MOUNTS + many)
    exporter.wait_for("filesystems_dropped", 154)
    told = exporter.read_host()
    assert sum(name.startswith("filesystem_size_bytes") for name in told) == 50
    assert told[ERROR.format("/home")] == 0, "those that were there first"


def test_36_a_hostile_mount_point_is_only_a_label(watched: Watched, tmp_path: Path) -> None:
    """Real folders of such names stand in for the mounts: any path answers."""
    host, exporter = watched
    names = [
        b'\xff\xc3(\x1b[31m\n} 1\nevil{a="b"} 1\t\\',
        "\u202egpj.\u2066x".encode(),
        b"y" * 150 + b"one",
        b"y" * 150 + b"two",
    ]
    table = MOUNTS.encode()
    for number, name in enumerate(names):
        path = os.fsencode(tmp_path) + b"/" + name
        Path(os.fsdecode(path)).mkdir()
        line = describe_mount(f"0:{60 + number}", "@", "fuse").encode()
        escaped = re.sub(rb"[\\\s]", lambda found: b"\\%03o" % ord(found[0]), path)
        table += line.replace(b"@", escaped)
    host.write("proc/self/mountinfo", table)
    exporter.wait_for("filesystems_dropped", 1)
    _, text = get(exporter.port)
    labels = re.findall(
        r'^panewatch_host_filesystem_size_bytes\{mountpoint="(.*)"\}', text, re.MULTILINE
    )
    own = [label for label in labels if label not in SHOWN]
    assert len(own) == 3, "two of them are the same when they are cut"
    assert own[0].endswith('/\ufffd\ufffd([31m} 1evil{a=\\"b\\"} 1 \\\\')
    assert own[1].endswith("/gpj.x")
    assert all(len(label) <= 128 + 3 for label in own)
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize(
    ("file", "gone", "well"),
    [
        ("proc/stat", "cpu_seconds_total", False),
        ("proc/meminfo", "memory_bytes", False),
        ("proc/self/mountinfo", "filesystem_", False),
        ("proc/pressure/io", 'pressure_seconds_total{kind="some",resource="io"}', True),
    ],
)
def test_a_file_that_is_missing_leaves_the_others(
    watched: Watched, file: str, gone: str, well: bool
) -> None:
    host, exporter = watched
    exporter.wait_for(ERROR.format("/home"), 0)
    before = exporter.read_host()
    host.remove(file)
    wait_until(
        lambda: not any(name.startswith(gone) for name in exporter.read_host()),
        what="it is gone",
    )
    # What fails with it: how many CPUs there are, the load, how many filesystems are not shown.
    with_it = ("cpus", "load1", "filesystems_dropped")
    kept = {name for name in before if not name.startswith((gone, *with_it)) and "io" not in name}
    assert kept <= exporter.read_host().keys()
    assert exporter.success is well


def test_36_no_counter_falls_when_a_cpu_is_taken_out(launch: Launch, host: FakeHost) -> None:
    exporter = launch()
    idle = 'cpu_seconds_total{mode="idle"}'
    exporter.wait_for(idle, 90000)
    before = {name: v for name, v in exporter.read_host().items() if "_total" in name}
    host.write("proc/stat", CPU_ONE_GONE)
    host.write("proc/pressure/io", "some total=9000007\nfull total=4000000\n")
    exporter.wait_for('pressure_seconds_total{kind="some",resource="io"}', 9.000007)
    after = exporter.read_host()
    assert {name: after[name] for name in before if "pressure" not in name} == {
        name: value for name, value in before.items() if "pressure" not in name
    }
    host.write("proc/stat", CPU_ONE_GONE.replace("4500000 2500", "4500100 2500"))
    exporter.wait_for(idle, 90001)
    host.write("proc/stat", CPU)
    wait_until(lambda: exporter.read_host()[idle] > 90001, what="it is back")


def test_36_a_disk_that_comes_back_goes_on(launch: Launch, host: FakeHost) -> None:
    """Its own count begins anew; what was told does not."""
    exporter = launch()
    series = 'disk_written_bytes_total{device="dm-0"}'
    exporter.wait_for(series, 24 * 512)
    host.write("proc/diskstats", "".join(DISKS.splitlines(keepends=True)[:2]))
    exporter.wait_for(series, None)
    again = describe_disk("dm-0", reads=0, read=0, writes=1, written=8, busy=0)
    host.write("proc/diskstats", again)
    exporter.wait_for(series, 24 * 512)
    again = describe_disk("dm-0", reads=0, read=0, writes=3, written=24, busy=0)
    host.write("proc/diskstats", again)
    exporter.wait_for(series, 40 * 512)


def test_36_a_counter_whose_width_is_over_goes_on(launch: Launch, host: FakeHost) -> None:
    def describe(busy: int) -> str:
        return describe_disk("sda", reads=100, read=8, writes=50, written=8, busy=busy)

    host.write("proc/diskstats", describe(2**32 - 1000))
    exporter = launch()
    series = 'disk_io_seconds_total{device="sda"}'
    exporter.wait_for(series, (2**32 - 1000) / 1000)
    host.write("proc/diskstats", describe(500))
    exporter.wait_for(series, (2**32 + 500) / 1000)
