"""Another machine for an exporter to read: `fake_host.c` says how it is put before the real one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from machine.host.machines import CPU, DISKS, MEMORY, MOUNTS, PRESSURE, SPACES

SOURCE = Path(__file__).with_suffix(".c")
COMPILER = shutil.which("cc")


def compile_library(folder: Path) -> Path:
    """Compile what is put before the C library."""
    library = folder / "fake_host.so"
    assert COMPILER
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library, SOURCE,
         "-ldl"],
        check=True,
    )  # fmt: skip
    return library


class FakeHost:
    """One machine: what is in its files, and how its filesystems answer.

    Args:
        library: What is put before the C library.
        folder: Where the files are put.
    """

    def __init__(self, library: Path, folder: Path) -> None:
        self._library = library
        self._folder = folder
        self.mend()

    def mend(self) -> None:
        """Have it be well, as it is at first."""
        self.write("proc/stat", CPU)
        self.write("proc/meminfo", MEMORY)
        self.write("proc/diskstats", DISKS)
        self.write("proc/self/mountinfo", MOUNTS)
        for resource, text in PRESSURE.items():
            self.write(f"proc/pressure/{resource}", text)
        self.answer(SPACES)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to see it."""
        return {"LD_PRELOAD": str(self._library), "FAKE_HOST": str(self._folder)}

    def write(self, name: str, content: str | bytes) -> None:
        """Have a file say this from now on."""
        file = self._folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.new")
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        new.replace(file)
        file.with_name(f"{file.name}.absent").unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Have it that there is no such file."""
        file = self._folder / name
        file.with_name(f"{file.name}.absent").touch()

    def answer(self, said: Mapping[str, str]) -> None:
        """Have filesystems answer so, by their paths; others are the real ones."""
        self.write("statvfs", "".join(f"{path} {text}\n" for path, text in said.items()))
