"""The container that a process is in, as its control group names it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from panewatch.panes.proc import read_proc
from panewatch.panes.text import clean_label

_ID = re.compile(r"(?:^|[-/:])([0-9a-f]{64})(?:\.scope)?$")
_MACHINE = re.compile(r"^machine-(.+)\.scope$")
_SHORT: Final = 12
"""Letters of an id that the runtimes show."""

_LONGEST: Final = 64
_SIZE: Final = 4096

_RUNTIMES: Final = (
    ("libpod", "podman"),
    ("kubepods", "kubernetes"),
    ("crio", "kubernetes"),
    ("cri-containerd", "kubernetes"),
    ("docker", "docker"),
)
"""What stands in the path of a container's group, and who it is run by."""


class Container(NamedTuple):
    """A container: its short id, or its name where it goes by that, and who runs it."""

    name: str
    runtime: str


def find_container(pid: int) -> Container | None:
    """Return the container that a process is in; None where its group names none."""
    raw = read_proc(f"/proc/{pid}/cgroup", _SIZE) or b""
    for line in raw.decode(errors="replace").splitlines():
        found = read_group(line.split(":", 2)[-1])
        if found is not None:
            return found
    return None


def read_group(path: str) -> Container | None:
    """Return the container that the path of a control group names."""
    parts = [part for part in path.split("/") if part]
    for place in reversed(range(len(parts))):
        part = parts[place]
        # Podman's monitor beside a container has a group of its own, with the same id.
        if "conmon" in part:
            return None
        if match := _ID.search(part):
            return Container(match[1][:_SHORT], _find_runtime(path))
        if match := _MACHINE.match(part):
            return Container(_clean(match[1]), "machine")
        if part.startswith("lxc.payload."):
            return Container(_clean(part.removeprefix("lxc.payload.")), "lxc")
        if place and parts[place - 1] in {"lxc", "lxc.payload"}:
            return Container(_clean(part), "lxc")
    return None


def _find_runtime(path: str) -> str:
    return next((name for sign, name in _RUNTIMES if sign in path), "other")


def _clean(name: str) -> str:
    return clean_label(name, _LONGEST)
