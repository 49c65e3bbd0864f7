"""Reports and the process tree together: each command once, by whoever knows it better."""

from __future__ import annotations

from pathlib import Path

import pytest

from panewatch.config import CommandsSettings
from panewatch.panes.commands import following
from panewatch.panes.commands.following import Activity, PaneCommands
from panewatch.panes.commands.journal import Journal
from panewatch.panes.commands.sampled import ForegroundWatch, Gone, Running
from panewatch.panes.model import EndedCommand

SHELL, NESTED = 500, 600
WALL = 1_700_000_000.0


class Scripted(ForegroundWatch):
    """A terminal that shows what a test says."""

    __slots__ = ("gone",)

    def __init__(self) -> None:
        super().__init__(SHELL, (), ())
        self.shell = SHELL
        self.gone: list[Gone] = []

    def run(self, name: str, began: float, shell: int = SHELL) -> Running:
        self.command = Running(int(began - WALL) + 1000, shell, name, f"{name} args", began)
        self.shell = None
        return self.command

    def end(self, after: float, before: float) -> None:
        assert self.command is not None
        self.gone.append(Gone(self.command, after, before))
        self.shell, self.command = self.command.shell, None

    def look(self, wall: float) -> list[Gone]:  # noqa: ARG002  # as it is asked
        gone, self.gone = self.gone, []
        return gone


class Pane:
    """A pane whose shells write what a test says."""

    def __init__(self, path: Path, *, fresh: bool = True, since: float = 0.0) -> None:
        self.path = path
        self.screen = Scripted()
        self.commands = PaneCommands(
            self.screen, Journal(path), fresh=fresh, since=since, names=CommandsSettings().names
        )

    def write(self, *fields: object) -> None:
        with self.path.open("a") as file:
            file.write("\t".join(map(str, fields)) + "\n")
        self.path.chmod(0o600)

    def report(self, line: str, at: float, seconds: float, status: int = 0) -> None:
        self.write("E", SHELL, round(at * 1e6), round(seconds * 1e6), status, line)

    def look(self, wall: float = WALL + 100, *, listed: bool = True) -> Activity:
        return self.commands.look(wall, listed=listed)


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch) -> dict[int, bytes]:
    """The arguments by which processes are known."""
    known = {SHELL: b"-bash\0", NESTED: b"bash\0"}
    monkeypatch.setattr(following, "read_proc", lambda path: known.get(int(path.split("/")[2])))
    return known


@pytest.fixture
def pane(tmp_path: Path, arguments: dict[int, bytes]) -> Pane:
    assert arguments
    return Pane(tmp_path / "1.0")


def test_a_command_that_only_the_process_tree_shows_ended_between_two_looks(pane: Pane) -> None:
    pane.screen.run("make", WALL)
    assert pane.look() == Activity((), WALL, None, reports=False)
    pane.screen.end(WALL + 4, WALL + 5)
    activity = pane.look()
    assert activity.ended == (EndedCommand("make", "make args", WALL, 4.5, None, exact=False),)
    assert (activity.started, activity.repeats, activity.reports) == (None, 1, False)
    assert pane.look().ended == ()


def test_of_a_shell_that_reports_only_its_reports_count(pane: Pane) -> None:
    pane.write("H", SHELL)
    assert pane.look().reports
    pane.screen.run("make", WALL)
    pane.look()
    pane.screen.end(WALL + 4, WALL + 5)
    assert pane.look(listed=False).ended == ()
    pane.report("make -j8", WALL + 4.25, 4.5, 2)
    # The command is gone, so its report is waited for, listed or not.
    (ended,) = pane.look(listed=False).ended
    assert ended == EndedCommand("make", "make -j8", WALL - 0.25, 4.5, 2, exact=True)
    assert pane.look().ended == ()


def test_a_report_that_comes_before_the_command_is_seen_to_be_gone_counts_once(pane: Pane) -> None:
    pane.write("H", SHELL)
    pane.screen.run("make", WALL)
    pane.look()
    pane.report("make", WALL + 4, 4)
    assert len(pane.look().ended) == 1
    pane.screen.end(WALL + 4, WALL + 5)
    assert pane.look().ended == ()


def test_a_greeting_in_the_same_look_comes_in_time(pane: Pane) -> None:
    pane.screen.run("make", WALL)
    pane.screen.end(WALL + 4, WALL + 5)
    pane.write("H", SHELL)
    assert pane.look().ended == ()


def test_a_shell_within_a_shell_counts_by_itself(pane: Pane) -> None:
    pane.write("H", SHELL)
    pane.look()
    pane.screen.run("git", WALL, shell=NESTED)
    assert pane.look().started == WALL
    pane.screen.end(WALL + 1, WALL + 2)
    assert [command.exact for command in pane.look().ended] == [False]
    pane.write("H", NESTED)
    pane.screen.run("git", WALL + 10, shell=NESTED)
    pane.look()
    pane.screen.end(WALL + 11, WALL + 12)
    assert pane.look().ended == ()


