"""What a repository tells: files that differ from the last commit, commits nobody has, when."""

from __future__ import annotations

from typing import NamedTuple

from panewatch.panes.git import Git, GitError, NoRepositoryError

_STATUS = (
    "status", "--porcelain=v2", "--branch", "--ahead-behind", "-z", "--no-renames",
    "--untracked-files=normal",
    # A look into a submodule would go by the submodule's configuration.
    "--ignore-submodules=dirty",
)  # fmt: skip


class Status(NamedTuple):
    """What ``git status`` tells.

    ``dirty`` counts paths that differ from the last commit, also those that git does not
    know (a directory of such files is one path) and those in conflict. ``commit`` is the
    last commit's id, None before the first. ``unpushed`` counts commits that the upstream
    branch lacks, None where there is no upstream.
    """

    dirty: int
    commit: str | None
    unpushed: int | None


class Facts(NamedTuple):
    """What is known of a repository; ``committed`` is the last commit's time, in Unix time."""

    status: Status
    committed: float | None


def find_root(git: Git, directory: str, deadline: float) -> bytes:
    """Return the top folder of the work tree that holds ``directory``.

    Raises:
        NoRepositoryError: there is none.
        GitError: git does not tell.
    """
    root = git.ask(directory, "rev-parse", "--show-toplevel", deadline=deadline)
    if not root:
        raise NoRepositoryError
    return root.removesuffix(b"\n")


def read_facts(git: Git, directory: str, before: Facts | None, deadline: float) -> Facts:
    """Read the facts of the repository that holds ``directory``.

    Args:
        git: The command.
        directory: Any directory of its work tree.
        before: What was read of the same repository before.
        deadline: Monotonic time at which reading is given up.

    Raises:
        NoRepositoryError: there is none any more.
        GitError: git does not tell.
    """
    filters = git.list_filters(directory, deadline)
    status = parse_status(git.ask(directory, *_STATUS, filters=filters, deadline=deadline))
    if before is not None and before.status.commit == status.commit:
        return Facts(status, before.committed)
    if status.commit is None:
        return Facts(status, None)
    # `git log` would show, and so have checked, signatures where the repository asks for it.
    told = git.ask(
        directory, "rev-list", "--max-count=1", "--timestamp", status.commit, deadline=deadline
    )
    stamp = told.partition(b" ")[0]
    if not stamp.isdigit():
        raise GitError("error")
    return Facts(status, float(stamp))


def parse_status(output: bytes) -> Status:
    """Read what ``git status --porcelain=v2 --branch -z`` printed.

    Raises:
        GitError: it cannot be read.
    """
    commit: str | None = None
    unpushed: int | None = None
    told, dirty = False, 0
    for record in output.split(b"\0"):
        if record.startswith(b"# branch.oid "):
            name = record.rpartition(b" ")[2].decode("ascii", "replace")
            told, commit = True, None if name == "(initial)" else name
        elif record.startswith(b"# branch.ab +"):
            ahead = record.split(b" ")[2][1:]
            unpushed = int(ahead) if ahead.isdigit() else None
        elif record and not record.startswith(b"# "):
            dirty += 1
    if not told or not (commit is None or commit.isalnum()):
        raise GitError("error")
    return Status(dirty, commit, unpushed)
