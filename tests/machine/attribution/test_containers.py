"""Paths of control groups as the runtimes make them, and the containers that they name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from panewatch.panes.containers import Container, find_container, read_group

ID = "0123456789ab" + "cd" * 26


@pytest.mark.parametrize(
    ("path", "container"),
    [
        (f"/system.slice/docker-{ID}.scope", Container("0123456789ab", "docker")),
        (f"/docker/{ID}", Container("0123456789ab", "docker")),
        (f"/docker/{ID}/init.scope", Container("0123456789ab", "docker")),
        (
            f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container",
            Container("0123456789ab", "podman"),
        ),
        (f"/machine.slice/libpod-conmon-{ID}.scope", None),
        (
            f"/kubepods.slice/kubepods-burstable.slice/cri-containerd-{ID}.scope",
            Container("0123456789ab", "kubernetes"),
        ),
        (f"/kubepods/besteffort/pod7a/{ID}", Container("0123456789ab", "kubernetes")),
        (f"/system.slice/nerdctl-{ID}.scope", Container("0123456789ab", "other")),
        ("/lxc/web/system.slice", Container("web", "lxc")),
        ("/lxc.payload.web/init.scope", Container("web", "lxc")),
        ("/machine.slice/machine-box.scope/payload", Container("box", "machine")),
        ("/machine.slice/machine-\x1b[31mbox.scope", Container("[31mbox", "machine")),
        ("/user.slice/user-1000.slice/session-3.scope", None),
        ("/", None),
        ("", None),
        (f"/system.slice/{ID[:40]}.scope", None),
    ],
)
def test_a_group_names_its_container(path: str, container: Container | None) -> None:
    assert read_group(path) == container


def test_a_process_without_a_container_or_that_is_gone_has_none() -> None:
    assert find_container(2**22 + 1) is None
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    groups = [line.split(":", 2)[2] for line in lines]
    named = [found for found in map(read_group, groups) if found]
    assert find_container(os.getpid()) == (named[0] if named else None)