def test_a_shell_that_became_another_one_reports_no_more(
    pane: Pane, arguments: dict[int, bytes]
) -> None:
    pane.write("H", SHELL)
    pane.look()
    arguments[SHELL] = b"bash\0--norc\0"  # exec bash --norc
    pane.screen.run("make", WALL)
    pane.screen.end(WALL + 4, WALL + 5)
    assert [command.exact for command in pane.look().ended] == [False]
    pane.write("H", SHELL)
    pane.screen.run("make", WALL + 10)
    pane.screen.end(WALL + 11, WALL + 12)
    assert pane.look().ended == ()


def test_an_alias_goes_by_what_it_ran(pane: Pane) -> None:
    pane.write("H", SHELL)
    pane.screen.run("kubectl", WALL)
    pane.look()
    pane.screen.end(WALL + 4, WALL + 5)
    pane.look()
    pane.report("k get pods", WALL + 4, 4)
    (ended,) = pane.look().ended
    assert (ended.name, ended.line) == ("kubectl", "k get pods")
    pane.report("k get pods", WALL + 5, 0)
    assert pane.look().ended[0].name == "k"


def test_the_line_of_a_reporting_shell_began_when_it_says(pane: Pane) -> None:
    pane.write("S", SHELL, round((WALL - 3) * 1e6), "make; make test")
    assert pane.look().started == WALL - 3  # it runs a part of the shell itself
    pane.screen.run("make", WALL)
    assert pane.look().started == WALL - 3
    pane.screen.end(WALL, WALL + 1)
    pane.report("make; make test", WALL + 1, 4)
    assert pane.look().started is None


def test_a_shell_without_a_clock_goes_by_when_the_file_was_written(pane: Pane) -> None:
    pane.write("S", SHELL, 0, "make")
    written = pane.path.stat().st_mtime_ns / 1e9
    assert pane.look(wall=written + 50).started == written
    pane.write("E", SHELL, 0, 2500000, 1, "make")
    written = pane.path.stat().st_mtime_ns / 1e9
    (ended,) = pane.look(wall=written + 50).ended
    assert ended == EndedCommand("make", "make", written - 2.5, 2.5, 1, exact=True)


def test_a_shell_that_is_replaced_by_a_program_runs_no_line(pane: Pane) -> None:
    pane.write("S", SHELL, round(WALL * 1e6), "exec bash --norc")
    activity = pane.look()
    assert activity.started is None
    assert activity.reports


def test_a_command_that_was_stopped_has_not_ended(pane: Pane) -> None:
    pane.report("vim", WALL, 5, 148)
    activity = pane.look()
    assert (activity.ended, activity.repeats) == ((), None)
    pane.report("fg", WALL + 9, 4, 0)
    assert [command.line for command in pane.look().ended] == ["fg"]


def test_what_ended_before_a_pane_was_seen_first_does_not_count(
    tmp_path: Path, arguments: dict[int, bytes]
) -> None:
    assert arguments
    pane = Pane(tmp_path / "1.0", fresh=False)
    pane.report("make", WALL - 60, 5, 2)
    activity = pane.look()
    assert (activity.ended, activity.reports) == ((), True)
    pane.report("make", WALL, 5, 2)
    assert len(pane.look().ended) == 1


def test_what_an_older_server_left_behind_does_not_count(
    tmp_path: Path, arguments: dict[int, bytes]
) -> None:
    assert arguments
    pane = Pane(tmp_path / "1.0", since=WALL)
    pane.report("make", WALL - 1, 5)
    pane.report("make", WALL + 1, 5)
    assert len(pane.look().ended) == 1


@pytest.mark.parametrize(("at", "seconds"), [(WALL + 1e9, 1.0), (WALL, 5e8)])
def test_times_that_cannot_be_do_no_harm(pane: Pane, at: float, seconds: float) -> None:
    pane.report("make", at, seconds)
    for command in pane.look(wall=WALL).ended:
        assert command.started + command.seconds <= WALL
        assert command.seconds < 1e8


def test_the_same_line_in_a_row_is_counted(pane: Pane) -> None:
    counts = []
    for line in ("make", "make", "  make ", "make test", "make", "", "", "make"):
        pane.report(line, WALL, 1)
        counts.append(pane.look().repeats)
    assert counts == [1, 2, 3, 1, 1, 1, 1, 1]


def test_the_shells_that_are_remembered_are_bounded(pane: Pane) -> None:
    for shell in range(1000, 1200):
        pane.write("S", shell, round(WALL * 1e6), "make")
    pane.look()
    assert len(pane.commands._reporting) == len(pane.commands._open) == 32
    assert 1199 in pane.commands._reporting
