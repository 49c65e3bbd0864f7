"""What one repository tells, in every state that a repository may be in."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from panes.git_repositories import Repository
from panewatch.panes.git import MOST_BYTES, Git, GitError, NoRepositoryError
from panewatch.panes.repository import Facts, Status, find_root, parse_status, read_facts
from polling import wait_until

FIRST = 1_700_000_000.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def work(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


def read(folder: Path, before: Facts | None = None, git: Git | None = None) -> Facts:
    return read_facts(git or Git("git"), str(folder), before, time.monotonic() + 20)


def find(folder: Path | str, git: Git | None = None, seconds: float = 20.0) -> bytes:
    return find_root(git or Git("git"), str(folder), time.monotonic() + seconds)


def fail(folder: Path, git: Git | None = None, seconds: float = 20.0) -> str:
    """Read a repository that cannot be read, and return the reason."""
    with pytest.raises(GitError) as caught:
        read_facts(git or Git("git"), str(folder), None, time.monotonic() + seconds)
    return caught.value.reason


def write_program(folder: Path, text: str) -> Git:
    """A git that is a shell script."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Git(str(path))


class TestStates:
    def test_clean(self, work: Repository) -> None:
        commit = work.run("rev-parse", "HEAD")
        assert read(work.folder) == Facts(Status(0, commit, None), FIRST)
        assert find(work.folder) == bytes(work.folder)

    def test_dirty(self, work: Repository) -> None:
        for name in ("removed", "staged", "moved"):
            work.commit(name, f"{name}\n")
        work.write("file.txt", "second\n")
        (work.folder / "removed").unlink()
        work.write("staged", "more\n")
        work.run("add", "staged")
        work.run("mv", "moved", "new place")
        work.write("unknown/one", "1")
        work.write("unknown/two", "2")
        work.write("ignored", "3")
        work.write(".gitignore", "ignored\n")
        work.write("line\nend", "4")
        # Those three, a rename as a file less and a file more, and three that git knows not.
        assert read(work.folder).status.dirty == 3 + 2 + 3

    def test_from_a_directory_below(self, work: Repository) -> None:
        work.commit("deep/er/file", "x")
        work.write("deep/er/file", "y")
        work.write("file.txt", "z")
        below = work.folder / "deep/er"
        assert find(below) == bytes(work.folder)
        assert read(below).status.dirty == 2

    def test_conflict(self, work: Repository) -> None:
        work.run("checkout", "--quiet", "-b", "other")
        work.commit("file.txt", "theirs\n")
        work.run("checkout", "--quiet", "main")
        work.commit("file.txt", "ours\n")
        work.run("merge", "other", check=False)
        assert read(work.folder).status.dirty == 1

    def test_before_the_first_commit(self, tmp_path: Path) -> None:
        unborn = Repository(tmp_path / "new", commit=False)
        unborn.write("a", "a")
        assert read(unborn.folder) == Facts(Status(1, None, None), None)

    def test_detached(self, work: Repository) -> None:
        work.commit("b", "b", when=1_700_000_100)
        work.run("checkout", "--quiet", "HEAD~1")
        facts = read(work.folder)
        assert (facts.status.unpushed, facts.committed) == (None, FIRST)

    def test_upstream(self, work: Repository, tmp_path: Path) -> None:
        far = tmp_path / "far"
        work.run("clone", "--quiet", "--bare", ".", str(far))
        work.run("remote", "add", "origin", str(far))
        work.run("push", "--quiet", "--set-upstream", "origin", "main")
        assert read(work.folder).status.unpushed == 0
        for number in range(3):
            work.commit("c", str(number), when=1_700_000_200 + number)
        facts = read(work.folder)
        assert (facts.status.unpushed, facts.committed) == (3, 1_700_000_202)
        # A setting of the repository that would leave the numbers out.
        work.run("config", "status.aheadBehind", "false")
        assert read(work.folder).status.unpushed == 3
        work.run("update-ref", "-d", "refs/remotes/origin/main")
        assert read(work.folder).status.unpushed is None

    def test_worktree_and_submodule_are_of_their_own(
        self, work: Repository, tmp_path: Path
    ) -> None:
        work.run("worktree", "add", "--quiet", str(tmp_path / "second"))
        other = Repository(tmp_path / "other")
        work.run(
            "-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
            str(other.folder), "sub",
        )  # fmt: skip
        work.run("commit", "--quiet", "-m", "sub")
        (work.folder / "sub/file.txt").write_text("changed\n")
        assert find(tmp_path / "second") == bytes(tmp_path / "second")
        assert read(tmp_path / "second").status.dirty == 0
        assert find(work.folder / "sub") == bytes(work.folder / "sub")
        assert read(work.folder / "sub").status.dirty == 1
        assert read(work.folder).status.dirty == 0, "what is in a submodule is the submodule's"
        inner = work.folder / "sub"
        work.run("-C", str(inner), "-c", "user.name=n", "-c", "user.email=e", "commit", "-qam", "x")
        assert read(work.folder).status.dirty == 1, "another commit of it is not"

    def test_the_time_is_read_once_for_each_commit(self, work: Repository) -> None:
        git = Git("git")
        facts = read(work.folder, git=git)
        calls = git.calls
        assert read(work.folder, facts, git) == facts
        assert git.calls == calls + 2, "filters and status"
        work.commit("d", "d", when=1_700_000_300)
        assert read(work.folder, facts, git).committed == 1_700_000_300


