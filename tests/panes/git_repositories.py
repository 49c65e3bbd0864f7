"""Real git repositories, and what makes one dangerous."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class Repository:
    """A repository with one commit, made by the real git."""

    def __init__(self, folder: Path, *, commit: bool = True) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.run("init", "--quiet", "--initial-branch=main", ".")
        self.run("config", "user.email", "nobody@example.invalid")
        self.run("config", "user.name", "nobody")
        if commit:
            self.commit("file.txt", "first\n")

    def run(self, *words: str, check: bool = True, **environment: str) -> str:
        result = subprocess.run(
            ["git", *words], cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=20, env=os.environ | environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check and result.returncode:
            raise AssertionError(f"git {words}: {result.stderr}")
        return result.stdout.strip()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, name: str, text: str, when: int = 1_700_000_000) -> None:
        self.write(name, text)
        self.run("add", name)
        stamp = f"{when} +0000"
        self.run("commit", "--quiet", "-m", name, GIT_COMMITTER_DATE=stamp, GIT_AUTHOR_DATE=stamp)

    def age(self, name: str) -> None:
        """Let git believe that a file may have changed, so that it looks into it."""
        os.utime(self.folder / name, (1, 1))


def list_tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of each file, to tell whether anything was written."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }
