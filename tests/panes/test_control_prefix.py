"""Panes of servers that are reached through a command."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from libtmux.exc import TmuxCommandNotFound

from panes.driving import HOSTILE, command, read
from panes.private_tmux import PrivateTmux
from panewatch.panes.control import ControlError, PaneControl
from polling import wait_until

SSH = """#!/bin/sh
# Like ssh: joins the words, and has a shell on the other side read them anew.
host=$1
shift
exec env -i PATH="$PATH" HOME=/ HOST="$host" sh -c "$*"
"""
"""Stands in for ssh, where no sshd is."""


@pytest.fixture
def ssh(tmp_path: Path) -> tuple[str, ...]:
    program = tmp_path / "ssh"
    program.write_text(SSH)
    program.chmod(0o755)
    return (str(program), "gpu1")


@pytest.fixture
def bare() -> tuple[str, ...]:
    """Runs tmux in an empty environment, as a container does."""
    return ("env", "-i", f"PATH={os.environ['PATH']}")


@pytest.fixture(params=["bare", "ssh"])
def prefix(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.getfixturevalue(request.param)
    return found


def test_every_character_arrives_as_it_is(tmux: PrivateTmux, prefix: tuple[str, ...]) -> None:
    log = tmux.folder / "messages"
    tmux.start(command(log), session="work")
    control = PaneControl.attach("work:0.0", socket=tmux.socket, prefix=prefix)
    control.wait_for_prompt("^❯ $", timeout=20)
    large = "\n".join(HOSTILE * 400)
    assert len(large.encode()) > 65_536
    for text in (*HOSTILE, large):
        control.send_keys(text, enter_delay=0)
    wait_until(lambda: len(read(log)) > len(HOSTILE), 20, "all messages")
    assert [message.text for message in read(log)] == [*HOSTILE, large]
    assert control.capture()[0].startswith("● read")
    assert tmux.run("list-buffers") == ""


def test_shell_prompts_are_told_by_name(tmux: PrivateTmux, prefix: tuple[str, ...]) -> None:
    control = PaneControl.attach(tmux.start(), socket=tmux.socket, prefix=prefix)
    control.wait_for_shell_prompt()
    control.send_keys("cat", enter_delay=0)
    with pytest.raises(ControlError, match="no shell came"):
        control.wait_for_shell_prompt(timeout=0.5)
    control.press("C-d")
    control.wait_for_shell_prompt()


def test_libtmux_works_through_the_prefix_or_not_at_all(
    tmux: PrivateTmux, prefix: tuple[str, ...]
) -> None:
    control = PaneControl.attach(tmux.start(), socket=tmux.socket, prefix=prefix)
    control.pane.cmd("select-pane", "-T", "it's; mine")
    assert tmux.ask("#{pane_title}", "main") == "it's; mine"
    assert control.pane.display_message("#{socket_path}", get_text=True) == [tmux.socket]
    # libtmux lists with a tmux of its own: it must not find this machine's panes.
    with pytest.raises(TmuxCommandNotFound):
        _ = control.pane.server.panes
    with pytest.raises(TmuxCommandNotFound):
        control.pane.refresh()


def test_a_prefix_that_fails_says_why(tmux: PrivateTmux) -> None:
    tmux.start()
    refusing = ["sh", "-c", "echo 'Error: No such container: \033[31mgone' >&2; exit 1", "sh"]
    with pytest.raises(ControlError, match="No such container: ") as caught:
        PaneControl.attach("%0", socket=tmux.socket, prefix=refusing)
    assert caught.value.reason == "unreachable"
    assert str(caught.value).isprintable()


@pytest.fixture
def container(tmux: PrivateTmux) -> Iterator[tuple[str, ...]]:
    """A mount namespace of its own with a tmux server that cannot be reached from outside."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        pytest.skip("unshare and nsenter are not installed")
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mount namespaces are not permitted here")
    inner = tmux.folder / "inner"
    inner.mkdir()
    script = (
        f"mount -t tmpfs none {inner} && tmux -S {inner}/socket -f /dev/null new-session -d -s"
        f" inside 'exec bash --norc' && echo ready && read _; tmux -S {inner}/socket kill-server"
    )
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            pytest.skip("tmux does not start in a mount namespace here")
        yield ("nsenter", "--target", str(process.pid), "--mount")
        process.stdin.close()


def test_a_server_in_a_namespace_of_its_own(tmux: PrivateTmux, container: tuple[str, ...]) -> None:
    socket = str(tmux.folder / "inner/socket")
    with pytest.raises(ControlError, match="No such file"):
        PaneControl.attach("inside", socket=socket)
    control = PaneControl.attach("inside", socket=socket, prefix=container)
    control.wait_for_shell_prompt()
    control.send_keys("echo $((6 * 7))", enter_delay=0)
    control.wait_for_shell_prompt()
    assert control.capture()[1] == "42"
