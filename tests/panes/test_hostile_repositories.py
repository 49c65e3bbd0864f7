"""What a repository asks git to run is not run: shown with a canary that plain git brings out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from panes.git_repositories import Repository, list_tree
from panewatch.panes.git import Git, GitError, NoRepositoryError
from panewatch.panes.repository import find_root, read_facts


class Trap:
    """A program that leaves a canary behind when it is run."""

    def __init__(self, folder: Path) -> None:
        self._canary = folder / "canary"
        self.script = folder / "trap"
        self.script.write_text(f"#!/bin/sh\ntouch {self._canary}\nexit 1\n")
        self.script.chmod(0o755)

    def take(self) -> bool:
        """Tell whether it was run since the last call."""
        sprung = self._canary.exists()
        self._canary.unlink(missing_ok=True)
        return sprung


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trap:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return Trap(tmp_path)


def monitor(repository: Repository, trap: Trap) -> None:
    repository.run("config", "core.fsmonitor", str(trap.script))


def hook(repository: Repository, trap: Trap) -> None:
    target = repository.folder / ".git/hooks/post-index-change"
    target.parent.mkdir(exist_ok=True)
    target.symlink_to(trap.script)
    repository.age("file.txt")


def hook_elsewhere(repository: Repository, trap: Trap) -> None:
    repository.write("hooks/post-index-change", trap.script.read_text()).chmod(0o755)
    repository.run("config", "core.hooksPath", "hooks")
    repository.age("file.txt")


def use_filter(repository: Repository) -> None:
    repository.write(".gitattributes", "* filter=trap\n")
    repository.age("file.txt")


def clean(repository: Repository, trap: Trap) -> None:
    repository.run("config", "filter.trap.clean", str(trap.script))
    use_filter(repository)


def clean_required(repository: Repository, trap: Trap) -> None:
    repository.run("config", "filter.trap.required", "true")
    clean(repository, trap)


def process(repository: Repository, trap: Trap) -> None:
    repository.run("config", "filter.trap.process", str(trap.script))
    use_filter(repository)


def included(repository: Repository, trap: Trap) -> None:
    repository.write(".git/more", f'[filter "trap"]\nclean = {trap.script}\n')
    repository.run("config", "include.path", "more")
    use_filter(repository)


def of_work_tree(repository: Repository, trap: Trap) -> None:
    repository.run("config", "extensions.worktreeConfig", "true")
    repository.run("config", "--worktree", "filter.trap.clean", str(trap.script))
    use_filter(repository)


def hidden_attributes(repository: Repository, trap: Trap) -> None:
    repository.write(".git/info/attributes", "* filter=Tr.a.p\n")
    repository.run("config", "filter.Tr.a.p.clean", str(trap.script))
    repository.age("file.txt")


def of_submodule(repository: Repository, trap: Trap) -> None:
    inner = Repository(repository.folder.parent / "inner")
    repository.run(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.folder), "sub"
    )
    repository.run("commit", "--quiet", "-m", "sub")
    inside = repository.folder / "sub"
    for key in ("core.fsmonitor", "filter.trap.clean"):
        repository.run("-C", str(inside), "config", key, str(trap.script))
    repository.write("sub/.gitattributes", "* filter=trap\n")
    repository.age("sub/file.txt")
    repository.run("config", "submodule.sub.ignore", "none")


def lose_object(repository: Repository, url: str) -> None:
    """Let an object be missing that a remote is said to have."""
    tree = repository.run("rev-parse", "HEAD^{tree}")
    (repository.folder / ".git/objects" / tree[:2] / tree[2:]).unlink()
    for key, value in (
        ("core.repositoryFormatVersion", "1"), ("extensions.partialClone", "far"),
        ("remote.far.promisor", "true"), ("remote.far.url", url),
        ("remote.far.fetch", "+refs/heads/*:refs/remotes/far/*"),
    ):  # fmt: skip
        repository.run("config", key, value)


def remote_command(repository: Repository, trap: Trap) -> None:
    repository.run("config", "protocol.ext.allow", "always")
    lose_object(repository, f"ext::{trap.script}")


def remote_server(repository: Repository, trap: Trap) -> None:
    repository.run("config", "remote.far.uploadpack", str(trap.script))
    lose_object(repository, str(Repository(repository.folder.parent / "far").folder))


def remote_shell(repository: Repository, trap: Trap) -> None:
    repository.run("config", "core.sshCommand", str(trap.script))
    lose_object(repository, "ssh://example.invalid/far")


def signature(repository: Repository, trap: Trap) -> None:
    repository.run("config", "log.showSignature", "true")
    repository.run("config", "gpg.program", str(trap.script))
    text = repository.run("cat-file", "commit", "HEAD")
    head, _, message = text.partition("\n\n")
    signed = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n"
    commit = repository.folder / "commit"
    commit.write_text(f"{signed}\n{message}\n")
    name = repository.run("hash-object", "-t", "commit", "-w", "commit")
    repository.run("update-ref", "HEAD", name)


def outer_diff(repository: Repository, trap: Trap) -> None:
    repository.run("config", "diff.external", str(trap.script))
    repository.write("file.txt", "other\n")


def text_diff(repository: Repository, trap: Trap) -> None:
    repository.run("config", "diff.trap.textconv", str(trap.script))
    repository.write(".gitattributes", "* diff=trap\n")
    repository.write("file.txt", "other\n")


DANGERS: dict[Callable[[Repository, Trap], None], tuple[str, ...]] = {
    monitor: ("status",),
    hook: ("status",),
    hook_elsewhere: ("status",),
    clean: ("status",),
    clean_required: ("status",),
    process: ("status",),
    included: ("status",),
    of_work_tree: ("status",),
    hidden_attributes: ("status",),
    of_submodule: ("status",),
    remote_command: ("status",),
    remote_server: ("status",),
    remote_shell: ("status",),
    signature: ("log", "-1"),
    outer_diff: ("diff",),
    text_diff: ("diff",),
}
"""What to do to a repository, and the command that is dangerous in it then."""


def read(git: Git, repository: Repository) -> str:
    """Read all there is, and return why that failed where it did."""
    deadline = time.monotonic() + 20
    try:
        find_root(git, str(repository.folder), deadline)
        read_facts(git, str(repository.folder), None, deadline)
    except GitError as error:
        return error.reason
    return ""


@pytest.mark.parametrize("danger", DANGERS, ids=lambda danger: danger.__name__)
def test_nothing_is_run_and_nothing_written(
    danger: Callable[[Repository, Trap], None], trap: Trap, tmp_path: Path
) -> None:
    repository = Repository(tmp_path / "work")
    danger(repository, trap)
    trap.take()  # the preparations may have sprung it
    before = list_tree(repository.folder)
    reason = read(Git("git"), repository)
    assert reason == ("error" if danger.__name__.startswith("remote_") else "")
    assert not trap.take()
    assert list_tree(repository.folder) == before
    repository.run(*DANGERS[danger], check=False)
    assert trap.take(), "plain git would have run it"


def test_a_filter_that_cannot_be_named_in_an_option_keeps_the_repository_unread(
    trap: Trap, tmp_path: Path
) -> None:
    repository = Repository(tmp_path / "work")
    repository.run("config", "filter.a=b.clean", str(trap.script))
    repository.write(".gitattributes", "* filter=a=b\n")
    repository.age("file.txt")
    trap.take()
    assert read(Git("git"), repository) == "filters"
    assert not trap.take()
    repository.run("status")
    assert trap.take(), "plain git would have run it"


def test_too_many_filters_keep_the_repository_unread(trap: Trap, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "work")
    text = "".join(f'[filter "f{n}"]\nclean = {trap.script}\n' for n in range(65))
    with (repository.folder / ".git/config").open("a") as config:
        config.write(text)
    assert read(Git("git"), repository) == "filters"


def test_what_looks_like_a_bare_repository_is_not_gone_into(trap: Trap, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "work")
    inner = repository.folder / "docs"
    repository.run("clone", "--quiet", "--bare", ".", str(inner))
    config = inner / "config"
    config.write_text(
        config.read_text().replace("bare = true", f"bare = false\nworktree = {repository.folder}")
    )
    repository.run("-C", str(inner), "config", "core.fsmonitor", str(trap.script))
    trap.take()
    git, deadline = Git("git"), time.monotonic() + 20
    with pytest.raises(NoRepositoryError):
        find_root(git, str(inner), deadline)
    repository.run("-C", str(inner), "status", check=False)
    assert trap.take(), "plain git would have run it"


def test_the_environment_of_panewatch_does_not_reach_git(
    trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, other = Repository(tmp_path / "work"), Repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(trap.script))
    git = Git("git")
    root = find_root(git, str(work.folder), time.monotonic() + 20)
    assert root == bytes(work.folder)
    assert read(git, work) == ""
    assert not trap.take()
