"""How the machine and its GPUs are read: settings."""

from __future__ import annotations

from pydantic import Field

from panewatch.settings_types import (
    Seconds,
    Section,
    Word,
)


class GpuSettings(Section):
    """How the GPUs of this machine are read."""

    timeout: Seconds = Field(
        default=3.0,
        description="Where the driver takes longer to tell of all GPUs, they count as unknown.",
    )


class HostSettings(Section):
    """How the machine itself is read."""

    timeout: Seconds = Field(
        default=1.0,
        description="Filesystems that have not answered after twice this time are told as failing, "
        "and not asked again until they do.",
    )
    max_filesystems: int = Field(
        default=50, ge=1, le=200, description="Filesystems that are shown; the rest is counted."
    )
    ignored_mount_points: tuple[Word, ...] = Field(
        default=("/dev", "/proc", "/run/credentials", "/sys", "/var/lib/containers/storage",
                 "/var/lib/docker", "/var/lib/kubelet/pods"),
        description="Paths whose filesystems are left out, with all that are mounted below them.",
    )  # fmt: skip
