"""Which filesystems are mounted, and under which label each is told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from panewatch.machine.host.questions import Place
from panewatch.panes.text import clean_label

_TABLE: Final = Path("/proc/self/mountinfo")
_TABLE_BYTES: Final = 4 << 20
_LABEL_LENGTH: Final = 128
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")

_PSEUDO: Final = frozenset(
    b"autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs erofs "
    b"fuse.lxcfs fuse.portal fusectl hugetlbfs iso9660 mqueue nsfs proc procfs pstore ramfs "
    b"rpc_pipefs securityfs selinuxfs squashfs sysfs tracefs".split()
)
"""Filesystems that hold nothing of anybody, or that are full by their nature."""

_LOCAL: Final = frozenset(b"bcachefs btrfs ext2 ext3 ext4 f2fs jfs overlay tmpfs vfat xfs".split())
"""Filesystems of the kernel's own, that answer from memory; they are asked first."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted filesystem.

    Attributes:
        path: Where it is mounted, as the system calls it.
        label: The same as a label value.
        readonly: Whether it can only be read.
        local: Whether it is one of those that answer at once.
        device: The kernel's number of it.
    """

    path: bytes
    label: str
    readonly: bool
    local: bool
    device: bytes

    @property
    def place(self) -> Place:
        """What tells it from another filesystem at the same path, mounted there before or later."""
        return Place(self.device, self.path)


@dataclass(frozen=True, slots=True)
class Mounts:
    """The mounts that are shown, in the order in which they are asked; how many are not."""

    shown: tuple[Mount, ...] = ()
    dropped: int = 0


def list_mounts(ignored: Iterable[str], most: int) -> Mounts:
    """Return the mounted filesystems, each once: where its root is, or by its shortest path.

    Args:
        ignored: Paths that are left out, with all that is mounted below them.
        most: How many are shown; those that were mounted first.

    Raises:
        OSError: the table of mounts cannot be read.
    """
    with _TABLE.open("rb") as table:
        text = table.read(_TABLE_BYTES)
    return parse_mounts(text, ignored, most)


def parse_mounts(text: bytes, ignored: Iterable[str], most: int) -> Mounts:
    """Return the same of the text of ``/proc/self/mountinfo``; lines of other shapes are no mounts.

    A mount that another one was put over is not reachable, and left out.
    """
    below = tuple(os.fsencode(path).rstrip(b"/") + b"/" for path in ignored)
    at: dict[bytes, tuple[bytes, bytes, Mount]] = {}
    for line in text.splitlines():
        head, dash, tail = line.partition(b" - ")
        fields, source = head.split(b" "), tail.split(b" ")
        if not dash or len(fields) < 6 or len(source) < 3:  # noqa: PLR2004 as proc(5) has them
            continue
        path = _unescape(fields[4])
        at.pop(path, None)
        kind, device = source[0], fields[2]
        wanted = kind not in _PSEUDO and not (path.rstrip(b"/") + b"/").startswith(below)
        # The layers of containers are one filesystem, told as itself; but this one's own is "/".
        if wanted and (kind != b"overlay" or path == b"/"):
            label = clean_label(path.decode(errors="replace"), _LABEL_LENGTH)
            readonly = b"ro" in fields[5].split(b",") or b"ro" in source[2].split(b",")
            at[path] = device, fields[3], Mount(path, label, readonly, kind in _LOCAL, device)
    by_device: dict[bytes, tuple[bool, int, Mount]] = {}
    for device, root, mount in at.values():
        rank = (root != b"/", len(mount.path), mount)
        if device not in by_device or rank[:2] < by_device[device][:2]:
            by_device[device] = rank
    by_label: dict[str, Mount] = {}
    for _, _, mount in by_device.values():
        by_label.setdefault(mount.label, mount)
    shown = sorted(list(by_label.values())[:most], key=lambda mount: not mount.local)
    return Mounts(tuple(shown), len(by_device) - len(shown))


def _unescape(path: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), path)
