"""tmux servers that are absent, die, hang, come back or are out of reach."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from panes.private_tmux import PrivateTmux
from panes.scraping import Scrape, collecting
from panes.watching import Watch
from panewatch.panes.discovery import find_running
from panewatch.panes.look import Absence, Request
from panewatch.panes.sweep import Reader
from panewatch.panes.tmux import Tmux, TmuxError
from polling import wait_until

RECOVERY = 30.0
"""Pauses grow to 15 s while a server fails."""


def kill_server(tmux: PrivateTmux, number: int) -> int:
    pid = int(tmux.run("display-message", "-p", "#{pid}"))
    os.kill(pid, number)
    return pid


def test_a_server_that_starts_later_appears_by_itself(tmux: PrivateTmux) -> None:
    with collecting(tmux={"sockets": [tmux.socket]}) as collector:
        wait_until(lambda: Scrape(collector).states() == {"tmux.sock": "no_server"})
        scrape = Scrape(collector)
        assert scrape.value("tmux_server_up", server="tmux.sock") == 0
        assert not scrape.unavailable
        assert scrape.panes() == {}
        tmux.start("sleep 1000")
        wait_until(lambda: Scrape(collector).value("panes") == 1, RECOVERY)
        assert not Scrape(collector).unavailable


def test_a_killed_server_takes_its_panes_along(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    with collecting(tmux={"sockets": [tmux.socket]}) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 1)
        kill_server(tmux, signal.SIGKILL)
        wait_until(lambda: not Scrape(collector).panes())
        scrape = Scrape(collector)
        assert scrape.states() == {"tmux.sock": "no_server"}
        assert scrape.value("panes") is None
        assert (scrape.value("tmux_call_failures_total", reason="no_server") or 0) >= 1


def test_a_new_server_with_the_same_ids_starts_from_nothing(tmux: PrivateTmux) -> None:
    tmux.start("for i in 1 2 3; do echo $i; done; sleep 1000")
    with collecting(tmux={"sockets": [tmux.socket]}) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 1)
        tmux.run("kill-server")
        wait_until(lambda: not Scrape(collector).panes())
        tmux.start("echo one line; sleep 1000")
        wait_until(lambda: Scrape(collector).value("pane_lines_total") == 1, RECOVERY)
        assert Scrape(collector).value("pane_gaps_total") == 0


def test_a_frozen_server_leaves_its_panes_unknown(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    with collecting(tmux={"sockets": [tmux.socket], "timeout": 0.3}) as collector:
        wait_until(lambda: Scrape(collector).panes() == {("main", "0", "0"): "working"})
        pid = kill_server(tmux, signal.SIGSTOP)
        try:
            wait_until(lambda: Scrape(collector).states() == {"tmux.sock": "timeout"})
            scrape = Scrape(collector)
            assert scrape.panes() == {("main", "0", "0"): "unknown"}
            assert scrape.value("pane_lines_total") is None
            assert "timeout" in scrape.unavailable
            failures = "tmux_call_failures_total"
            wait_until(lambda: (Scrape(collector).value(failures, reason="timeout") or 0) >= 2)
        finally:
            os.kill(pid, signal.SIGCONT)
        working = {("main", "0", "0"): "working"}
        wait_until(lambda: Scrape(collector).panes() == working, RECOVERY)
    assert not [p for p in psutil.Process().children() if p.status() == psutil.STATUS_ZOMBIE]


def test_a_frozen_server_delays_no_other(tmux: PrivateTmux) -> None:
    (tmux.folder / "b").mkdir()
    other = PrivateTmux(tmux.folder / "b")
    other.socket = str(tmux.folder / "b" / "other")
    other.start("while :; do echo tick; sleep 0.05; done")
    tmux.start("sleep 1000")
    try:
        sockets = [tmux.socket, other.socket]
        with collecting(tmux={"sockets": sockets, "timeout": 20}) as collector:
            wait_until(lambda: len(Scrape(collector).values("pane_info")) == 2)
            pid = kill_server(tmux, signal.SIGSTOP)
            try:
                seen = Scrape(collector).value("pane_lines_total", server="other") or 0
                wait_until(
                    lambda: (
                        (Scrape(collector).value("pane_lines_total", server="other") or 0)
                        >= seen + 10
                    )
                )
            finally:
                os.kill(pid, signal.SIGCONT)
    finally:
        other.kill()


def test_a_deleted_socket_is_missing_and_its_server_is_found_again(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    with collecting(tmux={"sockets": [tmux.socket]}) as collector:
        wait_until(lambda: Scrape(collector).value("panes") == 1)
        pid = int(tmux.run("display-message", "-p", "#{pid}"))
        Path(tmux.socket).unlink()
        wait_until(lambda: Scrape(collector).states() == {"tmux.sock": "missing"})
        assert set(Scrape(collector).panes().values()) == {"unknown"}
        os.kill(pid, signal.SIGUSR1)  # tmux makes its socket again
        wait_until(lambda: Scrape(collector).value("panes") == 1, RECOVERY)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_socket_of_somebody_else_is_refused_by_permission(tmux: PrivateTmux) -> None:
    tmux.start("sleep 1000")
    Path(tmux.folder).chmod(0o755)
    # Read the program as root, then become nobody.
    program = (
        "import os, sys\nfrom panewatch.panes.tmux import Tmux, TmuxError\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: Tmux(sys.argv[2], (), sys.argv[1], 5).call('list-panes')\n"
        "except TmuxError as e: print(e.reason)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, tmux.socket, str(shutil.which("tmux"))], cwd="/",
        capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path("exporter").resolve())},
    )  # fmt: skip
    assert result.stdout.strip() == "permission", result.stderr


def fake(folder: Path, script: str) -> str:
    path = folder / "tmux"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 1", "error"),
        ("echo 'no server running on /x' >&2; exit 1", "no_server"),
        ("echo 'error connecting to /x (No such file or directory)' >&2; exit 1", "missing"),
        ("echo 'error connecting to /x (Permission denied)' >&2; exit 1", "permission"),
        ("echo 'error connecting to /x (Connection refused)' >&2; exit 1", "refused"),
        ("echo nonsense", "error"),
        ("exec sleep 100", "timeout"),
        ("sleep 100 & wait", "timeout"),
    ],
)
def test_each_failure_has_its_reason(tmp_path: Path, script: str, reason: str) -> None:
    watch = Watch(PrivateTmux(tmp_path), timeout=0.5 if reason == "timeout" else 10)
    watch.sweeper._tmux._command[0] = fake(tmp_path, script)
    with pytest.raises(TmuxError) as failure:
        watch.look()
    assert failure.value.reason == reason
    assert not psutil.Process().children(recursive=True)


@pytest.mark.parametrize("binary", ["/nonexistent/tmux", "/etc/passwd"])
def test_a_missing_program_is_named(binary: str) -> None:
    with pytest.raises(TmuxError, match=binary) as failure:
        Tmux(binary, (), None, 1).call("list-panes")
    assert failure.value.reason == "binary"


def test_a_program_that_warns_is_read_all_the_same(tmux: PrivateTmux) -> None:
    tmux.start("echo hello; sleep 1000")
    watch = Watch(tmux)
    binary = fake(tmux.folder, "echo 'warning: something is odd'; exec tmux \"$@\"")
    watch.sweeper._tmux._command[0] = binary
    wait_until(lambda: watch.look() or watch.witness.texts("%0") == ["hello"])


def test_a_tmux_without_stdin_commands_is_read_by_arguments(tmux: PrivateTmux) -> None:
    tmux.start("echo number 0; sleep 1000")
    panes = ["%0", *(tmux.open(f"echo number {n}; sleep 1000") for n in range(1, 60))]
    watch = Watch(tmux)
    watch.sweeper._reader._stdin = False
    wait_until(
        lambda: (
            watch.look()
            or [watch.witness.texts(p) for p in panes] == [[f"number {n}"] for n in range(60)]
        )
    )


@pytest.mark.parametrize("stdin", [True, False])
def test_a_pane_that_is_gone_voids_no_other(tmux: PrivateTmux, *, stdin: bool) -> None:
    tmux.start("sleep 1000")
    panes = ["%0", *(tmux.open("sleep 1000") for _ in range(5))]
    for pane in panes[1::2]:
        tmux.run("kill-pane", "-t", pane)
    reader = Reader(Tmux("tmux", (), tmux.socket, 5), 4096)
    reader._stdin = stdin
    requests = [Request(pane, 2000) for pane in panes]
    looks = {pane: look for chunk in reader.read(requests) for pane, look in chunk.items()}
    assert [looks[pane] is Absence.VANISHED for pane in panes] == [False, True] * 3
    assert set(looks) == set(panes)


def test_an_answer_that_was_cut_short_is_no_answer(tmux: PrivateTmux) -> None:
    tmux.start("seq 1 20; sleep 1000")
    pane = tmux.open("seq 1 50; sleep 1000")
    watch = Watch(tmux)
    wait_until(lambda: watch.look() or len(watch.witness.texts(pane)) == 50)
    whole = watch.sweeper._tmux._command[0]
    cut = 'tmux "$@" | head -n 2; echo "closed by remote host" >&2; exit 255'
    watch.sweeper._tmux._command[0] = fake(tmux.folder, cut)
    with pytest.raises(TmuxError, match="closed by remote host"):
        watch.look()
    watch.sweeper._tmux._command[0] = whole
    watch.look()
    assert watch.witness.texts(pane) == [str(n) for n in range(1, 51)]
    assert watch.witness.forgotten == []


def test_a_socket_like_the_name_of_another_disturbs_nobody(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmux.folder / "link"))
    (tmux.folder / "link").symlink_to(tmux.folder / "real")
    folder = tmux.folder / "real" / f"tmux-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True)
    usual = PrivateTmux(folder)
    usual.socket = str(folder / "tmux.sock")
    monkeypatch.setattr(
        "panewatch.panes.collector.find_running",
        lambda: (path for path in find_running() if tmux.folder in path.parents),
    )
    tmux.start("sleep 1000")
    try:
        with collecting(tmux={"discovery_interval": 0.1}) as collector:
            wait_until(lambda: Scrape(collector).states() == {"tmux.sock": "up"})
            usual.start("sleep 1000")
            wait_until(lambda: len(Scrape(collector).states()) == 2)
            states = Scrape(collector).states()
            assert states.pop("tmux.sock") == "up"
            assert list(states.values()) == ["up"]
        assert not [t for t in threading.enumerate() if t.name.startswith("tmux-tmux.sock")]
    finally:
        usual.kill()


def test_panes_killed_at_any_moment_disturb_no_other(tmux: PrivateTmux) -> None:
    stays = tmux.start("i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done")
    watch = Watch(tmux)
    for _ in range(40):
        tmux.open("sleep 1000")
        # The kill arrives somewhere between listing and reading.
        killer = subprocess.Popen(
            ["tmux", "-S", tmux.socket, "kill-window", "-t", "main:1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        watch.look()
        killer.wait()
    watch.look()
    seen = [int(text) for text in watch.witness.texts(stays)]
    assert seen == list(range(1, len(seen) + 1))
    assert watch.witness.gaps(stays) == 0
    assert watch.view(stays).failures == 0


def test_a_pane_cannot_forge_a_frame(tmux: PrivateTmux) -> None:
    forged = "H %0 1 0 80 24 0 0 0"
    tmux.start(f"echo '{forged}'; echo 'B 3'; sleep 1000")
    watch = Watch(tmux)
    wait_until(lambda: watch.look() or watch.witness.texts("%0") == [forged, "B 3"])


def test_containers_and_hosts_are_read_through_a_prefix(tmux: PrivateTmux) -> None:
    tmux.start("echo inside; sleep 1000")
    server = {"name": "box", "prefix": ["env", "INSIDE=1"], "socket": tmux.socket}
    with collecting(tmux={"servers": [server]}) as collector:
        wait_until(lambda: Scrape(collector).value("panes", server="box") == 1)
        scrape = Scrape(collector)
        assert scrape.value("pane_state", server="box", state="working") == 1
        # Processes on the other side are not ours to measure.
        assert scrape.values("pane_processes", server="box") == []


def test_arguments_reach_a_remote_shell_whole(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start("echo over there; sleep 1000")
    ssh = tmp_path / "ssh"
    # Like ssh: drop the host, join the words, let a shell read them.
    ssh.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    server = {"name": "far", "prefix": [str(ssh), "host"], "socket": tmux.socket}
    with collecting(tmux={"servers": [server]}) as collector:
        wait_until(lambda: Scrape(collector).value("panes", server="far") == 1)
        assert Scrape(collector).value("pane_info", server="far", command="sleep") == 1


def test_every_server_of_the_user_is_discovered(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmux.folder))
    # Other tests run beside this one: see their servers and none of their ends.
    monkeypatch.setattr(
        "panewatch.panes.collector.find_running",
        lambda: (path for path in find_running() if tmux.folder in path.parents),
    )
    folder = tmux.folder / f"tmux-{os.getuid()}"
    folder.mkdir(mode=0o700)
    usual, elsewhere = PrivateTmux(folder), tmux
    usual.socket = str(folder / "usual")
    try:
        with collecting(tmux={"discovery_interval": 0.1}) as collector:
            names = wait_until(lambda: Scrape(collector).states())
            assert "usual" not in names
            usual.start("sleep 1000")
            elsewhere.start("sleep 1000")
            wait_until(
                lambda: {"usual", "tmux.sock"} <= {
                    name for name, state in Scrape(collector).states().items() if state == "up"
                }
            )  # fmt: skip
            assert Scrape(collector).unavailable == ""
            usual.kill()
            wait_until(lambda: "usual" not in Scrape(collector).states(), RECOVERY)
            assert Scrape(collector).unavailable == ""
    finally:
        usual.kill()


def test_a_server_with_a_name_of_its_own_is_not_found_again(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "panewatch.panes.collector.find_running", lambda: iter((Path(tmux.socket),))
    )
    tmux.start("sleep 1000")
    server = {"name": "mine", "socket": tmux.socket}
    with collecting(tmux={"servers": [server]}) as collector:
        states = Scrape(collector).states()
    assert states["mine"] == "up"
    assert "tmux.sock" not in states


def test_no_server_at_all_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    monkeypatch.setattr("panewatch.panes.collector.find_running", lambda: iter(()))
    with collecting() as collector:
        scrape = Scrape(collector)
    assert scrape.states() == {"default": "no_server"}
    assert scrape.value("tmux_server_up", server="default") == 0
    assert not scrape.unavailable
