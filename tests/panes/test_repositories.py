"""The ``repositories`` collector over real panes and real repositories."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from panes.git_repositories import Repository
from panes.private_tmux import PrivateTmux
from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.panes.collector import PanesCollector
from panewatch.panes.directory import find_directory
from panewatch.panes.noticeboard import Noticeboard
from panewatch.panes.repositories import RepositoriesCollector
from panewatch.panes.repository_contract import FAILURES, METRICS
from panewatch.panes.repository_diagnose import diagnose
from polling import wait_until
from runner.programs import PANEWATCH, Exporter

SHELL = "exec sh"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


class Reading:
    """Both collectors over one server."""

    def __init__(self, tmux: dict[str, object], repositories: dict[str, object]) -> None:
        self.config = self.configure(tmux, repositories)
        board = Noticeboard()
        self.panes = PanesCollector(self.config, board=board)
        self.collector = RepositoriesCollector(self.config, board)
        self.unavailable = ""

    @staticmethod
    def configure(tmux: dict[str, object], repositories: dict[str, object]) -> Config:
        quick = {"list_interval": 0.05, "min_interval": 0.02, "busy_interval": 0.05}
        return Config.model_validate({"tmux": tmux, "panes": quick, "repositories": repositories})

    def read(self, metric: str = "dirty_files") -> dict[str, float]:
        """Values by window of a metric of panes."""
        list(self.panes.collect())
        return {
            labels["window"]: value
            for name, labels, value in self.collect()
            if name == f"panewatch_pane_repository_{metric}"
        }

    def collect(self) -> list[tuple[str, dict[str, str], float]]:
        samples: list[tuple[str, dict[str, str], float]] = []
        self.unavailable = ""
        try:
            for family in self.collector.collect():
                samples += [(s.name, dict(s.labels), s.value) for s in family.samples]
        except SourceUnavailable as error:
            self.unavailable = error.reason
        return samples

    def count_failures(self) -> dict[str, float]:
        return {
            labels["reason"]: value
            for name, labels, value in self.collect()
            if name == "panewatch_repository_failures_total"
        }

    def count_dropped(self) -> float:
        (value,) = (v for n, _, v in self.collect() if n == "panewatch_repositories_dropped")
        return value


@contextmanager
def reading(
    tmux: PrivateTmux, prefix: tuple[str, ...] = (), **settings: object
) -> Iterator[Reading]:
    reached: dict[str, object] = {"sockets": [tmux.socket]}
    if prefix:
        reached = {"servers": [{"name": "far", "prefix": prefix, "socket": tmux.socket}]}
        reached["sockets"] = [str(tmux.folder / "none")]
    both = Reading(reached, settings)
    both.panes.start()
    try:
        yield both
    finally:
        both.panes.stop()


def open_in(tmux: PrivateTmux, folder: Path, command: str = SHELL) -> str:
    """Open a window with a shell in ``folder``; the first one starts the server."""
    if not Path(tmux.socket).exists():
        tmux.start(f"cd '{folder}' && {command}")
        return tmux.ask("#{pane_id}", "main")
    return tmux.open(f"cd '{folder}' && {command}")


@pytest.fixture
def work(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "work")
    repository.write("new", "1")
    return repository


def test_panes_share_what_is_read_of_their_repository(
    tmux: PrivateTmux, work: Repository, tmp_path: Path
) -> None:
    work.commit("below/file", "x")
    for folder in (work.folder, work.folder / "below", tmp_path):
        open_in(tmux, folder)
    with reading(tmux) as both:
        assert wait_until(lambda: both.read() == {"0": 1, "1": 1})
        assert both.read("last_commit_timestamp_seconds") == dict.fromkeys("01", 1_700_000_000)
        assert both.read("unpushed_commits") == {}
        calls = both.collector.calls
        assert calls < 3 + 2 * 3, "the repository was read once for both"
        work.write("newer", "2")
        assert both.read() == {"0": 1, "1": 1}, "it is not due"
        assert both.collector.calls == calls
    assert both.count_failures() == dict.fromkeys(FAILURES, 0.0)
    assert both.unavailable == ""


def test_what_changes_is_read_when_it_is_due(tmux: PrivateTmux, work: Repository) -> None:
    open_in(tmux, work.folder)
    with reading(tmux, interval=0.05) as both:
        assert wait_until(lambda: both.read() == {"0": 1})
        work.write("newer", "2")
        assert wait_until(lambda: both.read() == {"0": 2})
        (work.folder / ".git").rename(work.folder / "away")
        assert wait_until(lambda: both.read() == {})
        (work.folder / "away").rename(work.folder / ".git")
        assert wait_until(lambda: both.read() == {"0": 2})


def test_a_pane_is_where_its_foreground_process_is(
    tmux: PrivateTmux, work: Repository, tmp_path: Path
) -> None:
    pane = open_in(tmux, tmp_path)
    with reading(tmux) as both:
        assert wait_until(lambda: both.read() == {} and both.collector.calls)
        tmux.run("send-keys", "-t", pane, f"sh -c 'cd {work.folder}; exec sleep 1000'", "Enter")
        assert wait_until(lambda: both.read() == {"0": 1})
        tmux.run("send-keys", "-t", pane, "C-c")
        assert wait_until(lambda: both.read() == {})


def test_what_is_gone_has_no_series(tmux: PrivateTmux, work: Repository, tmp_path: Path) -> None:
    inner = work.folder / "inner"
    inner.mkdir()
    open_in(tmux, tmp_path)
    dead, deleted = (open_in(tmux, folder) for folder in (work.folder, inner))
    with reading(tmux) as both:
        assert wait_until(lambda: both.read() == {"1": 1, "2": 1})
        pid = int(tmux.ask("#{pane_pid}", deleted))
        assert find_directory(pid) == str(inner)
        inner.rmdir()
        assert find_directory(pid) is None
        assert wait_until(lambda: both.read() == {"1": 1})
        tmux.run("send-keys", "-t", dead, "exit", "Enter")
        assert wait_until(lambda: both.read() == {})
    assert both.read() == {}, "the panes collector has stopped"


def sees_panes(collector: PanesCollector) -> bool:
    found = False
    with suppress(SourceUnavailable):
        for family in collector.collect():
            found |= family.name == "panewatch_pane_info" and bool(family.samples)
    return found


def test_behind_a_prefix_nothing_is_read(tmux: PrivateTmux, work: Repository) -> None:
    open_in(tmux, work.folder)
    with reading(tmux, prefix=("env",)) as both:
        wait_until(lambda: sees_panes(both.panes))
        assert both.read() == {}
        assert both.collector.calls == 0


def write_program(folder: Path, text: str) -> str:
    path = folder / "git-program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_repository_that_takes_too_long_is_tried_more_rarely_and_holds_up_no_other(
    tmux: PrivateTmux, work: Repository, tmp_path: Path
) -> None:
    slow = Repository(tmp_path / "slow")
    program = write_program(
        tmp_path, f'case "$*" in *{slow.folder}*status*) exec sleep 1000 ;; esac\nexec git "$@"'
    )
    for folder in (slow.folder, work.folder):
        open_in(tmux, folder)
    with reading(tmux, binary=program, timeout=0.5, interval=0.05) as both:
        assert wait_until(lambda: both.read() == {"1": 1})
        assert wait_until(lambda: both.count_failures()["timeout"] == 1)
        calls = both.collector.calls
        work.write("newer", "2")
        assert wait_until(lambda: both.read() == {"1": 2})
        assert both.collector.calls > calls
        assert both.count_failures()["timeout"] == 1, "ten seconds and more until the next"
        assert both.unavailable == ""


def test_no_more_repositories_than_are_wanted(
    tmux: PrivateTmux, work: Repository, tmp_path: Path
) -> None:
    open_in(tmux, work.folder)
    with reading(tmux, most=1) as both:
        assert wait_until(lambda: both.read() == {"0": 1})
        # Earlier by its name, and yet the one that is known stays.
        other = Repository(tmp_path / "a")
        open_in(tmux, other.folder)
        assert wait_until(lambda: (both.read(), both.count_dropped())[1] == 1)
        assert both.read() == {"0": 1}
        config = both.config.model_copy(
            update={"repositories": both.config.repositories.model_copy(update={"most": 2})}
        )
        both.collector.reconfigure(config)
        assert wait_until(lambda: both.read() == {"0": 1, "1": 0})
        assert both.count_dropped() == 0


def test_without_git(tmux: PrivateTmux, work: Repository, tmp_path: Path) -> None:
    open_in(tmux, work.folder)
    absent = str(tmp_path / "absent")
    with reading(tmux, binary=absent, interval=0.05) as both:
        wait_until(lambda: both.read() == {} and both.unavailable == "git cannot be started")
        assert both.count_failures()["binary"] > 0
        before = both.count_failures()["binary"]
        both.collector.reconfigure(both.configure({"sockets": [tmux.socket]}, {}))
        assert wait_until(lambda: both.read() == {"0": 1})
        assert both.unavailable == ""
        assert both.count_failures()["binary"] >= before, "counters go on"


def ended(pid: str) -> bool:
    try:
        return ") Z " in Path("/proc", pid, "stat").read_text()
    except OSError:
        return True


def test_panewatch_that_ends_leaves_no_git_behind(
    tmux: PrivateTmux, work: Repository, tmp_path: Path
) -> None:
    open_in(tmux, work.folder)
    note = tmp_path / "pid"
    program = write_program(tmp_path, f"trap '' TERM\nsleep 1000 &\necho $! > {note}\nwait")
    file = tmp_path / "panewatch.yml"
    file.write_text(
        f"web: {{listen_address: '127.0.0.1:0'}}\ntmux: {{sockets: [{tmux.socket}]}}\n"
        f"repositories: {{binary: {program}, timeout: 1h}}\n"
        "collectors: {errors: {enabled: false}}\n"
    )
    exporter = Exporter((*PANEWATCH, f"--config.file={file}"), tmux.folder)
    try:
        pid = wait_until(lambda: note.exists() and note.read_text().strip(), timeout=40.0)
        assert isinstance(pid, str)
        assert not ended(pid)
        assert exporter.end() == 0
        assert wait_until(lambda: ended(pid))
    finally:
        exporter.kill()


def test_without_panes_git_is_not_started(tmux: PrivateTmux) -> None:
    with reading(tmux) as both:
        assert both.read() == {}
        assert both.collector.calls == 0
        names = {family.name for family in both.collector.collect()}
    assert names == {spec.family().name for spec in METRICS}


@pytest.mark.parametrize(
    ("binary", "ok", "says"),
    [("git", True, "git version"), ("/nonexistent/git", False, "binary: install git")],
)
def test_diagnosed(binary: str, ok: bool, says: str) -> None:
    (finding,) = diagnose(Config.model_validate({"repositories": {"binary": binary}}))
    assert (finding.source, finding.ok) == ("git", ok)
    assert finding.detail.startswith(says)