class TestNoRepository:
    @pytest.mark.parametrize("place", ["folder", "bare", "bare/refs", "inside", "absent"])
    def test_where_there_is_no_work_tree(self, place: str, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "bare")], check=True)
        if place == "inside":
            folder = Repository(tmp_path / "inside").folder / ".git"
        else:
            folder = tmp_path / place
        with pytest.raises(NoRepositoryError):
            find(folder)


class TestFailures:
    def test_corrupt(self, work: Repository) -> None:
        (work.folder / ".git/index").write_bytes(b"nonsense" * 20)
        assert fail(work.folder) == "error"

    def test_bad_configuration(self, work: Repository) -> None:
        (work.folder / ".git/config").write_text("[nonsense\n")
        assert fail(work.folder) == "error"

    def test_a_work_tree_whose_repository_is_gone(self, work: Repository, tmp_path: Path) -> None:
        work.run("worktree", "add", "--quiet", str(tmp_path / "second"))
        work.folder.rename(tmp_path / "moved")
        with pytest.raises(GitError, match="error"):
            find(tmp_path / "second")

    def test_of_another_user(self, work: Repository, tmp_path: Path) -> None:
        git = write_program(tmp_path, 'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec git "$@"')
        with pytest.raises(GitError, match="ownership"):
            find(work.folder, git)

    def test_no_git(self, work: Repository, tmp_path: Path) -> None:
        assert fail(work.folder, Git(str(tmp_path / "absent"))) == "binary"

    def test_a_file_that_never_ends(self, work: Repository) -> None:
        # As on a disk that does not answer: git waits for somebody to write.
        exclude = work.folder / ".git/info/exclude"
        exclude.unlink(missing_ok=True)
        os.mkfifo(exclude)
        work.write("unknown", "1")
        assert fail(work.folder, seconds=1.0) == "timeout"

    def test_what_hangs_is_killed_with_all_that_it_started(
        self, work: Repository, tmp_path: Path
    ) -> None:
        note = tmp_path / "pid"
        git = write_program(tmp_path, f"trap '' TERM\nsleep 1000 &\necho $! > {note}\nwait")
        assert fail(work.folder, git, seconds=1.0) == "timeout"
        child = Path("/proc") / note.read_text().strip()

        def ended() -> bool:
            try:
                return ") Z " in (child / "stat").read_text()
            except OSError:
                return True

        assert wait_until(ended)

    def test_a_child_that_keeps_the_pipe_open_is_waited_for_no_longer(
        self, work: Repository, tmp_path: Path
    ) -> None:
        git = write_program(tmp_path, "setsid sleep 30 & exit 0")
        assert fail(work.folder, git, seconds=1.0) == "timeout"

    def test_endless_output_and_endless_complaints(self, work: Repository, tmp_path: Path) -> None:
        assert fail(work.folder, write_program(tmp_path, "yes")) == "output"
        complaints = f"head -c {4 * MOST_BYTES} /dev/zero >&2; exit 1"
        assert fail(work.folder, write_program(tmp_path, complaints)) == "error"

    def test_no_more_is_started_where_much_cannot_be_killed(self, work: Repository) -> None:
        git = Git("git")
        # A process in an uninterruptible sleep cannot be made at will: these stand for it.
        stuck = [subprocess.Popen(["sleep", "1000"]) for _ in range(4)]
        git._stuck += stuck
        try:
            assert fail(work.folder, git) == "timeout"
            assert git.calls == 0
        finally:
            for process in stuck:
                process.kill()
                process.wait()
        assert read(work.folder, git=git).committed == FIRST


class TestOutput:
    def test_parsed(self) -> None:
        records = (
            "# branch.oid 0123abcd", "# branch.head main", "# branch.upstream origin/main",
            "# branch.ab +12 -3", "1 .M N... 100644 100644 100644 a b name",
            "u UU N... 1 1 1 1 a b c name", "? # branch.ab +9 -9", "",
        )  # fmt: skip
        assert parse_status("\0".join(records).encode()) == Status(3, "0123abcd", 12)

    @pytest.mark.parametrize(
        "output", [b"", b"warning: something\0", b"# branch.oid --upload-pack=x\0"]
    )
    def test_refused(self, output: bytes) -> None:
        with pytest.raises(GitError, match="error"):
            parse_status(output)
